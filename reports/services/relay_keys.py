"""The key pair by which an election's phones seal files that people carry (docs/relay.md)."""

import hashlib


def key_id(recipient: str) -> str:
    """A short name for a public key, by which a file says for which it is sealed."""
    return hashlib.sha256(recipient.encode()).hexdigest()[:16]

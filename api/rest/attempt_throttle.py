"""Counts wrong attempts by sender address, within a time window.

Right attempts are never counted.
"""

import ipaddress

from django.core.cache import cache

MAX_WRONG_ATTEMPTS = 20  # many people behind one address who mistype now and then stay below it
WINDOW_SECONDS = 600


def count_wrong_attempt(kind: str, address: str) -> int:
    """Counts one more wrong attempt from this address.

    Returns the number within the window, including this one; 0 where the cache cannot count.
    """
    key = _make_cache_key(kind, address)
    if cache.add(key, 1, WINDOW_SECONDS):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:  # it has just expired
        return 1


def has_too_many_wrong_attempts(kind: str, address: str) -> bool:
    """Whether more wrong attempts came than people make by mistake."""
    return int(cache.get(_make_cache_key(kind, address)) or 0) > MAX_WRONG_ATTEMPTS


def get_sender_network(address: str) -> str:
    """Returns the address as one sender's.

    Of IPv6 that is the /64 network, because one sender has 2**64 addresses.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)


def _make_cache_key(kind: str, address: str) -> str:
    return f"{kind}-wrong:{get_sender_network(address)}"

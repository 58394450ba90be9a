"""What the proxy does to a request on its way."""

OURS = '-gzip"'


def tag_by_the_proxy(tag: str) -> str:
    """If-None-Match as Caddy's `encode gzip` passes it on in its later versions: it thinks it has added that ending."""
    return tag.removesuffix(OURS) + '"' if tag.endswith(OURS) else tag

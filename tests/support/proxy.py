"""What a proxy changes in a request."""

PROXY_SUFFIX = '-gzip"'


def remove_proxy_suffix(tag: str) -> str:
    """If-None-Match as later versions of Caddy pass it on.

    With `encode gzip` they remove the suffix that they would have added.
    """
    return tag.removesuffix(PROXY_SUFFIX) + '"' if tag.endswith(PROXY_SUFFIX) else tag

"""How many wrong things came from one address lately. Right ones are never counted."""

import ipaddress

from django.core.cache import cache

WRONG_MOST = 20  # a room of people who mistype now and then stays below
WINDOW = 600  # seconds


def wrong_add(what: str, address: str) -> int:
    """How many wrong ones came from this address within the window, with this one; 0 where nobody counts."""
    key = _key(what, address)
    if cache.add(key, 1, WINDOW):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:  # it expired this moment
        return 1


def wrong_many(what: str, address: str) -> bool:
    """Whether more came than people make by mistake."""
    return int(cache.get(_key(what, address)) or 0) > WRONG_MOST


def neighbourhood(address: str) -> str:
    """The address as one sender's: of IPv6, everybody has 2**64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)


def _key(what: str, address: str) -> str:
    return f"{what}-wrong:{neighbourhood(address)}"

"""The shared Redis cache of a full deployment.

The platform works without it.
"""

import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger("baqylau.cache")


class FailOpenRedisCache(RedisCache):
    """Redis cache that acts as an empty cache when Redis is lost.

    Then pages are computed and nobody is throttled.
    """

    def _call_or_default(self, name: str, default: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(super(), name)(*args, **kwargs)
        except RedisError as error:
            log.warning("cache is unreachable: %s", error)
            return default

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._call_or_default("add", True, *args, **kwargs))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._call_or_default("get", default, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._call_or_default("set", None, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> int:
        return int(self._call_or_default("incr", 0, *args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._call_or_default("delete", False, *args, **kwargs))

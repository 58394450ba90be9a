"""The shared cache of a full deployment, which may die without taking anyone with it."""

import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger("baqylau.cache")


class FailOpenRedisCache(RedisCache):
    """Redis, but a lost Redis reads as an empty cache: pages are computed, nobody is throttled."""

    def _open(self, name: str, otherwise: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(super(), name)(*args, **kwargs)
        except RedisError as error:
            log.warning("cache is unreachable: %s", error)
            return otherwise

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._open("add", True, *args, **kwargs))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._open("get", default, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._open("set", None, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> int:
        return int(self._open("incr", 0, *args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._open("delete", False, *args, **kwargs))

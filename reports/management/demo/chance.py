"""Chance that is the same on every machine."""

from random import Random
from uuid import UUID, uuid5

SPACE = UUID("6f0f9a3e-5d0c-5c1e-8f3a-20221120a11a")


def chance(*about: object) -> Random:
    """A generator of its own for each thing decided, so that a change here leaves the rest as it was."""
    return Random("/".join(map(str, about)))  # noqa: S311 -- a demonstration, not a secret


def named(*about: object) -> UUID:
    """The id of a demonstration row."""
    return uuid5(SPACE, "/".join(map(str, about)))

"""Random values and ids that are the same on every machine."""

from random import Random
from uuid import UUID, uuid5

UUID_NAMESPACE = UUID("6f0f9a3e-5d0c-5c1e-8f3a-20221120a11a")


def make_random(*parts: object) -> Random:
    """Makes a random generator seeded by `parts`.

    Each decision has its own generator, so that changing one leaves all others as they were.
    """
    return Random("/".join(map(str, parts)))  # noqa: S311 -- a demonstration, not a secret


def make_uuid(*parts: object) -> UUID:
    """Makes the id of a demonstration row from `parts`."""
    return uuid5(UUID_NAMESPACE, "/".join(map(str, parts)))

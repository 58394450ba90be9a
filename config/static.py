"""Static files of a full deployment: compressed, under names with their hash."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage


def _get_pattern(pattern: str | tuple[str, str]) -> str:
    return pattern if isinstance(pattern, str) else pattern[0]


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Leaves the line of a source map as it is.

    Vendored scripts name source maps that are not shipped.
    """

    patterns = tuple(
        (extension, tuple(pattern for pattern in patterns if "sourceMappingURL" not in _get_pattern(pattern)))
        for extension, patterns in HashedFilesMixin.patterns
    )

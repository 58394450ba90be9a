"""How a full deployment keeps its static files: compressed, and under names that carry their hash."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage


def _references(pattern: str | tuple[str, str]) -> str:
    return pattern if isinstance(pattern, str) else pattern[0]


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Vendored scripts name source maps that are not shipped; such a line is left as it is."""

    patterns = tuple(
        (extension, tuple(pattern for pattern in patterns if "sourceMappingURL" not in _references(pattern)))
        for extension, patterns in HashedFilesMixin.patterns
    )

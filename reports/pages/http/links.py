"""Addresses of an election's pages, in one language."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse


@dataclass(frozen=True)
class Links:
    """Builds the addresses of one election's pages.

    `number`: for the permanent addresses of this release. None: for the election's addresses, which always show
    the current figures.
    """

    language: str
    slug: str
    number: int | None = None

    def _reverse(self, name: str, *args: object) -> str:
        if self.number is None:
            return reverse(f"pages:{name}", args=[self.language, self.slug, *args])
        return reverse(f"pages:release-{name}", args=[self.language, self.slug, self.number, *args])

    def get_root_url(self) -> str:
        return self._reverse("election")

    def get_place_url(self, code: str) -> str:
        return self._reverse("commission", code)

    def get_finding_url(self, code: str, stage: str, question: str) -> str:
        return self._reverse("finding", code, stage, question)

    def get_share_image_url(self, code: str) -> str:
        return self._reverse("share", code)

    def get_page_url(self, name: str) -> str:
        """Get the address of the page `search`, `method`, `data` or `statement`."""
        return self._reverse(name)

    def get_releases_url(self) -> str:
        return reverse("pages:releases", args=[self.language, self.slug])

    def for_release(self, number: int) -> "Links":
        return Links(self.language, self.slug, number)

    def for_newest(self) -> "Links":
        return Links(self.language, self.slug)

    def for_language(self, language: str) -> "Links":
        return Links(language, self.slug, self.number)

    def get_statement_docx_url(self) -> str:
        """Get the address of the statement as DOCX."""
        return self._reverse("document")

    def get_data_file_url(self, name: str, number: int) -> str:
        return reverse("pages:data-file", args=[self.slug, number, name])

    def get_summary_url(self, code: str, kind: str = "") -> str:
        """Get the address of a commission's summary in the public API.

        `kind`: the format, such as `csv`.
        """
        query = [*([f"release={self.number}"] if self.number else []), *([f"format={kind}"] if kind else [])]
        address = f"/api/v1/elections/{self.slug}/commissions/{code}/summary"
        return f"{address}?{'&'.join(query)}" if query else address


def make_absolute_url(path: str) -> str:
    return f"{settings.PUBLIC_URL}{path}"

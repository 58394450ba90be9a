"""Addresses within one election, in one language, of live figures or of one release."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse


@dataclass(frozen=True)
class Links:
    """`number`: of the release whose own addresses are meant; None: the election's, which go on with time."""

    language: str
    slug: str
    number: int | None = None

    def _to(self, name: str, *args: object) -> str:
        if self.number is None:
            return reverse(f"pages:{name}", args=[self.language, self.slug, *args])
        return reverse(f"pages:release-{name}", args=[self.language, self.slug, self.number, *args])

    def root(self) -> str:
        return self._to("election")

    def place(self, code: str) -> str:
        return self._to("commission", code)

    def finding(self, code: str, stage: str, question: str) -> str:
        return self._to("finding", code, stage, question)

    def share(self, code: str) -> str:
        return self._to("share", code)

    def page(self, name: str) -> str:
        """`search`, `method`, `data` or `statement`."""
        return self._to(name)

    def releases(self) -> str:
        return reverse("pages:releases", args=[self.language, self.slug])

    def release(self, number: int) -> "Links":
        return Links(self.language, self.slug, number)

    def newest(self) -> "Links":
        return Links(self.language, self.slug)

    def spoken(self, language: str) -> "Links":
        return Links(language, self.slug, self.number)

    def document(self) -> str:
        """The statement as DOCX."""
        return self._to("document")

    def file(self, name: str, number: int) -> str:
        return reverse("pages:data-file", args=[self.slug, number, name])

    def summary(self, code: str, kind: str = "") -> str:
        """The same figures from the public API."""
        query = [*([f"release={self.number}"] if self.number else []), *([f"format={kind}"] if kind else [])]
        address = f"/api/v1/elections/{self.slug}/commissions/{code}/summary"
        return f"{address}?{'&'.join(query)}" if query else address


def absolute(path: str) -> str:
    return f"{settings.PUBLIC_URL}{path}"

"""Errors in received data.

The codes are part of the API contract; each channel adds the texts and their translation.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: its path (`answers.V03`, `evidence.0.size`), a stable code, and a text for people."""

    field: str
    code: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return {"field": self.field, "code": self.code, "detail": str(self.detail)}


class Rejected(Exception):
    """Received data cannot be accepted. `code` is one of the codes in the API contract."""

    def __init__(self, code: str, detail: str, field: str = "", errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.errors = errors or ((FieldError(field, code, detail),) if field else ())

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "detail": str(self.detail), "errors": [e.as_dict() for e in self.errors]}


@dataclass(slots=True)
class Errors:
    """Collects all wrong fields of one request, so that the sender learns of all at once."""

    field_errors: list[FieldError] = field(default_factory=list)

    def add(self, field: str, code: str, detail: str) -> None:
        self.field_errors.append(FieldError(field, code, detail))

    def raise_if_any(self, code: str, detail: str) -> None:
        if self.field_errors:
            raise Rejected(code, detail, errors=tuple(self.field_errors))

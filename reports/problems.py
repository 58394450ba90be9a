"""What can be wrong with something received. Codes are the contract; channels word and translate them."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: its path (`answers.V03`, `evidence.0.size`), a stable code, and words for a person."""

    field: str
    code: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return {"field": self.field, "code": self.code, "detail": str(self.detail)}


class Rejected(Exception):
    """Something that cannot be taken as it is. `code` is one of those in the API contract."""

    def __init__(self, code: str, detail: str, field: str = "", errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.errors = errors or ((FieldError(field, code, detail),) if field else ())

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "detail": str(self.detail), "errors": [e.as_dict() for e in self.errors]}


@dataclass(slots=True)
class Errors:
    """Collects every wrong field of one body, so that the sender learns of all of them at once."""

    found: list[FieldError] = field(default_factory=list)

    def add(self, field: str, code: str, detail: str) -> None:
        self.found.append(FieldError(field, code, detail))

    def raise_if_any(self, code: str, detail: str) -> None:
        if self.found:
            raise Rejected(code, detail, errors=tuple(self.found))

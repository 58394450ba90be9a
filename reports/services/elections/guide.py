"""Observer's guide and code of conduct of an election, from its pack."""

from datetime import date
from typing import Any

from observer.models import Election
from reports.services.elections.pack_guide import CODE_OF_CONDUCT


def build_guide(*, election: Election, kind: str) -> dict[str, Any]:
    """Builds the guide for observers of one kind of organisation: sections, templates, deadlines.

    It has every text in every language. Items may have dates and an audience; those that do not apply to this kind
    on the election's day are left out.
    """
    guide = election.rules.get("guide") or {}
    sections = [
        {
            "code": section["code"],
            "title": section["title"],
            "items": [
                {name: item[name] for name in ("code", "title", "text", "article")}
                for item in section["items"]
                if _applies(item, kind, election.date)
            ],
        }
        for section in guide.get("sections", [])
    ]
    return {
        "languages": election.languages,
        "law": guide.get("law", {}),
        "sections": [section for section in sections if section["items"]],
        "templates": guide.get("templates", []),
        "deadlines": election.rules.get("deadlines") or [],
    }


def get_code_of_conduct(*, election: Election) -> dict[str, Any]:
    """Returns title and points of the code of conduct by language; both are empty without one."""
    documents: list[dict[str, Any]] = (election.rules.get("guide") or {}).get("documents", [])
    document: dict[str, Any] = next((one for one in documents if one["code"] == CODE_OF_CONDUCT), {})
    return {"title": document.get("title", {}), "points": document.get("points", {})}


def _applies(item: dict[str, Any], kind: str, day: date) -> bool:
    """Says whether an item applies to this kind of organisation on this day (ISO dates compare as text)."""
    return (
        (not item["audience"] or kind in item["audience"])
        and (not item["since"] or item["since"] <= day.isoformat())
        and (not item["until"] or day.isoformat() <= item["until"])
    )

"""The observer's guide and the code of conduct, as the pack brought them, for one observer."""

from datetime import date
from typing import Any

from observer.models import Election
from reports.services.elections.pack_guide import CONDUCT


def guide_of(*, election: Election, kind: str) -> dict[str, Any]:
    """Rights, duties, templates and terms for an organisation of this kind on the election's day.

    Every text in every language. A right has dates and an audience: what is not theirs is left out.
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


def conduct_of(*, election: Election) -> dict[str, Any]:
    """The code of conduct: title and points by language; both empty where the pack brought none."""
    papers: list[dict[str, Any]] = (election.rules.get("guide") or {}).get("documents", [])
    paper: dict[str, Any] = next((one for one in papers if one["code"] == CONDUCT), {})
    return {"title": paper.get("title", {}), "points": paper.get("points", {})}


def _applies(item: dict[str, Any], kind: str, day: date) -> bool:
    """ISO dates compare as texts."""
    return (
        (not item["audience"] or kind in item["audience"])
        and (not item["since"] or item["since"] <= day.isoformat())
        and (not item["until"] or day.isoformat() <= item["until"])
    )

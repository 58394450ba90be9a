"""What the election's publication lets strangers see."""

from datetime import datetime

from observer.models import Commission, Election, Level
from reports.services.publishing.published_releases import stand_of
from reports.services.publishing.release_store import part_read


def published(*, commission: Commission, now: datetime) -> bool:
    """Whether this commission's figures are public at this moment.

    Closed, or still a draft: nothing is. Released: releases only, never the figures as they come. Live: everything,
    but a polling station only once its election says so: a live page would tell the chairperson
    who reported.
    """
    election = commission.election
    if election.state == Election.State.DRAFT or election.publication != Election.Publication.LIVE:
        return False
    return commission.level.kind != Level.Kind.PRECINCT or election.precincts_are_public(now)


def photo_published(*, commission: Commission, copy: str, now: datetime) -> bool:
    """Whether this approved copy may be shown: listed by the newest release, or of a place whose live figures are public.

    Once there is a release, stations are protected by it: nothing of theirs is shown live.
    """
    stand = stand_of(commission.election.slug)
    edition = stand.newest(now) if stand else None
    if edition is not None:
        part = part_read(slug=commission.election.slug, number=edition.number, key=f"place:{commission.code}") or {}
        listed = part.get("photos") or (part.get("station") or {}).get("photos") or ()
        if any(copy == one for one, _thumbnail in listed):
            return True
        if commission.is_station:
            return False
    return published(commission=commission, now=now)

"""Rules that decide what the public may see."""

from datetime import datetime

from observer.models import Commission, Election, Level
from reports.services.publishing.published_releases import find_published_election
from reports.services.publishing.release_store import read_part


def is_public(*, commission: Commission, now: datetime) -> bool:
    """Whether this commission's live figures are public at `now`.

    Election closed, or still a draft: nothing is public. Released: only releases are, live figures never. Live:
    everything is, but a polling station only from the time that the election sets, because a live page
    would tell the station's chairperson who reported.
    """
    election = commission.election
    if election.state == Election.State.DRAFT or election.publication != Election.Publication.LIVE:
        return False
    return commission.level.kind != Level.Kind.PRECINCT or election.are_precincts_public(now)


def is_photo_public(*, commission: Commission, copy: str, now: datetime) -> bool:
    """Whether this approved photo copy may be shown at `now`.

    It may where the newest release lists it, or where the live figures of its commission are public. Once there
    is a release, a station's photo is shown only if the release lists it.
    """
    election = find_published_election(commission.election.slug)
    release = election.find_newest_release(now) if election else None
    if release is not None:
        part = read_part(slug=commission.election.slug, number=release.number, key=f"place:{commission.code}") or {}
        listed = part.get("photos") or (part.get("station") or {}).get("photos") or ()
        if any(copy == one for one, _thumbnail in listed):
            return True
        if commission.is_station:
            return False
    return is_public(commission=commission, now=now)

"""What the election's publication lets strangers see."""

from datetime import datetime

from observer.models import Commission, Election, Level


def published(*, commission: Commission, at: datetime) -> bool:
    """Whether this commission's figures are public at this moment.

    Closed, or still a draft: nothing is. Released: releases only, never the figures as they come. Live: everything,
    but a polling station only once its election says so: a live page would tell the chairperson
    who reported.
    """
    election = commission.election
    if election.state == Election.State.DRAFT or election.publication != Election.Publication.LIVE:
        return False
    return commission.level.kind != Level.Kind.PRECINCT or election.precincts_are_public(at)

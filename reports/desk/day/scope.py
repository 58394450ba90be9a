"""The territory that a page of the day is about, and whose observers in it."""

from django.http import Http404

from observer.desk.pages import DeskView
from observer.models import Commission
from observer.models.reach import Verb
from observer.services.accounts import access
from observer.services.accounts.access import Scope


def scope_of(view: DeskView, code: str = "", verb: Verb | None = None) -> Scope:
    """The territory named `code`, else the topmost that is the reader's own; 404 where they may not do `verb` there."""
    verb = verb or view.verb
    rows = access.visible(view.user, Commission, view.election).select_related("level")
    if code:
        found = rows.filter(code=code).first()
    elif access.is_superuser(view.user):
        found = rows.order_by("depth", "path").first()
    else:
        grants = access.grants_of(view.user, verb, view.election)
        top = min(grants, key=lambda grant: (grant.commission.depth, grant.commission.path), default=None)
        found = rows.filter(pk=top.commission_id).first() if top else None
    if found is None or not access.may(view.user, verb, found):
        raise Http404
    found.election = view.election
    return Scope(found, access.organisations(view.user, verb, found))


def way_to(view: DeskView, place: Commission) -> list[Commission]:
    """The commissions above a place that the reader may know of, from the top."""
    codes = place.path.strip("/").split("/")
    above = ["/".join(codes[:depth]) + "/" for depth in range(1, len(codes))]
    rows = view.visible(Commission).filter(path__in=above).order_by("depth")
    return list(rows)


def tops_of(view: DeskView) -> list[Commission]:
    """The territories of the reader's own, where they have several; none below another."""
    paths = {grant.commission.path for grant in access.grants_of(view.user, view.verb, view.election)}
    own = [path for path in paths if not any(path != other and path.startswith(other) for other in paths)]
    if access.is_superuser(view.user) or len(own) < 2:
        return []
    return list(view.visible(Commission).filter(path__in=own).order_by("path"))

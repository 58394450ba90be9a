"""The territory that a page is about, and the commissions above it."""

from django.http import Http404

from observer.desk.pages import DeskView
from observer.models import Commission
from observer.models.row_scope import Permission
from observer.services.accounts import access
from observer.services.accounts.access import TerritoryScope


def get_scope(view: DeskView, code: str = "", permission: Permission | None = None) -> TerritoryScope:
    """The territory with this code, as far as the reader may see.

    It comes with the organisations whose observers the reader may see there. Without a code it is the topmost
    territory of the reader's grants. `permission` is the page's own unless it is given. Raises Http404 where the
    territory is unknown or the reader does not have `permission` there.
    """
    permission = permission or view.permission
    rows = access.get_visible_rows(view.user, Commission, view.election).select_related("level")
    if code:
        found = rows.filter(code=code).first()
    elif access.is_superuser(view.user):
        found = rows.order_by("depth", "path").first()
    else:
        grants = access.load_grants(view.user, permission, view.election)
        highest_grant = min(grants, key=lambda grant: (grant.commission.depth, grant.commission.path), default=None)
        found = rows.filter(pk=highest_grant.commission_id).first() if highest_grant else None
    if found is None or not access.has_permission(view.user, permission, found):
        raise Http404
    found.election = view.election
    return TerritoryScope(found, access.get_organisation_ids(view.user, permission, found))


def load_ancestors(view: DeskView, place: Commission) -> list[Commission]:
    """The visible commissions above a place, from the top down."""
    codes = place.path.strip("/").split("/")
    paths = ["/".join(codes[:depth]) + "/" for depth in range(1, len(codes))]
    rows = view.get_visible_rows(Commission).filter(path__in=paths).order_by("depth")
    return list(rows)


def load_top_territories(view: DeskView) -> list[Commission]:
    """The topmost territories of the reader's grants.

    An empty list for superusers, and where there is only one.
    """
    paths = {grant.commission.path for grant in access.load_grants(view.user, view.permission, view.election)}
    top_paths = [path for path in paths if not any(path != other and path.startswith(other) for other in paths)]
    if access.is_superuser(view.user) or len(top_paths) < 2:
        return []
    return list(view.get_visible_rows(Commission).filter(path__in=top_paths).order_by("path"))

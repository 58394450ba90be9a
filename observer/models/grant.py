from django.conf import settings
from django.db import models

from observer.models.commission import Commission
from observer.models.organisation import Organisation
from observer.models.row_scope import Permission, RowScope
from observer.models.row_scope import Role as Roles


class Grant(models.Model):
    """A user's role for a commission and all below it.

    It may be limited to the observers of one organisation.
    """

    Role = Roles
    row_scope = RowScope(
        commission_lookups=("commission",), organisation_lookup="organisation", view_permission=Permission.STAFF
    )

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=16, choices=Role.choices)
    commission = models.ForeignKey(Commission, on_delete=models.CASCADE, related_name="grants")
    organisation = models.ForeignKey(Organisation, null=True, blank=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role", "commission", "organisation"], name="grant_once"),
            # In a unique index NULLs differ from each other, so grants without an organisation need a constraint.
            models.UniqueConstraint(
                fields=["user", "role", "commission"],
                condition=models.Q(organisation__isnull=True),
                name="grant_once_for_any_organisation",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.commission_id}"

from django.conf import settings
from django.db import models

from observer.models.commission import Commission
from observer.models.organisation import Organisation
from observer.models.reach import Reach, Verb
from observer.models.reach import Role as Roles


class Grant(models.Model):
    """A permission: this user has this role for this commission and all below it, and nowhere else."""

    Role = Roles
    reach = Reach(places=("commission",), organisation="organisation", look=Verb.STAFF)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=16, choices=Role.choices)
    commission = models.ForeignKey(Commission, on_delete=models.CASCADE, related_name="grants")
    organisation = models.ForeignKey(Organisation, null=True, blank=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role", "commission", "organisation"], name="grant_once"),
            # NULLs differ from each other in a unique index, so "any organisation" has one of its own.
            models.UniqueConstraint(
                fields=["user", "role", "commission"],
                condition=models.Q(organisation__isnull=True),
                name="grant_once_for_any_organisation",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.commission_id}"

from typing import Self

from django.core.validators import RegexValidator
from django.db import models

from observer.models.election import Election, Level
from observer.models.row_scope import RowScope
from observer.words import get_translation

CODE_VALIDATOR = RegexValidator(r"^[\w.\-]+$", "letters, digits, dot, dash and underscore only")


class CommissionQuerySet(models.QuerySet["Commission"]):
    def in_subtree(self, commission: "Commission") -> Self:
        """The commission and all below it."""
        return self.filter(election=commission.election_id, path__startswith=commission.path)

    def precincts(self) -> Self:
        """Only polling stations."""
        return self.filter(level__kind=Level.Kind.PRECINCT)


class Commission(models.Model):
    """A commission in the tree of an election.

    The tree goes from the country down to the polling station, to any depth.
    `path` has the codes from the root down, each followed by "/", so that all commissions of a territory have the same
    prefix. `observer/services/registry/commissions.py` keeps `path` and `depth` (0 at the root) correct.
    """

    row_scope = RowScope(commission_lookups=("",), shared_by_organisations=True)
    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="commissions", db_index=False)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    level = models.ForeignKey(Level, on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=60, validators=[CODE_VALIDATOR])
    path = models.CharField(max_length=600, editable=False)
    depth = models.PositiveSmallIntegerField(default=0, editable=False)
    names = models.JSONField(default=dict)
    address = models.JSONField(default=dict, blank=True)
    lat = models.FloatField(null=True, blank=True)
    lon = models.FloatField(null=True, blank=True)
    voters = models.PositiveIntegerField(null=True, blank=True, help_text="voters on the list")
    type = models.CharField(max_length=40, blank=True, help_text="ordinary, hospital, military, abroad …")
    timezone = models.CharField(max_length=40, blank=True, help_text="where it differs from the election's")
    external_id = models.CharField(max_length=60, blank=True, help_text="the same station in other elections")

    objects = CommissionQuerySet.as_manager()

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(fields=["election", "code"], name="commission_once"),
            models.CheckConstraint(
                condition=models.Q(lat__isnull=True, lon__isnull=True)
                | models.Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
                name="commission_on_earth",
            ),
        ]
        indexes = [models.Index(fields=["election", "path"], name="commission_path")]

    def __str__(self) -> str:
        return f"{self.code} {get_translation(self.names)}".strip()

    @property
    def zone(self) -> str:
        """The time zone of this place.

        Needs `election` loaded if the commission has no time zone of its own.
        """
        return self.timezone or self.election.timezone

    @property
    def is_station(self) -> bool:
        """Whether this is a polling station. Needs `level` loaded."""
        return self.level.kind == Level.Kind.PRECINCT

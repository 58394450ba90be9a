from django.db import models

from observer.models.row_scope import RowScope
from observer.words import get_translation


class Organisation(models.Model):
    """An organisation that sends observers.

    The organisations of a mission share one desk.
    """

    row_scope = RowScope(
        commission_lookups=("observers__assignments__commission",),
        election_lookup="observers__elections",
        organisation_lookup="",
        shared_by_organisations=True,
    )

    class Kind(models.TextChoices):
        CITIZEN = "citizen", "citizen observers"
        INTERNATIONAL = "international", "international observers"
        PARTY = "party", "party or candidate"

    code = models.SlugField(max_length=40, unique=True, allow_unicode=True)
    names = models.JSONField(default=dict, help_text='{"kk": …, "ru": …, "en": …}')
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.CITIZEN)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return get_translation(self.names) or self.code

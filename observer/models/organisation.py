from django.db import models

from observer.models.reach import Reach
from observer.words import in_language


class Organisation(models.Model):
    """Whoever sends observers. A label within a mission: organisations share one desk."""

    reach = Reach(
        places=("observers__assignments__commission",), election="observers__elections", organisation="", shared=True
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
        return in_language(self.names) or self.code

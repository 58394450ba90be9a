from django.db import models

from observer.models import Commission
from observer.models.reach import Reach


class Due(models.Model):
    """This commission's figures may have changed. Whatever changes one inserts a row in its own transaction."""

    commission = models.ForeignKey(Commission, on_delete=models.CASCADE, related_name="due")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "due"

    def __str__(self) -> str:
        return str(self.commission_id)


class Summary(models.Model):
    """A commission's figures: its own reports merged with its children's summaries.

    `tally` is the mergeable form (`services/tally.py`), `children` the coverage of each child as it
    was merged, so that a page read from this one row always adds up. `observers` is private: the
    packed keys of the observers counted, of which only the number is published.
    """

    reach = Reach(places=("commission",))
    commission = models.OneToOneField(Commission, on_delete=models.CASCADE, related_name="summary", primary_key=True)
    revision = models.PositiveIntegerField(default=0)
    as_of = models.DateTimeField(null=True, blank=True, help_text="when this revision was computed")
    tally = models.JSONField(default=dict)
    children = models.JSONField(default=list)
    observers = models.BinaryField(default=bytes, editable=False)

    class Meta:
        verbose_name_plural = "summaries"

    def __str__(self) -> str:
        return str(self.commission_id)

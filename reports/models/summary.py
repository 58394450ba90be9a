from django.db import models

from observer.models import Commission
from observer.models.row_scope import RowScope


class Due(models.Model):
    """A commission whose figures may have changed.

    Whatever changes a figure inserts a row in the same transaction.
    """

    commission = models.ForeignKey(Commission, on_delete=models.CASCADE, related_name="due")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "due"

    def __str__(self) -> str:
        return str(self.commission_id)


class Summary(models.Model):
    """A commission's figures: its own reports merged with the summaries of its children.

    `tally` is the form that can be merged (`services/figures/tally.py`). `children` holds the coverage of each child
    at the time of merging, so that the numbers of a page that is read from this row alone always add up. `observers`
    is private: the packed keys of the observers who were counted; only their number is published.
    """

    row_scope = RowScope(commission_lookups=("commission",))
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

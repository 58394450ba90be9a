from datetime import datetime
from typing import Self

from django.core.validators import RegexValidator
from django.db import models

from observer.models.fields import EncryptedTextField
from observer.models.row_scope import ELECTION_ROW_SCOPE, RowScope
from observer.words import get_translation, validate_origins


class ElectionQuerySet(models.QuerySet["Election"]):
    def announced(self) -> Self:
        """Elections that the public may know about.

        They are neither drafts nor closed to the public.
        """
        return self.exclude(state=Election.State.DRAFT).exclude(publication=Election.Publication.CLOSED)


class Election(models.Model):
    """One observation mission at one election."""

    row_scope = RowScope(election_lookup="", shared_by_organisations=True)

    class State(models.TextChoices):
        DRAFT = "draft", "in preparation"
        REHEARSAL = "rehearsal", "rehearsal"
        OPEN = "open", "open"
        CLOSED = "closed", "closed"

    class Publication(models.TextChoices):
        CLOSED = "closed", "nothing is public"
        RELEASED = "released", "releases only"
        LIVE = "live", "figures as they come"

    slug = models.SlugField(max_length=60, unique=True)
    names = models.JSONField(default=dict)
    date = models.DateField()
    timezone = models.CharField(max_length=40, default="UTC")
    languages = models.JSONField(default=list, help_text='codes, the first is the default: ["kk", "ru", "en"]')
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    publication = models.CharField(max_length=12, choices=Publication.choices, default=Publication.RELEASED)
    opens_at = models.DateTimeField(help_text="when reports about the day begin")
    closes_at = models.DateTimeField(help_text="when they end")
    windows = models.JSONField(
        default=dict, blank=True, help_text='where a checklist differs: {"code": ["2022-11-19T00:00:00Z", "…"]}'
    )
    precincts_public_from = models.DateTimeField(
        null=True, blank=True, help_text="default: when the window ends; a live precinct page would tell who reported"
    )
    pack = models.CharField(max_length=60, blank=True)
    rules = models.JSONField(
        default=dict, blank=True, help_text="what else the pack brings: deadlines, guide, documents"
    )
    emergency_contact = models.CharField(max_length=40, blank=True, help_text="the number that a phone calls")
    emergency_names = models.JSONField(default=dict, blank=True, help_text="who answers there, by language")
    conduct_version = models.PositiveIntegerField(default=1, help_text="version of the code of conduct to be accepted")
    relay_key = models.TextField(
        blank=True, help_text="for files brought by hand: the recipient they are encrypted for"
    )
    relay_secret = EncryptedTextField(blank=True, editable=False, help_text="what opens them")
    mirrors = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_origins],
        help_text='other addresses of this platform, without a path: ["https://mirror.example"]',
    )

    objects = ElectionQuerySet.as_manager()

    class Meta:
        ordering = ["-date", "slug"]
        constraints = [
            models.CheckConstraint(condition=models.Q(opens_at__lt=models.F("closes_at")), name="election_opens_first")
        ]

    def __str__(self) -> str:
        return get_translation(self.names, order=self.languages) or self.slug

    def get_window(self, checklist: str) -> tuple[datetime, datetime]:
        """The time in which reports on this checklist are expected.

        Returns its beginning and end, both in UTC.
        """
        window = self.windows.get(checklist)
        if window:
            return datetime.fromisoformat(window[0]), datetime.fromisoformat(window[1])
        return self.opens_at, self.closes_at

    def are_precincts_public(self, now: datetime) -> bool:
        """Whether pages of single precincts are public yet."""
        return now >= (self.precincts_public_from or self.closes_at)


class Level(models.Model):
    """One level of an election's commissions.

    The number of levels differs between countries.
    """

    row_scope = ELECTION_ROW_SCOPE

    class Kind(models.TextChoices):
        CENTRAL = "central", "central"
        TERRITORIAL = "territorial", "territorial"
        PRECINCT = "precinct", "precinct"

    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="levels")
    order = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=40)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    names = models.JSONField(default=dict)

    class Meta:
        ordering = ["election", "order"]
        constraints = [models.UniqueConstraint(fields=["election", "code"], name="level_once")]

    def __str__(self) -> str:
        return get_translation(self.names) or self.code


class Contest(models.Model):
    """A contest of an election, such as a party list.

    Its scope is a set of commissions, which need not form a branch of the tree. An empty scope means everywhere.
    """

    row_scope = ELECTION_ROW_SCOPE
    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="contests")
    code = models.CharField(max_length=40, validators=[RegexValidator(r"^[\w.\-]+$")])
    names = models.JSONField(default=dict)
    options = models.JSONField(default=list, blank=True, help_text='[{"code": …, "names": {…}}]')
    round = models.PositiveSmallIntegerField(default=1)
    scope = models.ManyToManyField("observer.Commission", blank=True, related_name="contests")

    class Meta:
        ordering = ["election", "code"]
        constraints = [models.UniqueConstraint(fields=["election", "code"], name="contest_once")]

    def __str__(self) -> str:
        return get_translation(self.names) or self.code

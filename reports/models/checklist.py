from django.core.validators import RegexValidator
from django.db import models

from observer.models import Election
from observer.models.row_scope import ELECTION_ROW_SCOPE, RowScope
from observer.words import get_translation

VERSION_ROW_SCOPE = RowScope(election_lookup="version__checklist__election", shared_by_organisations=True)


class Checklist(models.Model):
    """A checklist about one kind of commission at one stage; its questions are in its versions."""

    row_scope = ELECTION_ROW_SCOPE

    class Repeat(models.TextChoices):
        ONCE = "once", "once an observer and place; a second one is an update"
        VISIT = "visit", "every visit is an observation"
        ANY = "any", "whenever something happens; does not make a station observed"

    class Place(models.TextChoices):
        PRECINCT = "precinct", "precinct"
        TERRITORIAL = "territorial", "territorial or central"
        ANY = "any", "any"

    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="checklists", db_index=False)
    code = models.CharField(max_length=40, validators=[RegexValidator(r"^[\w.\-]+$")])
    order = models.PositiveSmallIntegerField(default=0)
    stage = models.CharField(max_length=40)
    place = models.CharField(max_length=12, choices=Place.choices, default=Place.PRECINCT)
    repeat = models.CharField(max_length=8, choices=Repeat.choices, default=Repeat.ONCE)
    titles = models.JSONField(default=dict)

    class Meta:
        ordering = ["election", "order", "code"]
        constraints = [models.UniqueConstraint(fields=["election", "code"], name="checklist_once")]

    def __str__(self) -> str:
        return get_translation(self.titles) or self.code


class ChecklistVersion(models.Model):
    """One wording of a checklist.

    Once published it never changes; triggers in both databases refuse changes.
    """

    row_scope = RowScope(election_lookup="checklist__election", shared_by_organisations=True)
    checklist = models.ForeignKey(Checklist, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    published_at = models.DateTimeField(null=True, blank=True)
    content_hash = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["checklist", "number"]
        constraints = [models.UniqueConstraint(fields=["checklist", "number"], name="checklist_version_once")]

    def __str__(self) -> str:
        return f"{self.checklist_id} v{self.number}"


class Section(models.Model):
    row_scope = VERSION_ROW_SCOPE
    version = models.ForeignKey(ChecklistVersion, on_delete=models.CASCADE, related_name="sections")
    order = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(max_length=40)
    titles = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["version", "order"]
        constraints = [models.UniqueConstraint(fields=["version", "code"], name="section_once")]

    def __str__(self) -> str:
        return get_translation(self.titles) or self.code


class Question(models.Model):
    """One question of one version. Its code keeps type, choices and meaning in all versions."""

    row_scope = VERSION_ROW_SCOPE

    class Type(models.TextChoices):
        YES_NO = "yes_no", "yes or no"
        RATING = "rating", "rating"
        CHOICE = "choice", "one of several"
        CHOICES = "choices", "some of several"
        INTEGER = "integer", "whole number"
        DECIMAL = "decimal", "number"
        TEXT = "text", "text"
        TIME = "time", "time"
        DATE = "date", "date"
        PHOTO = "photo", "photo"
        FILE = "file", "file"
        LOCATION = "location", "place"
        VIOLATION = "violation", "violation code"
        NOTE = "note", "text without an answer"

    version = models.ForeignKey(ChecklistVersion, on_delete=models.CASCADE, related_name="questions")
    section = models.ForeignKey(Section, null=True, blank=True, on_delete=models.CASCADE, related_name="questions")
    order = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(max_length=40, validators=[RegexValidator(r"^[\w.\-]+$")])
    type = models.CharField(max_length=12, choices=Type.choices)
    labels = models.JSONField(default=dict)
    hints = models.JSONField(default=dict, blank=True)
    choices = models.JSONField(default=list, blank=True, help_text='[{"code": …, "labels": {…}}]')
    required = models.BooleanField(default=False)
    relevant_question = models.CharField(max_length=40, blank=True, help_text="asked only when this question …")
    relevant_answers = models.JSONField(default=list, blank=True, help_text="… has one of these answers")
    minimum = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    maximum = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    violation_answers = models.JSONField(
        default=list, blank=True, help_text='answers that are a finding; ["*"]: the answer itself is the code'
    )
    violation_code = models.CharField(max_length=40, blank=True, help_text="what a finding raises")
    control = models.CharField(max_length=40, blank=True, help_text="protocol figure (A, B, C1, …)")
    sms_code = models.CharField(max_length=12, blank=True)
    xlsform = models.JSONField(
        null=True,
        blank=True,
        editable=False,
        help_text="what an XLSForm says beyond the rest, for the phones that know it",
    )

    class Meta:
        ordering = ["version", "order"]
        constraints = [models.UniqueConstraint(fields=["version", "code"], name="question_once")]

    def __str__(self) -> str:
        return f"{self.code} {get_translation(self.labels)}".strip()


class ChecklistFile(models.Model):
    """A picture or sound that a version's questions use; it cannot change once the version is published."""

    row_scope = VERSION_ROW_SCOPE
    version = models.ForeignKey(ChecklistVersion, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()

    class Meta:
        ordering = ["version", "name"]
        constraints = [models.UniqueConstraint(fields=["version", "name"], name="checklist_file_once")]

    def __str__(self) -> str:
        return self.name

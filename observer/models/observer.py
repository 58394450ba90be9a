from django.core.validators import RegexValidator
from django.db import models

from observer import crypto
from observer.models.commission import Commission
from observer.models.election import Election
from observer.models.fields import EncryptedTextField
from observer.models.organisation import Organisation
from observer.models.row_scope import Permission, RowScope


class Observer(models.Model):
    """A person who observes.

    Outside the desk only their code is shown.
    An observer belongs to an organisation, not to an election.
    """

    row_scope = RowScope(
        commission_lookups=("assignments__commission",),
        election_lookup="elections",
        visible_in_part=False,
        organisation_lookup="organisation",
        view_permission=Permission.PEOPLE,
    )
    code = models.CharField(max_length=40, unique=True, validators=[RegexValidator(r"^[\w.\-]+$")])
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="observers")
    name = EncryptedTextField(blank=True)
    phone = EncryptedTextField(blank=True)
    email = EncryptedTextField(blank=True)
    accreditation_number = EncryptedTextField(blank=True)
    phone_lookup = models.CharField(max_length=64, blank=True, editable=False, db_index=True)
    email_lookup = models.CharField(max_length=64, blank=True, editable=False, db_index=True)
    language = models.CharField(max_length=12, default="ru")
    elections = models.ManyToManyField(
        Election, blank=True, related_name="observers", help_text="taken on for, maybe before being sent anywhere"
    )
    accredited_from = models.DateField(null=True, blank=True)
    accredited_until = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code

    def update_contact_lookups(self) -> None:
        """Sets the search columns of phone and e-mail.

        Must be called before saving a changed phone or e-mail.
        """
        self.phone_lookup = crypto.compute_lookup("phone", self.phone) if self.phone else ""
        self.email_lookup = crypto.compute_lookup("email", self.email) if self.email else ""


class Assignment(models.Model):
    """An observer or a team assigned to a commission."""

    row_scope = RowScope(
        commission_lookups=("commission",),
        organisation_lookup="observers__organisation",
        view_permission=Permission.PEOPLE,
    )

    class Role(models.TextChoices):
        STATIONARY = "stationary", "all day in one station"
        MOBILE = "mobile", "visits several stations"
        LONG_TERM = "long_term", "watches a region for weeks"

    election = models.ForeignKey(Election, on_delete=models.CASCADE, related_name="assignments")
    observers = models.ManyToManyField(Observer, related_name="assignments")
    commission = models.ForeignKey(Commission, on_delete=models.PROTECT, related_name="assignments")
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.STATIONARY)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["election", "commission"]

    def __str__(self) -> str:
        return f"{self.commission_id} {self.role}"

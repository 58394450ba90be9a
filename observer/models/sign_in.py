"""Models for signing in: second factors, recovery codes, sign-ins, wrong guesses."""

from django.conf import settings
from django.db import models

from observer.models.fields import EncryptedTextField


class SecondFactor(models.Model):
    """A user's authenticator app, which shows six digits (TOTP, RFC 6238)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor")
    secret = EncryptedTextField(editable=False)
    since = models.DateTimeField()
    last_step = models.BigIntegerField(default=0, editable=False, help_text="of the last code taken: each works once")

    def __str__(self) -> str:
        return str(self.user_id)


class RecoveryCode(models.Model):
    """A one-time code for a user who lost their phone.

    It is shown once and stored as a hash.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of 80 random bits and the user")
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.used_at or '—'}"


class SignIn(models.Model):
    """A browser in which a user is signed in.

    The user or an administrator can end it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins")
    at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="to about five minutes")
    address = models.GenericIPAddressField(null=True, blank=True)
    browser = models.CharField(max_length=200, blank=True)
    by_second_factor = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["user", "-at"], name="sign_in_of_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.at:%Y-%m-%d %H:%M}"


class WrongGuess(models.Model):
    """A password or code that is being tried, or was wrong.

    Stored in the database, because the cache may be lost.
    """

    key = models.CharField(max_length=100, help_text="what was tried, whose, from where: hashed")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "wrong guesses"
        indexes = [models.Index(fields=["key", "at"], name="wrong_guess_key")]

    def __str__(self) -> str:
        return self.key

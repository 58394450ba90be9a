from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """Someone who signs in to the desk. Observers have no password: they enrol a phone."""

    language = models.CharField(max_length=12, default="ru")

    class Meta(AbstractUser.Meta):
        db_table = "observer_user"

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A user of the desk.

    Observers are not users: they have no password but enrol a phone.
    """

    language = models.CharField(max_length=12, default="ru")

    class Meta(AbstractUser.Meta):
        db_table = "observer_user"

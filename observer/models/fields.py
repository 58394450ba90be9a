"""Model fields with encryption."""

from typing import Any

from django.db import models

from observer import crypto


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted in the database and plain in Python.

    It cannot be searched. To find rows by its value, add a column with `crypto.compute_lookup`.
    """

    def get_prep_value(self, value: Any) -> str:
        return crypto.encrypt(str(value).encode()).decode() if value else ""

    def from_db_value(self, value: str | None, *_: Any) -> str:
        return crypto.decrypt(value.encode()).decode() if value else ""

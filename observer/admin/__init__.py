"""The registry in Django's admin."""

from observer.admin import (
    alert,
    assignment,
    call,
    commission,
    consent,
    device,
    election,
    grant,
    observer,
    organisation,
    sign_in,
    trail,
    user,
)

__all__ = [
    "alert",
    "assignment",
    "call",
    "commission",
    "consent",
    "device",
    "election",
    "grant",
    "observer",
    "organisation",
    "sign_in",
    "trail",
    "user",
]

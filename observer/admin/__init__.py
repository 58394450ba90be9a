"""The registry in the admin: what an operator does by hand."""

from observer.admin import (
    assignment,
    call,
    commission,
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
    "assignment", "call", "commission", "device", "election", "grant", "observer", "organisation", "sign_in", "trail", "user",
]  # fmt: skip

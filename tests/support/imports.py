"""CSV lists for tests of imports, and users who upload them."""

from typing import Any

from observer.models import Grant, User
from tests.support.world import World

OBSERVER_HEADER = "code,name,phone,email,language,organisation,commissions,role,accreditation_number,accredited_until"
COMMISSION_HEADER = "code,parent,level,name_en,external_id"
ASSIGNMENT_HEADER = "observer,commission,role,starts_at,ends_at"


def make_csv(head: str, *lines: str) -> bytes:
    return "\n".join([head, *lines, ""]).encode()


ASSIGNMENTS_CSV = make_csv(
    ASSIGNMENT_HEADER, "OB-2222,KZ-1-1-2,,,", "OB-9999,KZ-1-1-1,,,"
)  # the second line has an unknown observer


def make_staff(
    world: World, name: str = "coordinator", role: str = "administrator", place: str = "KZ", organisation: Any = None
) -> User:
    user = User.objects.create_user(name, is_staff=True)
    Grant.objects.create(user=user, role=role, commission=world.tree[place], organisation=organisation)
    return User.objects.get(pk=user.pk)

"""Statements of the desk are planned for their values; those of the door keep the plan they have."""

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory

from config.middleware import DeskPlans

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


def mode() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW plan_cache_mode")
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("path", "said"), [("/admin/", "force_custom_plan"), ("/desk/x/", "force_custom_plan"), ("/api/v1/reports", "auto")]
)
def test_a_page_of_the_desk_is_planned_for_its_values(path: str, said: str):
    asked = DeskPlans(lambda _request: HttpResponse(mode()))(RequestFactory().get(path))
    assert (asked.content.decode(), mode()) == (said, "auto")


def test_so_is_nothing_after_a_page_that_failed():
    def fail(_request):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        DeskPlans(fail)(RequestFactory().get("/admin/"))
    assert mode() == "auto"

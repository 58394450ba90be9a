"""Queries of the desk use custom plans on PostgreSQL; queries of the API keep generic ones."""

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory

from config.middleware import DeskQueryPlanMiddleware

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


def read_plan_cache_mode() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW plan_cache_mode")
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("path", "expected_mode"),
    [("/admin/", "force_custom_plan"), ("/desk/x/", "force_custom_plan"), ("/api/v1/reports", "auto")],
)
def test_pages_of_the_desk_use_custom_plans(path: str, expected_mode: str):
    response = DeskQueryPlanMiddleware(lambda _request: HttpResponse(read_plan_cache_mode()))(
        RequestFactory().get(path)
    )
    assert (response.content.decode(), read_plan_cache_mode()) == (expected_mode, "auto")


def test_the_mode_is_reset_after_a_failed_page():
    def fail(_request):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        DeskQueryPlanMiddleware(fail)(RequestFactory().get("/admin/"))
    assert read_plan_cache_mode() == "auto"

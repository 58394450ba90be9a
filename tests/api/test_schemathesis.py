"""Schemathesis sends valid and invalid requests of the OpenAPI document to every address."""

from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.rest.schema import load_document
from tests.support.world import World

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """The site as its server runs it; made anew, so that the settings of the test hold."""
    return WSGIHandler()(environ | {"HTTP_HOST": "testserver"}, start_response)


@schemathesis.serializer("application/octet-stream", "application/offset+octet-stream")
def serialize_octets(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


schema = schemathesis.openapi.from_dict(load_document())
schema.app = application


@pytest.mark.slow
@pytest.mark.postgresql  # it takes fewer values than SQLite: what comes through there comes through here
@pytest.mark.django_db(transaction=True)
class TestWhateverIsSent:
    @schema.parametrize()
    @hypothesis.settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def test_the_answer_is_one_of_those_promised(self, case: schemathesis.Case, concurrent_world: World) -> None:
        case.headers["Authorization"] = concurrent_world.first.auth["authorization"]
        # The transport without a network unpacks nothing, though it says that it would.
        case.validate_response(case.call(headers={"Accept-Encoding": "identity"}), checks=CHECKS)

import pytest

from tests.api.openrosa.collect import Collect


@pytest.fixture
def collect(world) -> Collect:
    return Collect(world.first)

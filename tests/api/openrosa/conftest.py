import pytest

from tests.api.openrosa.collect import CollectClient


@pytest.fixture
def collect(world) -> CollectClient:
    return CollectClient(world.first)

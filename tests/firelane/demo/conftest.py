"""The digits network, compiled for a small engine, and boards with it."""

import pytest

from firelane.compiler.artefact.reader import read_model
from tests.boards.host.digits import compiled_folder
from tests.firelane.demo.served import bench_of, page_of, started


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return read_model(compiled_folder("digits", tmp_path_factory.mktemp("demo") / "digits"))


@pytest.fixture
def bench(model):
    with bench_of(model) as bench:
        yield bench


@pytest.fixture
def device(bench):
    with started(bench.connect) as device:
        yield device


@pytest.fixture
def page(device):
    with page_of(device) as url:
        yield url

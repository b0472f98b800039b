from random import Random

import pytest
from misbehaving import serving

from landmark_discovery.downloads.partial import Partial
from landmark_discovery.downloads.retries import Patience
from landmark_discovery.downloads.sources import Source


@pytest.fixture
def server(monkeypatch):
    """Serve what a test lets it play."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as one:
        yield one


@pytest.fixture
def source():
    """Make a source from what matters to a test."""
    return lambda *addresses, name="points.txt", **facts: Source(name, "points of a test", addresses, **facts)


@pytest.fixture
def waits():
    """Collect the waits between tries, none of which is waited."""
    return []


@pytest.fixture
def told():
    """Collect what is told while files are fetched."""
    return []


@pytest.fixture
def patience(waits, told):
    return Patience(sleep=waits.append, tell=told.append, generator=Random(0))


@pytest.fixture
def partial(tmp_path):
    (tmp_path / ".file.part").touch()
    return Partial(tmp_path / ".file.part")


@pytest.fixture
def heard():
    """Collect what a transfer tells of its progress."""
    return []


@pytest.fixture
def progress(heard):
    return lambda received, total: heard.append((received, total))

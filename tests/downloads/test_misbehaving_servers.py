"""Whatever a server does, a download ends in the right file or in an error that says why."""

import functools
import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from misbehaving import CONTENT, cut, page, part, raw, reset, serving, status, whole
from misbehaving_cases import CASES, SIZE, digest_of_bytes, table

from landmark_discovery.downloads.fetch import Means, fetch
from landmark_discovery.downloads.lock import pin
from landmark_discovery.downloads.retries import Patience
from landmark_discovery.downloads.sources import Source
from landmark_discovery.downloads.web import transfer_http
from landmark_discovery.errors import UserError

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "downloads"


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "downloads.lock"


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def means_of(case, patience):
    ticks = itertools.count(0, case.pace_s)
    transfer = functools.partial(transfer_http, timeout_s=case.timeout_s, clock=lambda: next(ticks))
    return Means(transfers={"http": transfer}, patience=patience)


def prepared(case, server, lock):
    """Let the server play the case, and give the source."""
    server.plays(whole(content=case.content), path="/file?2")
    server.plays(cut(700), path="/file?cut")
    address = server.plays(*case.acts, path=case.path)
    digest = digest_of_bytes(case.content)
    if case.pinned:
        pin(lock, case.name, len(case.content), digest.value)
    published = digest if case.known and not case.pinned else None
    return Source(case.name, "a test's", (address,), digest=published, **case.facts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what.replace(" ", "-"))
def test_a_download_ends_in_the_right_file_or_an_error(case, server, folder, lock, patience, waits):
    source, means = prepared(case, server, lock), means_of(case, patience)
    if case.error is None:
        assert fetch(source, folder, lock, (), means).read_bytes() == case.content
        assert names_in(folder) == [case.name]
    else:
        check_refused(case, source, folder, lock, means)
    if case.ranges is not None:
        assert tuple(asked.range for asked in server.asked) == case.ranges
    if case.waits is not None:
        assert tuple(waits) == case.waits


def check_refused(case, source, folder, lock, means):
    """The error names the address and says why; nothing passes for the file, and a server that has healed gives it."""
    with pytest.raises(UserError, match=re.escape(source.addresses[0]) + ": .*" + case.error) as error:
        fetch(source, folder, lock, (), means)
    assert "\n" not in str(error.value)
    assert case.name not in names_in(folder)
    assert all(name.startswith(f".{case.name}.part") for name in names_in(folder))
    assert case.pinned == lock.exists()


@pytest.mark.parametrize("case", [case for case in CASES if case.error], ids=lambda case: case.what.replace(" ", "-"))
def test_after_an_error_the_next_run_gets_the_right_file(case, server, folder, lock, patience):
    source = prepared(case, server, lock)
    with pytest.raises(UserError):
        fetch(source, folder, lock, (), means_of(case, patience))
    server.plays(whole(content=case.content), path=case.path)
    healed = Means(patience=patience)
    assert fetch(source, folder, lock, (), healed).read_bytes() == case.content
    assert names_in(folder) == [case.name]


PLACES = st.integers(0, SIZE)
ACTS = st.one_of(
    st.builds(cut, PLACES, ranges=st.booleans(), framing=st.sampled_from(["length", "chunked"])),
    st.builds(reset, PLACES),
    st.builds(whole, etag=st.just('"two"'), validates=st.booleans(), content=st.just(CONTENT[::-1])),
    st.builds(cut, PLACES, etag=st.just('"two"'), content=st.just(CONTENT[::-1])),
    st.builds(whole, length=st.integers(-50, 50), ranges=st.booleans()),
    st.builds(lambda start: part(f"bytes {start}-{SIZE - 1}/{SIZE}", CONTENT[start:]), PLACES),
    st.builds(status, st.sampled_from([404, 416, 429, 503])),
    st.sampled_from([raw(b""), page()]),
)


@settings(max_examples=60)
@given(script=st.lists(ACTS, min_size=1, max_size=8), runs=st.integers(1, 3))
def test_no_series_of_faults_makes_a_wrong_file_pass(tmp_path_factory, script, runs):
    folder = tmp_path_factory.mktemp("downloads")
    with pytest.MonkeyPatch.context() as patched, serving() as server:
        patched.setenv("no_proxy", "127.0.0.1")
        source = Source("points.txt", "a test's", (server.plays(*script, whole()),), digest=digest_of_bytes(CONTENT))
        means = Means(patience=Patience(sleep=lambda _: None, tell=lambda _: None))
        for _ in range(runs):
            try:
                assert fetch(source, folder, folder / "lock", (), means).read_bytes() == CONTENT
            except UserError:
                assert "points.txt" not in names_in(folder)
        server.plays(whole())
        assert fetch(source, folder, folder / "lock", (), means).read_bytes() == CONTENT
        assert names_in(folder) == ["points.txt"]


def test_the_document_has_the_table_of_these_cases():
    text = DOCUMENT.read_text(encoding="utf-8")
    right = sum(case.error is None for case in CASES)
    assert f"**{len(CASES)} cases**: {right} end in the right file, {len(CASES) - right} in an error" in text
    assert table() in text

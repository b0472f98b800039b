import pytest

from landmark_discovery.digests import Digest
from landmark_discovery.downloads.licences import LICENCES
from landmark_discovery.downloads.lock import pin
from landmark_discovery.downloads.readiness import (
    State,
    is_offline,
    readable_size,
    readiness,
    readiness_report,
    require_ready,
)
from landmark_discovery.downloads.sources import read_sources
from landmark_discovery.errors import UserError

DIGEST = Digest("sha256", "0" * 64)


@pytest.fixture
def sources(source):
    """Four files: a published list, CelebA's images, authors' weights on Drive, SuperPoint."""
    made = (
        source("https://one.org/list", name="list.txt", digest=DIGEST, size_bytes=4),
        source("https://one.org/zip", name="images.zip", about="7.8G", licence=LICENCES["celeba"]),
        source("gdrive:ab", name="weights.pth"),
        source("https://one.org/pth", name="superpoint.pth", digest=DIGEST, licence=LICENCES["superpoint"]),
    )
    return {one.name: one for one in made}


@pytest.fixture
def look(tmp_path, sources):
    """Look at downloads in an empty folder, or in one with files by name and content."""

    def rows(names=None, accepted=(), offline=False, **files):
        for name, content in files.items():
            (tmp_path / name.replace("__", ".")).write_bytes(content)
        return readiness(names or sources, tmp_path, tmp_path / "downloads.lock", accepted, sources, offline=offline)

    return rows


def states(rows):
    return {row.source.name: row.state for row in rows}


def test_each_download_is_present_to_be_fetched_to_be_accepted_or_wrong(look):
    assert states(look(list__txt=b"1234", accepted=["superpoint"])) == {
        "list.txt": State.PRESENT,
        "images.zip": State.LICENCE,
        "weights.pth": State.TO_FETCH,
        "superpoint.pth": State.TO_FETCH,
    }
    assert states(look(["list.txt"], list__txt=b"12345")) == {"list.txt": State.WRONG}


def test_names_are_looked_at_in_their_order_and_once(look):
    assert list(states(look(["weights.pth", "list.txt", "weights.pth"]))) == ["weights.pth", "list.txt"]


def test_no_digest_is_computed(look, monkeypatch):
    monkeypatch.setattr("landmark_discovery.downloads.checks.digest_of", None)
    assert states(look(["list.txt"], list__txt=b"4321")) == {"list.txt": State.PRESENT}


def test_a_licence_is_needed_for_a_file_that_is_there_too(look):
    assert states(look(["superpoint.pth"], superpoint__pth=b"x")) == {"superpoint.pth": State.LICENCE}


def test_a_file_of_another_size_than_pinned_is_wrong(look, tmp_path):
    pin(tmp_path / "downloads.lock", "weights.pth", 7, "0" * 64)
    (row,) = look(["weights.pth"], weights__pth=b"x")
    assert row.state is State.WRONG
    assert row.fault.startswith("it has 1 bytes, and ")


def test_sizes_are_those_of_the_file_the_table_the_pin_or_the_estimate(look, tmp_path):
    pin(tmp_path / "downloads.lock", "weights.pth", 3 * 2**20, "0" * 64)
    rows = look(superpoint__pth=bytes(2048))
    assert [row.size for row in rows] == ["4 B", "7.8G", "3 MiB", "2 KiB"]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (2**20, "1 MiB"),
        (2_828_125_606, "2.6 GiB"),
        (2**41, "2048.0 GiB"),
    ],
)
def test_sizes_are_readable(size, text):
    assert readable_size(size) == text


def test_the_report_is_a_fitted_table_and_then_what_to_do(look, tmp_path):
    report = readiness_report(look(list__txt=b"1234"))
    table, licences, by_hand, drive, unpinned = report.split("\n\n")
    assert table.splitlines() == [
        "file            state              size     licence     what",
        "list.txt        present            4 B      -           points of a test",
        "images.zip      licence to accept  7.8G     celeba      points of a test",
        "weights.pth     to be fetched      unknown  -           points of a test",
        "superpoint.pth  licence to accept  unknown  superpoint  points of a test",
    ]
    assert str(LICENCES["celeba"]) in licences
    assert licences.endswith("\n  accept_licences: [celeba, superpoint]")
    assert str(tmp_path) in by_hand
    assert "only the attempt shows it" in drive
    assert drive.endswith(f"{tmp_path / 'weights.pth'} from https://drive.google.com/file/d/ab/view")
    assert unpinned.endswith("\n  images.zip, weights.pth")


def test_offline_what_is_not_there_is_missing(look):
    assert states(look(list__txt=b"1234", superpoint__pth=b"x", offline=True)) == {
        "list.txt": State.PRESENT,
        "images.zip": State.MISSING,
        "weights.pth": State.MISSING,
        "superpoint.pth": State.LICENCE,
    }
    assert states(look(["list.txt"], list__txt=b"12345", offline=True)) == {"list.txt": State.WRONG}


def test_offline_the_report_says_where_each_missing_file_goes_and_where_it_is_published(look, tmp_path):
    report = readiness_report(look(list__txt=b"1234", offline=True, accepted=["celeba", "superpoint"]))
    _, missing, unpinned = report.split("\n\n")
    assert missing.splitlines() == [
        "Nothing is fetched (offline); put there by hand:",
        f"  {tmp_path / 'images.zip'} from https://one.org/zip",
        f"  {tmp_path / 'weights.pth'} from https://drive.google.com/file/d/ab/view",
        f"  {tmp_path / 'superpoint.pth'} from https://one.org/pth",
    ]
    assert unpinned.endswith("images.zip, weights.pth")


def test_offline_missing_files_stop_before_the_first_long_step_all_at_once(look, tmp_path):
    with pytest.raises(UserError, match=r"\(offline\): .*; put them there by hand") as error:
        require_ready(look(list__txt=b"1234", offline=True))
    for name in ("images.zip", "weights.pth", "superpoint.pth"):
        assert str(tmp_path / name) in str(error.value)
    require_ready(look(["list.txt"], offline=True))


@pytest.mark.parametrize(
    ("setting", "variable", "offline"),
    [(True, "", True), (True, "0", True), (False, "1", True), (False, "True", True), (False, "0", False)],
)
def test_the_configuration_and_the_environment_make_it_offline(setting, variable, offline):
    assert is_offline(setting, {"LANDMARKS_OFFLINE": variable}) is offline
    assert is_offline(setting, {}) is setting


def test_the_report_names_wrong_files(look, tmp_path):
    report = readiness_report(look(["list.txt"], list__txt=b"<html>"))
    assert f"move them away:\n  {tmp_path / 'list.txt'}: it is a web page, not the file" in report


def test_where_nothing_is_to_be_done_there_is_the_table_alone(look):
    rows = look(["list.txt"], list__txt=b"1234")
    assert readiness_report(rows).count("\n") == 1
    require_ready(rows)


def test_nothing_wanted_is_ready(look):
    assert readiness_report(look(["list.txt"])[:0]).startswith("file")
    require_ready([])


def test_a_licence_that_is_not_accepted_stops_before_the_first_long_step(look):
    with pytest.raises(UserError, match=r"`accept_licences: \[celeba, superpoint\]`") as error:
        require_ready(look(accepted=["superpoint"]))
    assert "SuperPoint" not in str(error.value)
    require_ready(look(accepted=["superpoint", "celeba"]))


def test_a_wrong_file_stops_before_the_first_long_step(look, tmp_path):
    with pytest.raises(UserError, match="it has 1 bytes, not 4") as error:
        require_ready(look(list__txt=b"1"))
    assert str(tmp_path / "list.txt") in str(error.value)


@pytest.mark.parametrize(
    ("names", "accepted", "reason"),
    [(["list.tx"], (), "did you mean 'list.txt'"), (["list.txt"], ["celebA"], "did you mean 'celeba'")],
)
def test_mistyped_names_are_refused(look, names, accepted, reason):
    with pytest.raises(UserError, match=reason):
        look(names, accepted)


def test_the_packaged_table_is_ready_once_its_licences_are_accepted(tmp_path):
    sources = read_sources()
    rows = readiness(sources, tmp_path, tmp_path / "downloads.lock", list(LICENCES), sources)
    require_ready(rows)
    assert {row.state for row in rows} == {State.TO_FETCH}

import errno
import json
import os
import threading
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery import locking
from landmark_discovery.downloads import partial as partial_module
from landmark_discovery.downloads.partial import Partial, Record, partial_file, remove_partial
from landmark_discovery.errors import UserError

ADDRESS = "http://one.org/a.zip"
RECORD = Record(ADDRESS, etag='"one"', modified="Monday", length=10)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "downloads" / "a.zip"


@pytest.fixture
def names(target):
    return lambda: sorted(path.name for path in target.parent.iterdir())


def begin(target, content, record=RECORD):
    """Begin a file as a run does that ends too early."""
    with partial_file(target) as partial, suppress(KeyboardInterrupt), partial.writing(record) as writer:
        writer.write(content)
        raise KeyboardInterrupt


def test_a_file_is_published_whole_and_alone(target, names):
    with partial_file(target) as partial:
        with partial.writing(RECORD) as writer:
            assert writer.write(b"01234") == 5
            writer.write(b"56789")
            writer.finish()
        assert names() == [".a.zip.part", ".a.zip.part.json"]
        assert partial.is_complete(ADDRESS)
        partial.publish(target)
    assert target.read_bytes() == b"0123456789"
    assert names() == ["a.zip"]


def test_what_came_before_an_interruption_is_kept_with_what_it_is(target, names):
    begin(target, b"012")
    assert names() == [".a.zip.part", ".a.zip.part.json"]
    with partial_file(target) as partial:
        assert partial.begun(ADDRESS) == replace(RECORD, kept_bytes=3)
        assert (partial.kept_bytes(ADDRESS), partial.is_complete(ADDRESS)) == (3, False)
        with partial.writing(partial.begun(ADDRESS)) as writer:
            assert writer.received == 3
            writer.write(b"3456789")
        assert partial.path.read_bytes() == b"0123456789"


@pytest.mark.parametrize(
    ("record", "content"),
    [
        (Record(ADDRESS, length=10), b"012"),
        (Record(ADDRESS, etag='W/"one"', length=10), b"012"),
        (RECORD, b""),
    ],
)
def test_what_nobody_can_go_on_with_is_not_kept(target, names, record, content):
    begin(target, content, record)
    assert names() == []


@pytest.mark.parametrize(
    ("etag", "modified", "validator"),
    [('"one"', "Monday", '"one"'), ("", "Monday", "Monday"), ('W/"one"', "Monday", "Monday"), ('W/"one"', "", "")],
)
def test_versions_are_told_apart_by_a_strong_etag_or_a_date(etag, modified, validator):
    assert Record(ADDRESS, etag, modified).validator == validator


def test_what_comes_from_another_address_is_not_gone_on_with(target):
    begin(target, b"012")
    with partial_file(target) as partial:
        assert partial.begun("http://two.org/a.zip") is None
        assert partial.kept_bytes("http://two.org/a.zip") == 0


def test_a_new_version_takes_the_place_of_the_old_bytes(target):
    begin(target, b"012345678")
    with partial_file(target) as partial:
        with partial.writing(replace(RECORD, etag='"two"')) as writer:
            writer.write(b"ab")
        assert partial.path.read_bytes() == b"ab"
        assert partial.begun(ADDRESS) == replace(RECORD, etag='"two"', kept_bytes=2)


def test_the_new_version_is_noted_before_the_old_bytes_change(target, monkeypatch):
    begin(target, b"012345678")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with partial_file(target) as partial:
        monkeypatch.setattr(partial_module.os, "fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            partial.writing(replace(RECORD, etag='"two"')).__enter__()
    monkeypatch.undo()
    with partial_file(target) as partial:
        assert partial.begun(ADDRESS).etag == '"one"'
        assert partial.path.read_bytes() == b"012345678"


def test_bytes_that_are_not_on_the_disk_for_sure_come_again(target):
    begin(target, b"012")
    with target.with_name(".a.zip.part").open("ab") as file:
        file.write(bytes(100))
    with partial_file(target) as partial, partial.writing(partial.begun(ADDRESS)) as writer:
        writer.write(b"3")
        writer.flush()
        assert partial.path.read_bytes() == b"0123"


def test_now_and_then_what_came_is_brought_to_the_disk_and_noted(target, monkeypatch):
    monkeypatch.setattr(partial_module, "SYNC_BYTES", 4)
    with partial_file(target) as partial, partial.writing(RECORD) as writer:
        kept = []
        for digit in b"0123456789":
            writer.write(bytes([digit]))
            kept.append(partial.kept_bytes(ADDRESS))
        assert kept == [0, 0, 0, 4, 4, 4, 4, 8, 8, 8]


def test_of_a_file_of_unknown_length_the_end_is_noted(target):
    with partial_file(target) as partial:
        with partial.writing(replace(RECORD, length=None)) as writer:
            writer.write(b"012")
            assert not partial.is_complete(ADDRESS)
            writer.finish()
        assert partial.begun(ADDRESS).length == 3


def test_a_whole_file_is_kept_whatever_its_version(target, names):
    with partial_file(target) as partial, partial.writing(Record("gdrive:ab")) as writer:
        writer.write(b"012")
        writer.finish()
    with partial_file(target) as partial:
        assert partial.is_complete("gdrive:ab")
    assert names() == [".a.zip.part", ".a.zip.part.json"]


def test_what_is_forgotten_starts_afresh(target, names):
    begin(target, b"012")
    with partial_file(target) as partial:
        partial.forget()
        assert partial.begun(ADDRESS) is None
        assert partial.path.read_bytes() == b""
    assert names() == []


RIGHT = {"address": ADDRESS, "etag": "e", "modified": "", "length": 10, "kept_bytes": 3}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "null",
        "[" * 100,
        json.dumps({**RIGHT, "more": 1}),
        *(json.dumps({**RIGHT, key: value}) for key, value in [("etag", None), ("length", "10"), ("kept_bytes", 1.5)]),
        *(json.dumps({**RIGHT, key: value}) for key, value in [("address", 3), ("kept_bytes", -1), ("kept_bytes", 4)]),
        json.dumps({key: value for key, value in RIGHT.items() if key != "kept_bytes"})[:-9],
    ],
)
def test_a_damaged_record_means_to_start_afresh(target, names, text):
    begin(target, b"012")
    target.with_name(".a.zip.part.json").write_text(text, encoding="utf-8")
    with partial_file(target) as partial:
        assert partial.begun(ADDRESS) is None
    assert names() == []


@given(noise=st.binary(max_size=200))
def test_no_bytes_in_the_place_of_the_record_are_an_error(tmp_path_factory, noise):
    target = tmp_path_factory.mktemp("downloads") / "a.zip"
    begin(target, b"012")
    target.with_name(".a.zip.part.json").write_bytes(noise)
    with partial_file(target) as partial:
        assert partial.begun(ADDRESS) is None


def test_a_file_that_was_cut_behind_our_back_starts_afresh(target, names):
    begin(target, b"012")
    os.truncate(target.with_name(".a.zip.part"), 2)
    with partial_file(target) as partial:
        assert partial.begun(ADDRESS) is None
    assert names() == []


def test_a_record_that_was_being_written_at_a_kill_is_removed(target, names):
    begin(target, b"012")
    target.with_name(".a.zip.part.json.new").write_text("{", encoding="utf-8")
    with partial_file(target) as partial:
        assert partial.kept_bytes(ADDRESS) == 3
    assert names() == [".a.zip.part", ".a.zip.part.json"]


def test_a_second_process_waits_for_the_first(target):
    waiting, seen = threading.Event(), []

    def second():
        with partial_file(target, waiting=waiting.set) as partial:
            seen.append(partial.path.read_bytes())

    with partial_file(target) as partial:
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(60)
        with partial.writing(RECORD) as writer:
            writer.write(b"012")
        assert seen == []
    thread.join()
    assert seen == [b"012"]


def test_without_locks_each_has_a_file_of_its_own_and_leaves_none(target, names, monkeypatch):
    def without(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locking.fcntl, "flock", without)
    with partial_file(target) as one, partial_file(target) as two:
        assert one.path != two.path
        with one.writing(RECORD) as writer, two.writing(RECORD) as other:
            writer.write(b"one")
            other.write(b"other")
        assert (one.path.read_bytes(), two.path.read_bytes()) == (b"one", b"other")
        one.publish(target)
    assert names() == ["a.zip"]


def test_without_locks_what_was_begun_elsewhere_stays(target, names, monkeypatch):
    begin(target, b"012")
    monkeypatch.setattr(locking, "_lock", lambda *_: False)
    with partial_file(target) as partial:
        assert partial.begun(ADDRESS) is None
    assert names() == [".a.zip.part", ".a.zip.part.json"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), OSError("odd")])
def test_a_disk_that_fails_is_the_users_error_at_the_final_name(target, error):
    with pytest.raises(UserError) as raised, partial_file(target):
        raise error
    assert str(raised.value).startswith(f"{target}: can't be written ({error.strerror or error}); free space")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"can't be written \(.*file is a file, not a folder\)"):
        partial_file(tmp_path / "file" / "a.zip").__enter__()


def test_a_read_only_folder_is_told_and_nothing_is_left(target, names, monkeypatch):
    def read_only(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    target.parent.mkdir()
    monkeypatch.setattr(locking.os, "open", read_only)
    with pytest.raises(UserError, match=r"can't be written \(Read-only file system\)"):
        partial_file(target).__enter__()
    monkeypatch.undo()
    assert names() == []


def test_leftovers_of_a_file_that_is_there_are_removed(target, names):
    begin(target, b"012")
    target.write_bytes(b"by hand")
    remove_partial(target)
    assert names() == ["a.zip"]
    remove_partial(target)
    target.with_name(".a.zip.part.json").touch()
    remove_partial(target)
    assert names() == ["a.zip"]


def test_leftovers_that_somebody_works_on_stay(target, names):
    with partial_file(target) as partial, partial.writing(RECORD) as writer:
        writer.write(b"012")
        remove_partial(target)
        assert names() == [".a.zip.part", ".a.zip.part.json"]


def test_leftovers_that_cannot_be_removed_are_no_fault(target, names, monkeypatch):
    begin(target, b"012")

    def read_only(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(partial_module.os, "open", read_only)
    remove_partial(target)
    monkeypatch.undo()
    assert len(names()) == 2


def test_a_partial_file_has_the_rights_of_other_files(target):
    other = target.with_name("other")
    with partial_file(target) as partial:
        other.touch()
        assert partial.path.stat().st_mode == other.stat().st_mode


def test_a_partial_file_knows_how_large_the_file_must_be(target):
    with partial_file(target, 10) as partial:
        assert partial == Partial(target.with_name(".a.zip.part"), 10)

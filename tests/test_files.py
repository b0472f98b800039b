import ctypes
import errno
import json
import os
import stat
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from landmark_discovery import files
from landmark_discovery.errors import UserError
from landmark_discovery.files import (
    atomic_file,
    finite_number,
    holds_json,
    read_npz,
    write_json,
    write_npz,
    write_text,
)


def atomic_folder(path, is_ours=lambda _: True):
    return files.atomic_folder(path, is_ours)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def half_write(block, error):
    with block as temporary:
        (temporary / "half" if temporary.is_dir() else temporary).write_text("half")
        raise error


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_is_written_with_the_folders_it_needs(tmp_path):
    write_text(tmp_path / "new" / "folder" / "a.txt", "grün\n")

    assert (tmp_path / "new/folder/a.txt").read_text(encoding="utf-8") == "grün\n"
    assert names_in(tmp_path / "new/folder") == ["a.txt"]


def test_nothing_stands_under_the_name_until_the_block_ends(tmp_path):
    with atomic_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        assert not (tmp_path / "a.txt").exists()
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".txt"

    assert (tmp_path / "a.txt").read_text() == "half"


def test_an_error_in_the_block_leaves_the_old_file_and_no_temporary(tmp_path):
    write_text(tmp_path / "a.txt", "old")

    with pytest.raises(RuntimeError, match="interrupted"):
        half_write(atomic_file(tmp_path / "a.txt"), RuntimeError("interrupted"))

    assert (tmp_path / "a.txt").read_text() == "old"
    assert names_in(tmp_path) == ["a.txt"]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    for name in ("first", "second"):
        with atomic_folder(tmp_path / "out") as temporary:
            (temporary / "sub").mkdir()
            (temporary / "sub" / name).write_text(name)

    assert names_in(tmp_path / "out/sub") == ["second"]
    assert names_in(tmp_path) == ["out"]


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "renameat2"), reason="the system can't exchange names")
def test_who_looks_at_any_moment_finds_the_folder_that_is_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    found = []
    sys.setprofile(lambda *_: found.append((tmp_path / "out").is_dir()))
    try:
        with atomic_folder(tmp_path / "out") as temporary:
            (temporary / "new").touch()
    finally:
        sys.setprofile(None)

    assert names_in(tmp_path / "out") == ["new"]
    assert found
    assert all(found)


def test_a_folder_that_holds_something_else_is_refused_before_any_work_and_stays(tmp_path):
    write_text(tmp_path / "photos" / "thesis.txt", "mine")

    with pytest.raises(UserError, match="photos: holds what isn't known for an earlier result of this command"):
        half_write(atomic_folder(tmp_path / "photos", lambda _: False), AssertionError("the block was entered"))

    assert (tmp_path / "photos" / "thesis.txt").read_text() == "mine"
    assert names_in(tmp_path) == ["photos"]


def test_an_empty_folder_is_nobodys(tmp_path):
    (tmp_path / "out").mkdir()
    with atomic_folder(tmp_path / "out", lambda _: False) as temporary:
        (temporary / "new").touch()
    assert names_in(tmp_path / "out") == ["new"]


def test_what_a_link_leads_to_is_replaced_and_not_the_link(tmp_path):
    (tmp_path / "large disk").mkdir()
    for name in ("folder", "file"):
        (tmp_path / name).symlink_to(tmp_path / "large disk" / name)

    for content in ("old", "new"):
        write_text(tmp_path / "file", content)
        with atomic_folder(tmp_path / "folder") as temporary:
            (temporary / content).touch()

    assert (tmp_path / "large disk" / "file").read_text() == "new"
    assert names_in(tmp_path / "large disk" / "folder") == ["new"]
    assert names_in(tmp_path) == ["file", "folder", "large disk"]
    assert (tmp_path / "file").is_symlink()
    assert (tmp_path / "folder").is_symlink()


def test_a_folder_is_known_by_a_value_in_a_file(tmp_path):
    write_json(tmp_path / "facts.json", {"dataset": "celeba"})

    assert holds_json(tmp_path, "facts.json", "dataset")
    assert holds_json(tmp_path, "facts.json", "dataset", "celeba")
    assert not holds_json(tmp_path, "facts.json", "dataset", "ls3d")
    assert not holds_json(tmp_path, "facts.json", "images_sha256")
    assert not holds_json(tmp_path, "other.json", "dataset")


def test_an_error_in_the_block_leaves_the_old_folder_and_no_temporary(tmp_path):
    with atomic_folder(tmp_path / "out") as temporary:
        (temporary / "old").touch()

    with pytest.raises(KeyboardInterrupt):
        half_write(atomic_folder(tmp_path / "out"), KeyboardInterrupt())

    assert names_in(tmp_path / "out") == ["old"]
    assert names_in(tmp_path) == ["out"]


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    with atomic_folder(tmp_path / "out") as temporary:
        (temporary / "old").touch()
    rename, calls = Path.replace, []

    def second_fails(self, target):
        calls.append(self)
        if len(calls) == 2:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return rename(self, target)

    monkeypatch.setattr(files, "_exchanged", lambda *_: False)
    monkeypatch.setattr(Path, "replace", second_fails)
    with pytest.raises(UserError, match="Permission denied"), atomic_folder(tmp_path / "out"):
        pass

    assert names_in(tmp_path / "out") == ["old"]
    assert names_in(tmp_path) == ["out"]


@pytest.mark.parametrize("write", [atomic_file, atomic_folder])
def test_permissions_follow_the_umask(tmp_path, write):
    before = os.umask(0o027)
    try:
        with write(tmp_path / "made"):
            pass
    finally:
        os.umask(before)

    expected = 0o640 if write is atomic_file else 0o750
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == expected


@pytest.mark.parametrize("write", [atomic_file, atomic_folder])
def test_a_place_that_cannot_be_written_is_named(tmp_path, write):
    (tmp_path / "file").touch()

    with pytest.raises(UserError, match=r"file/out: can't be written \(.*\); free space there, or choose"):
        half_write(write(tmp_path / "file" / "out"), AssertionError("the block was entered"))


@pytest.mark.parametrize("write", [atomic_file, atomic_folder])
@pytest.mark.parametrize("path", ["", ".", "./", "..", "a/..", "/", Path()])
def test_a_path_without_a_name_at_its_end_is_refused(tmp_path, monkeypatch, write, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="not a name to write under; give the name of a file or folder"):
        half_write(write(path), AssertionError("the block was entered"))
    assert names_in(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match=r"a\.txt: can't be written \(Permission denied\)"):
            write_text(tmp_path / "a.txt", "text")
    finally:
        tmp_path.chmod(0o700)


def test_a_name_that_is_a_folder_cannot_be_a_file(tmp_path):
    (tmp_path / "taken").mkdir()

    with pytest.raises(UserError, match=r"taken: can't be written \(Is a directory\)"):
        write_text(tmp_path / "taken", "text")
    assert names_in(tmp_path) == ["taken"]


@pytest.mark.parametrize("broken", ["write_text", "fsync"])
def test_a_full_disk_is_said_in_one_line_and_leaves_nothing(tmp_path, monkeypatch, broken):
    write_text(tmp_path / "a.txt", "old")
    monkeypatch.setattr(*((Path, "write_text") if broken == "write_text" else (files.os, "fsync")), no_space)

    with pytest.raises(UserError) as caught:
        write_text(tmp_path / "a.txt", "new")

    assert str(caught.value) == (
        f"{tmp_path}/a.txt: can't be written (No space left on device); free space there, "
        "or choose a folder you may write"
    )
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names_in(tmp_path) == ["a.txt"]


def test_a_full_disk_under_another_exception_is_recognised(tmp_path):
    with (
        pytest.raises(UserError, match=r"can't be written \(No space left on device\)"),
        atomic_file(tmp_path / "weights"),
    ):
        raise RuntimeError("I/O error: No space left on device (os error 28)")


def test_an_error_of_reading_another_file_is_not_called_one_of_writing(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "out" / "a.txt"):
        Path(tmp_path / "input.txt").read_text()


def test_a_users_error_passes_unchanged(tmp_path):
    with pytest.raises(UserError) as caught, atomic_folder(tmp_path / "out"):
        raise UserError("broken", where="No space left on device.png")

    assert str(caught.value) == "No space left on device.png: broken"


@pytest.mark.parametrize("number", [errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO])
def test_a_quota_a_limit_and_a_broken_disk_under_another_exception_are_recognised(tmp_path, number):
    with (
        pytest.raises(UserError, match=rf"can't be written \({os.strerror(number)}\)"),
        atomic_file(tmp_path / "weights"),
    ):
        raise RuntimeError(f"I/O error: {os.strerror(number)} (os error {number})")


def write_onto_a_folder(folder):
    with atomic_folder(folder) as temporary:
        (temporary / "sub" / "a.txt").mkdir(parents=True)
        write_text(temporary / "sub" / "a.txt", "text")


def test_a_file_of_a_folder_is_named_where_it_was_to_be(tmp_path):
    with pytest.raises(UserError, match=r"out/sub/a\.txt: can't be written \(Is a directory\)") as caught:
        write_onto_a_folder(tmp_path / "out")

    assert caught.value.where == str(tmp_path / "out" / "sub" / "a.txt")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("exchanging", [True, False])
def test_a_folder_that_another_process_puts_there_first_is_replaced(tmp_path, monkeypatch, exchanging):
    rename = Path.replace

    def after_another(self, target):
        monkeypatch.setattr(Path, "replace", rename)
        (target / "of another process").mkdir(parents=True)
        return rename(self, target)

    if not exchanging:
        monkeypatch.setattr(files, "_exchanged", lambda *_: False)
    with atomic_folder(tmp_path / "out") as temporary:
        (temporary / "mine").touch()
        monkeypatch.setattr(Path, "replace", after_another)
    assert names_in(tmp_path / "out") == ["mine"]
    assert names_in(tmp_path) == ["out"]


def test_json_is_readable_and_refuses_nan(tmp_path):
    write_json(tmp_path / "a.json", {"error": None, "count": 2})

    assert (tmp_path / "a.json").read_text() == '{\n  "error": null,\n  "count": 2\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"error": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text())["count"] == 2


def test_arrays_come_back(tmp_path):
    write_npz(tmp_path / "a.npz", {"points": np.array([[1.5, np.nan]]), "names": np.array(["ü", "b"])})
    arrays = read_npz(tmp_path / "a.npz", required=("points",))

    assert np.array_equal(arrays["points"], [[1.5, np.nan]], equal_nan=True)
    assert arrays["names"].tolist() == ["ü", "b"]


def test_equal_arrays_give_equal_bytes_at_any_time(tmp_path, monkeypatch):
    arrays = {"a": np.arange(1000), "b": np.zeros((3, 2))}
    write_npz(tmp_path / "1.npz", arrays)
    later = time.time() + 1e6
    monkeypatch.setattr(time, "time", lambda: later)
    write_npz(tmp_path / "2.npz", arrays)

    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"no archive", "not a readable .npz file"),
        ({"b": np.zeros(2), "c": np.zeros(2)}, "array 'a' is missing; the file has b, c; needed: a"),
        ({}, "array 'a' is missing; the file has none"),
        ({"a": np.array([{}])}, "not a readable .npz file"),
    ],
)
def test_a_faulty_archive_is_named(tmp_path, content, message):
    path = tmp_path / "a.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.savez(path, **content)

    with pytest.raises(UserError, match=message) as caught:
        read_npz(path, required=("a",))
    assert str(caught.value).startswith(f"{path}: ")


def test_an_array_that_is_said_to_be_shorter_than_it_is_is_refused(tmp_path):
    """NumPy reads as much as the header says, and would not come to the checksum at the end."""
    np.savez(tmp_path / "a.npz", a=np.arange(9000.0))
    whole = (tmp_path / "a.npz").read_bytes()
    assert b"(9000,)" in whole
    (tmp_path / "a.npz").write_bytes(whole.replace(b"(9000,)", b"(1000,)"))

    with pytest.raises(UserError, match=r"a\.npz: not a readable \.npz file \(a\.npy isn't what was written\)"):
        read_npz(tmp_path / "a.npz", required=("a",))


def test_a_file_may_be_read_by_those_whom_the_umask_lets_even_where_a_library_replaced_it(tmp_path):
    with atomic_file(tmp_path / "weights") as temporary:
        other = tmp_path / "other"
        other.touch(mode=0o600)
        other.replace(temporary)
    (tmp_path / "plain").touch()
    assert (tmp_path / "weights").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("value", [None, True, "1", [1], float("nan"), float("inf"), 10**400])
def test_what_is_no_finite_number_is_none(value):
    assert finite_number(value) is None


@pytest.mark.parametrize("value", [0, -3, 1.5])
def test_a_number_is_taken_as_it_is(value):
    assert finite_number(value) == value

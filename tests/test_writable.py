import os

import pytest

from landmark_discovery import writable
from landmark_discovery.errors import UserError
from landmark_discovery.writable import blocking_file, check_writable


def test_a_place_that_can_be_written_is_left_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("a.txt", "deep/er/a.txt", tmp_path / "new"):
        check_writable(path)
        check_writable(path, folder=True)
    check_writable(tmp_path, folder=True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a.txt").touch()
    check_writable(tmp_path / "a.txt")


def test_a_file_is_no_folder_and_a_folder_no_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"/file: a file, not a folder; remove it, or give the name of a folder"):
        check_writable(tmp_path / "file", folder=True)
    with pytest.raises(UserError, match=r": a folder, not a file; give the name of a file"):
        check_writable(tmp_path)


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match=r"/pipe: a device or a pipe, not a file; give the name of a file"):
        check_writable(tmp_path / "pipe")
    with pytest.raises(UserError, match=r"/dev/null: a device or a pipe"):
        check_writable("/dev/null")


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/in/a\.txt: can't be written \(.*/file is a file, not a folder\); free"):
        check_writable(tmp_path / "file" / "in" / "a.txt")
    assert blocking_file(tmp_path / "file" / "in" / "a.txt") == tmp_path / "file"
    assert blocking_file(tmp_path / "file") is None


def test_the_folder_that_may_not_be_written_is_named(tmp_path, monkeypatch):
    asked = []

    def refuse(folder, mode):
        asked.append((folder, mode))
        return False

    monkeypatch.setattr(writable.os, "access", refuse)
    with pytest.raises(UserError, match=rf"{tmp_path} is read-only"):
        check_writable(tmp_path / "not" / "yet" / "a.txt")
    assert asked == [(tmp_path, os.W_OK | os.X_OK)]


def test_where_nobody_may_look_nothing_is_claimed(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError

    monkeypatch.setattr(writable.Path, "exists", refuse)
    assert blocking_file(tmp_path / "a.txt") is None
    check_writable(tmp_path, folder=True)

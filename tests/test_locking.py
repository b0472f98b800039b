import errno
import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from landmark_discovery import locking
from landmark_discovery.errors import UserError
from landmark_discovery.locking import hold_folder, open_alone, try_lock

HOLD = "import sys, pathlib; from landmark_discovery.locking import hold_folder; hold_folder(pathlib.Path(sys.argv[1]))"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "file"


def test_the_file_and_its_folder_are_made(path):
    handle, locked = open_alone(path)
    os.close(handle)
    assert locked
    assert path.read_bytes() == b""


def test_what_stands_in_the_file_stays(path):
    path.parent.mkdir()
    path.write_bytes(b"half")
    os.close(open_alone(path)[0])
    assert path.read_bytes() == b"half"


def test_a_file_that_is_free_is_locked_without_a_wait(path):
    handle, _ = open_alone(path, pytest.fail)
    other = os.open(path, os.O_RDWR)
    assert not try_lock(other)
    os.close(handle)
    assert try_lock(other)
    os.close(other)


def test_the_second_says_that_it_waits_and_comes_next(path):
    first, _ = open_alone(path)
    waiting, got = threading.Event(), []

    def second():
        handle, locked = open_alone(path, waiting.set)
        got.append(locked)
        os.close(handle)

    thread = threading.Thread(target=second)
    thread.start()
    assert waiting.wait(60)
    assert got == []
    os.close(first)
    thread.join()
    assert got == [True]


@pytest.mark.parametrize("change", ["renamed", "removed"])
def test_who_waited_for_a_file_that_is_gone_gets_one_that_has_the_name(path, change):
    first, _ = open_alone(path)
    path.write_bytes(b"of the first")

    def let_in():
        path.replace(path.with_name("final")) if change == "renamed" else path.unlink()
        os.close(first)

    handle, _ = open_alone(path, let_in)
    assert os.path.samestat(os.fstat(handle), path.stat())
    assert path.read_bytes() == b""
    os.close(handle)


def test_a_file_system_without_locks_is_told(path, monkeypatch):
    def without(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locking.fcntl, "flock", without)
    handle, locked = open_alone(path)
    assert not locked
    assert not try_lock(handle)
    os.close(handle)


def open_files():
    return [path.name for path in Path("/proc/self/fd").iterdir()]


def test_an_interruption_of_the_wait_closes_the_file(path):
    first, _ = open_alone(path)

    def interrupt():
        raise KeyboardInterrupt

    before = open_files()
    with pytest.raises(KeyboardInterrupt):
        open_alone(path, interrupt)
    assert open_files() == before
    fcntl.flock(first, fcntl.LOCK_UN)
    os.close(first)


def test_a_name_that_cannot_be_opened_is_an_error_of_the_system(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        open_alone(tmp_path / "file" / "below")
    with pytest.raises(IsADirectoryError):
        open_alone(tmp_path)


@pytest.fixture
def holder(tmp_path):
    """Start a process that holds a folder until it is killed."""
    code = HOLD + "; print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_folder_that_another_run_holds_is_refused_with_its_process(holder, tmp_path):
    with pytest.raises(UserError, match=rf"another run is at work in this folder \(process {holder.pid}\); wait until"):
        hold_folder(tmp_path / "lock")


def test_a_killed_run_holds_nothing(holder, tmp_path):
    holder.kill()
    holder.wait()
    command = [sys.executable, "-c", HOLD, tmp_path / "lock"]
    assert subprocess.run(command, capture_output=True, text=True).returncode == 0
    assert (tmp_path / "lock").read_text() != str(os.getpid())


def test_a_lock_names_its_process_alone_after_one_with_a_longer_number(tmp_path):
    (tmp_path / "lock").write_text("12345678901234567890")
    hold_folder(tmp_path / "lock")
    assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_where_the_file_system_has_no_locks_the_run_goes_on_and_says_so(tmp_path, monkeypatch, capsys):
    def unsupported(*_):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(locking.fcntl, "flock", unsupported)
    hold_folder(tmp_path / "lock")
    assert "lock: no locks here (Function not implemented); start no second run" in capsys.readouterr().err


def test_a_lock_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/lock: can't be written \(.*\); free space there, or choose a folder"):
        hold_folder(tmp_path / "file" / "lock")


def test_a_lock_of_another_user_is_held_without_a_word_in_it(tmp_path, monkeypatch):
    (tmp_path / "lock").write_text("123")
    opened = os.open

    def refuse_writing(path, flags, *rest, **options):
        if flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return opened(path, flags, *rest, **options)

    monkeypatch.setattr(locking.os, "open", refuse_writing)
    hold_folder(tmp_path / "lock")
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"another run is at work in this folder \(process 123\)"):
        hold_folder(tmp_path / "lock")

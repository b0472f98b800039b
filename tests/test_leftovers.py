import os
import subprocess
import sys
import time

import pytest

from landmark_discovery.files import atomic_folder, write_text
from landmark_discovery.leftovers import LEFT_AFTER_S, hidden_sibling, remove_leftovers

WRITE = """
import sys
from landmark_discovery.files import atomic_folder
with atomic_folder(sys.argv[1], bool) as temporary:
    (temporary / "half").write_text("half")
    print(temporary.name, flush=True)
    sys.stdin.read()
"""


def age(path, seconds=2 * LEFT_AFTER_S):
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture
def writer(tmp_path):
    """Start a process that writes the folder `out` until it is killed, for an hour as it seems."""
    command = [sys.executable, "-c", WRITE, tmp_path / "out"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.temporary = tmp_path / process.stdout.readline().strip()
        age(process.temporary)
        yield process
        process.kill()


def test_what_a_killed_process_left_goes_when_the_same_is_written_next(writer, tmp_path):
    writer.kill()
    writer.wait()
    assert writer.temporary.is_dir()
    with atomic_folder(tmp_path / "out", bool) as temporary:
        (temporary / "whole").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_another_process_writes_stays_however_long_it_takes(writer, tmp_path):
    remove_leftovers(tmp_path / "out")
    assert (writer.temporary / "half").is_file()


def test_a_file_that_was_left_goes_too(tmp_path):
    left = hidden_sibling(tmp_path / "a.json")
    left.write_text("half")
    age(left)
    write_text(tmp_path / "a.json", "{}")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_what_is_young_or_called_otherwise_stays(tmp_path):
    young = hidden_sibling(tmp_path / "a.json")
    others = [tmp_path / name for name in (".a.0123.json", ".a.json", "a.0123456789abcdef.json", ".b.json")]
    others.append(hidden_sibling(tmp_path / "a.csv"))
    for path in (young, *others):
        path.touch()
    for path in others:
        age(path)
    remove_leftovers(tmp_path / "a.json")
    assert sorted(tmp_path.iterdir()) == sorted([young, *others])


def test_a_folder_that_is_not_there_has_no_leftovers(tmp_path):
    remove_leftovers(tmp_path / "none" / "a.json")

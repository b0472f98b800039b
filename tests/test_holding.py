import os
import subprocess
import sys

import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.holding import hold_folder

HOLD = "import sys, pathlib; from landmark_discovery.holding import hold_folder; hold_folder(pathlib.Path(sys.argv[1]))"


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

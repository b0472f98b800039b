import os
import subprocess
import sys
from pathlib import Path

import pytest

LANDMARKS = str(Path(sys.executable).with_name("landmarks"))


@pytest.fixture
def landmarks(tmp_path):
    def run(*arguments):
        return subprocess.run([LANDMARKS, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True)

    return run


@pytest.fixture
def small_disk(tmp_path):
    """Make the folder `made` a disk of 16 kB."""
    disk = tmp_path / "made"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)

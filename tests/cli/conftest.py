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

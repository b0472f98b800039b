"""Downloads by the command line that are killed, run twice at once, or find the disk full."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from misbehaving import stall, whole
from misbehaving_cases import digest_of_bytes

from landmark_discovery.downloads.partial import SYNC_BYTES
from landmark_discovery.downloads.sources import COLUMNS

pytestmark = pytest.mark.slow
LANDMARKS = str(Path(sys.executable).with_name("landmarks"))
LARGE = Random(2).randbytes(5 * SYNC_BYTES // 2)
LIMIT = 3 * SYNC_BYTES // 2


class Download:
    """Fetches a large file by the command line, and looks at what is in its folder."""

    def __init__(self, tmp_path, server):
        self.folder = tmp_path / "downloads"
        self.file = self.folder / "images.bin"
        self._table = tmp_path / "sources.csv"
        row = f"images.bin,large,{server.plays(whole())},,,,{digest_of_bytes(LARGE)},,"
        self._table.write_text(f"{','.join(COLUMNS)}\n{row}\n", encoding="utf-8")

    def start(self, **options):
        command = [LANDMARKS, "download", "images.bin", "--folder", self.folder, "--sources", self._table]
        # A busy machine takes so long that the progress is shown, which isn't looked at here.
        environment = os.environ | {"TQDM_DISABLE": "1"}
        return subprocess.Popen(
            command,
            cwd=self.folder.parent,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(self, **options):
        process = self.start(**options)
        _, told = process.communicate()
        return process.returncode, told

    def kept_bytes(self):
        with contextlib.suppress(FileNotFoundError):
            return json.loads((self.folder / ".images.bin.part.json").read_text(encoding="utf-8"))["kept_bytes"]
        return 0

    def size_bytes(self):
        return sum(path.stat().st_size for path in self.folder.glob(".images.bin.part"))

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def download(tmp_path, server):
    return Download(tmp_path, server)


def wait_until(process, condition):
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def check_the_rest_comes(download, server):
    """The next run asks for what isn't kept, and for no byte more."""
    kept = download.kept_bytes()
    assert download.names() == [".images.bin.part", ".images.bin.part.json"]
    server.plays(whole(content=LARGE))
    assert download.run() == (0, "")
    assert server.ranges() == [None, f"bytes={kept}-"]
    assert download.file.read_bytes() == LARGE
    assert download.names() == ["images.bin"]


@pytest.mark.parametrize("seed", range(5))
def test_after_kill_9_the_next_run_fetches_only_the_rest(download, server, seed):
    server.plays(stall(Random(seed).randrange(SYNC_BYTES, len(LARGE)), content=LARGE))
    process = download.start()
    wait_until(process, lambda: download.kept_bytes() >= SYNC_BYTES)
    process.kill()
    process.communicate()
    assert download.kept_bytes() >= SYNC_BYTES
    check_the_rest_comes(download, server)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_after_a_polite_end_every_byte_that_came_is_kept(download, server, number, code):
    at = SYNC_BYTES + 12_345
    server.plays(stall(at, content=LARGE))
    process = download.start()
    # The last few bytes of a piece may wait in memory.
    wait_until(process, lambda: download.size_bytes() > at - 10_000)
    process.send_signal(number)
    process.communicate()
    assert process.returncode == code
    assert at - 10_000 < download.kept_bytes() <= at
    check_the_rest_comes(download, server)


def test_of_two_runs_at_once_the_second_waits_and_nothing_comes_twice(download, server):
    server.plays(stall(LIMIT, content=LARGE), whole(content=LARGE))
    first = download.start()
    wait_until(first, lambda: server.asked)
    second = download.start()
    assert "another process fetches it; this one waits" in second.stderr.readline()
    server.released.set()
    for process in (first, second):
        process.communicate()
        assert process.returncode == 0
    assert server.ranges() == [None, f"bytes={LIMIT}-"]
    assert download.names() == ["images.bin"]


def test_a_file_that_grows_too_large_for_the_disk_is_told_and_its_beginning_kept(download, server):
    server.plays(whole(content=LARGE))
    limit = (LIMIT, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    code, told = download.run(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert code == 2
    assert told.startswith(f"error: {download.file}: can't be written (File too large); free space there")
    assert download.kept_bytes() >= SYNC_BYTES
    check_the_rest_comes(download, server)


@pytest.fixture
def disk(download):
    """Mount a disk of a few megabytes where the downloads go."""
    download.folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={LIMIT}", "none", download.folder]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield lambda options: subprocess.run(["mount", "-o", f"remount,{options}", download.folder], check=True)
    subprocess.run(["umount", download.folder], check=True)


@pytest.mark.usefixtures("disk")
def test_a_disk_that_really_fills_up_is_told_and_what_is_on_it_kept(download, server, disk):
    server.plays(whole(content=LARGE))
    code, told = download.run()
    assert code == 2
    assert told.startswith(f"error: {download.file}: can't be written (No space left on device); free space there")
    assert download.kept_bytes() >= SYNC_BYTES
    disk(f"size={2 * len(LARGE)}")
    check_the_rest_comes(download, server)


def test_a_disk_that_is_read_only_is_told_and_has_nothing_new(download, server, disk):
    disk("ro")
    code, told = download.run()
    assert code == 2
    assert told.startswith(f"error: {download.file}: can't be written (Read-only file system); ")
    assert download.names() == []
    assert server.asked == []

"""Which GPUs a job sees, on a machine whose driver is a script."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.gpus import Gpu, has_gpus, hold_gpus, visible_gpus

COMMAND = Path(sys.executable).with_name("landmarks-on-gpus")
SHOW = ["sh", "-c", "echo $CUDA_VISIBLE_DEVICES"]
# Says what it sees, and ends when the file is there.
SHOW_AND_WAIT = ["sh", "-c", 'echo $CUDA_VISIBLE_DEVICES; while [ ! -e "$RELEASE" ]; do sleep 0.05; done']


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Pretend two GPUs; locks lie in a folder of their own."""
    driver = tmp_path / "bin" / "nvidia-smi"
    driver.parent.mkdir()
    driver.write_text('#!/bin/sh\necho "0, GPU-aaa"\necho "1, GPU-bbb"\n')
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{driver.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("LANDMARKS_GPU_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("RELEASE", str(tmp_path / "release"))
    for variable in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def start(count, command):
    return subprocess.Popen([COMMAND, str(count), *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def seen(count, command=SHOW):
    return subprocess.run([COMMAND, str(count), *command], capture_output=True, text=True)


@pytest.mark.usefixtures("machine")
def test_two_jobs_at_once_get_a_gpu_each(machine):
    jobs = [start(1, SHOW_AND_WAIT) for _ in range(2)]
    given = {job.stdout.readline().strip() for job in jobs}
    (machine / "release").touch()
    assert [job.wait() for job in jobs] == [0, 0]
    assert given == {"GPU-aaa", "GPU-bbb"}


def test_a_third_job_waits_says_so_and_gets_the_gpu_that_is_given_back(machine):
    both = start(2, SHOW_AND_WAIT)
    assert both.stdout.readline().strip() == "GPU-aaa,GPU-bbb"
    third = start(1, SHOW)
    assert third.stderr.readline() == "waiting for a GPU: others hold 2 of 2\n"
    assert third.poll() is None
    (machine / "release").touch()
    assert third.communicate()[0].strip() == "GPU-aaa"
    assert both.wait() == 0


def test_a_killed_job_gives_its_gpu_back(machine):
    job = start(2, SHOW_AND_WAIT)
    job.stdout.readline()
    job.kill()
    job.wait()
    (machine / "release").touch()
    # What the killed shell had started holds on until it ends.
    deadline = time.monotonic() + 20
    while (answer := seen(2)).returncode and time.monotonic() < deadline:
        time.sleep(0.1)
    assert answer.stdout.strip() == "GPU-aaa,GPU-bbb"


@pytest.mark.usefixtures("machine")
def test_a_job_without_a_gpu_just_runs():
    answer = seen(0)
    assert (answer.returncode, answer.stdout) == (0, "\n")


@pytest.mark.usefixtures("machine")
def test_the_exit_status_is_that_of_the_command():
    assert seen(1, ["sh", "-c", "exit 75"]).returncode == 75


def test_a_scheduler_that_has_given_gpus_is_left_alone(machine, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert seen(1).stdout == "3\n"
    assert not (machine / "locks").exists()


def test_a_gpu_that_a_user_has_chosen_is_locked_all_the_same(machine, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert seen(1).stdout == "GPU-aaa\n"
    assert [path.name for path in (machine / "locks").iterdir()] == ["GPU-aaa.lock"]


@pytest.mark.usefixtures("machine")
def test_jobs_within_an_allocation_of_several_gpus_get_one_each(machine, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    jobs = [start(1, SHOW_AND_WAIT) for _ in range(2)]
    given = {job.stdout.readline().strip() for job in jobs}
    (machine / "release").touch()
    assert [job.wait() for job in jobs] == [0, 0]
    assert given == {"GPU-aaa", "GPU-bbb"}


def test_locks_can_be_opened_by_all_users_whatever_the_umask_of_the_first(machine):
    before = os.umask(0o077)
    try:
        assert seen(2).returncode == 0
    finally:
        os.umask(before)
    locks = machine / "locks"
    assert stat.S_IMODE(locks.stat().st_mode) == 0o1777
    assert {stat.S_IMODE(path.stat().st_mode) for path in locks.iterdir()} == {0o444}


def test_locks_that_cannot_be_made_are_an_error_with_a_remedy(machine):
    (machine / "locks").write_text("a file")
    answer = seen(1)
    assert "the lock of a GPU can't be opened" in answer.stderr
    assert "name another folder of locks in LANDMARKS_GPU_LOCKS" in answer.stderr


@pytest.mark.usefixtures("machine")
def test_parts_of_a_gpu_are_given_by_their_names():
    assert [gpu.uuid for gpu in visible_gpus({"CUDA_VISIBLE_DEVICES": "MIG-1,MIG-2,MIG-1"})] == ["MIG-1", "MIG-2"]


@pytest.mark.usefixtures("machine")
def test_a_gpu_is_there_where_the_driver_names_one(machine):
    assert has_gpus({})
    assert not has_gpus({"CUDA_VISIBLE_DEVICES": ""})
    (machine / "bin" / "nvidia-smi").write_text("#!/bin/sh\nexit 6\n")
    assert not has_gpus({})


@pytest.mark.usefixtures("machine")
def test_more_gpus_than_there_are_is_an_error_at_once():
    answer = seen(3)
    assert answer.returncode == 1
    assert answer.stderr.startswith(
        "error: device: this step wants 3 GPUs and sees 2; set device: cpu, or let the driver"
    )


def test_without_a_driver_the_error_says_how_to_let_it_into_a_container(machine):
    (machine / "bin" / "nvidia-smi").write_text("#!/bin/sh\necho No devices were found\nexit 6\n")
    answer = seen(1)
    assert answer.stderr.startswith("error: nvidia-smi: the NVIDIA driver doesn't answer: No devices were found; see")
    with pytest.raises(UserError, match=r"this step wants a GPU and sees none; .* \(--nv with Apptainer"):
        hold_gpus(1, [], machine)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("allowed", "names"), [("1", ["GPU-bbb"]), ("GPU-b,0", ["GPU-bbb", "GPU-aaa"]), ("", []), ("7", [])]
)
def test_gpus_that_the_user_has_hidden_are_not_given(allowed, names):
    assert [gpu.uuid for gpu in visible_gpus({"CUDA_VISIBLE_DEVICES": allowed})] == names
    assert visible_gpus({}) == [Gpu("0", "GPU-aaa"), Gpu("1", "GPU-bbb")]


@pytest.mark.usefixtures("machine")
def test_a_command_that_does_not_exist_is_named():
    assert seen(0, ["no-such-command"]).stderr == "error: no-such-command: can't start it: No such file or directory\n"

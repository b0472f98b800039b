import os
import platform
import signal
import subprocess
import sys

import pytest

from landmark_discovery.principal import find_principal, is_alive

# Works until it is told to end, for a principal that its standard input names.
WORKER = """
import sys, time
from landmark_discovery.principal import end_with
{handling}
end_with(int(sys.argv[1]), look_every_s=0.01, patience_s=0.2)
print("works", flush=True)
time.sleep(60)
"""
STUBBORN = "import signal; signal.signal(signal.SIGUSR2, signal.SIG_IGN)"
DEAD_END = STUBBORN + "; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
DEAF = "sys.stderr.close()"


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_the_principal_is_a_process_of_this_machine():
    assert find_principal({"LANDMARKS_PRINCIPAL": f"{platform.node()}:123"}) == 123
    assert find_principal({"LANDMARKS_PRINCIPAL": "elsewhere.example:123"}) is None
    assert find_principal({}) is None


def test_a_process_that_has_ended_is_not_alive_though_nobody_asked_about_it_yet(sleeper):
    assert is_alive(os.getpid())
    assert is_alive(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(sleeper.pid)
    sleeper.wait()
    assert not is_alive(sleeper.pid)


@pytest.mark.parametrize(
    ("handling", "number", "said"),
    [
        ("", signal.SIGUSR2, "the run that it belongs to is gone\n"),
        (STUBBORN, signal.SIGTERM, "the run that it belongs to is gone\n"),
        (DEAD_END, signal.SIGKILL, "the run that it belongs to is gone\n"),
        (DEAF, signal.SIGUSR2, ""),
    ],
    ids=["willing", "stubborn", "dead end", "without stderr"],
)
def test_a_process_ends_with_its_principal_even_where_the_first_signals_are_not_enough(sleeper, handling, number, said):
    command = [sys.executable, "-c", WORKER.format(handling=handling), str(sleeper.pid)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stdout.readline() == "works\n"
        assert worker.poll() is None
        sleeper.kill()
        assert worker.wait(timeout=30) == -number
        assert worker.stderr.read() == said


def test_a_command_ends_with_its_principal_and_leaves_nothing(sleeper, tmp_path):
    environment = os.environ | {"LANDMARKS_PRINCIPAL": f"{platform.node()}:{sleeper.pid}"}
    # Draws for longer than any test waits.
    many = ["--set", "dataset.synthetic.train_identities=20000"]
    command = [sys.executable, "-m", "landmark_discovery", "synthesize", *many, "--output", "faces"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as worker:
        while not list(tmp_path.iterdir()):
            assert worker.poll() is None
        sleeper.kill()
        assert worker.wait(timeout=60) == 128 + signal.SIGUSR2
        assert "the run that it belongs to is gone" in worker.stderr.read()
    assert list(tmp_path.iterdir()) == []


def test_no_step_begins_after_the_deadline_of_its_run(tmp_path):
    environment = os.environ | {"LANDMARKS_DEADLINE": "1000"}
    command = [sys.executable, "-m", "landmark_discovery", "synthesize", "--output", "faces"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 75
    assert result.stderr == "the time of the run is over; the same command goes on from here\n"
    assert list(tmp_path.iterdir()) == []

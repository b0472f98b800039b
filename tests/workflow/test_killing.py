"""Runs that are killed and started again by the same command end with the results of a run that was not."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_end_to_end import COMPARED, CONFIGURATION, ROOT, SNAKEMAKE, run_in

# Rules in the order in which they are hit, how often, and within how many seconds: training takes longest.
HITS = {
    "synthesize": (1, 2.0),
    "prepare": (1, 2.0),
    "bootstrap": (1, 2.0),
    "train_stage1": (6, 6.0),
    "export_pseudo_groundtruth": (1, 3.0),
    "train_stage2": (5, 6.0),
    "predict": (2, 3.0),
    "evaluate": (2, 2.0),
    "plot_curves": (1, 2.0),
    "draw_pictures": (1, 2.0),
    "package_model": (1, 1.0),
    "report": (1, 1.0),
}
KILLS_A_CYCLE = 20
CYCLES = int(os.environ.get("LANDMARKS_KILL_CYCLES", "1"))
SEED = int(os.environ.get("LANDMARKS_KILL_SEED", "5"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("unbroken"))


def start(folder, *arguments):
    (folder / "tiny.yaml").write_text(CONFIGURATION, encoding="utf-8")
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / ".snakemake" / "cache")}
    command = [SNAKEMAKE, "--snakefile", ROOT / "Snakefile", "--cores", "2", "--configfile", "tiny.yaml", *arguments]
    log = (folder / "output.txt").open("w")
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )


def finish(folder, *arguments):
    process = start(folder, *arguments)
    assert process.wait() == 0, (folder / "output.txt").read_text()[-4000:]


def differing(results, other):
    return [name for name in COMPARED if (results / name).read_bytes() != (other / name).read_bytes()]


def kill_in_first_job(folder, delay_s):
    """Start a run, kill it and all its jobs some time after its first job has started, and say whether that was so."""
    process = start(folder)
    while process.poll() is None and "\nJob " not in (folder / "output.txt").read_text():
        time.sleep(0.02)
    try:
        process.wait(delay_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    assert process.returncode == 0, (folder / "output.txt").read_text()[-4000:]
    return False


def test_runs_killed_at_random_moments_of_every_step_end_with_the_same_bytes(unbroken, tmp_path):
    moments, results, kills = random.Random(SEED), tmp_path / "results" / "tiny", 0
    # A run that is done before its moment can't be killed; those that lack are hit in one more pass.
    while kills < CYCLES * KILLS_A_CYCLE:
        shutil.rmtree(tmp_path / "resources", ignore_errors=True)
        shutil.rmtree(results, ignore_errors=True)
        for rule, (hits, within_s) in HITS.items():
            kills += sum(kill_in_first_job(tmp_path, moments.uniform(0, within_s)) for _ in range(hits))
            finish(tmp_path, "--until", rule)
        finish(tmp_path)
        assert differing(unbroken, results) == []
    print(f"{kills} kills")


def test_a_killed_snakemake_leaves_no_job_behind_that_trains_on(unbroken, tmp_path):
    """Kill Snakemake alone while stage 1 trains: the job sees it, saves and ends; the same command goes on."""
    process = start(tmp_path)
    log = tmp_path / "results" / "tiny" / "logs" / "train_stage1.log"
    deadline = time.monotonic() + 120
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finish(tmp_path)
    assert differing(unbroken, tmp_path / "results" / "tiny") == []


def test_a_second_run_in_the_same_folder_is_refused_while_the_first_is_at_work(tmp_path):
    first = start(tmp_path)
    deadline = time.monotonic() + 120
    while not (tmp_path / "resources").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / ".snakemake" / "cache")}
    command = [SNAKEMAKE, "--snakefile", ROOT / "Snakefile", "--cores", "1", "--configfile", "tiny.yaml"]
    second = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert second.returncode != 0
    assert f"another run is at work in this folder (process {first.pid}); wait until it has ended" in second.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_training_that_is_asked_to_stop_saves_and_says_try_again(unbroken, tmp_path, number):
    """Run the command of stage 1 by itself, on the data of the unbroken run, with a schedule of minutes."""
    resources, settings = (
        unbroken.parents[1] / "resources",
        ("stage1.iterations=100000", "stage1.round_iterations=20000"),
    )
    (store,), (keypoints,) = (list((resources / name).iterdir()) for name in ("stores", "keypoints"))
    (tmp_path / "tiny.yaml").write_text(CONFIGURATION, encoding="utf-8")
    changes = [part for setting in settings for part in ("--set", setting)]
    command = [Path(sys.executable).with_name("landmarks"), "train-stage1", "--config", "tiny.yaml", *changes]
    command += ["--store", store, "--keypoints", keypoints, "--output", tmp_path / "stage1" / "weights.safetensors"]
    with (tmp_path / "said.txt").open("w") as said:
        process = subprocess.Popen(command, cwd=tmp_path, stderr=said)
        while "round 0 (" not in (tmp_path / "said.txt").read_text():
            time.sleep(0.1)
            assert process.poll() is None
        process.send_signal(number)
        assert process.wait(60) == 75
    assert f"({number.name}); the same command goes on from there" in (tmp_path / "said.txt").read_text()
    assert len(list((tmp_path / "stage1" / "checkpoints").rglob("*.safetensors"))) == 2

"""The workflow on a real SLURM of one node: whole, in containers, cut off in every way, and as a sweep."""

import os
import re
import subprocess
import time

import pytest
from conftest import BIN, EXPERIMENT, HERE, ROOT, call, new_folder, own_code, require_same_results

pytestmark = pytest.mark.cluster

PATIENCE_S = 1800


@pytest.fixture(scope="module", autouse=True)
def slurm():
    """Start the scheduler, with the plugin that submits to it in the environment that plans."""
    call(BIN / "pip", "install", "--quiet", "--requirement", ROOT / "envs" / "requirements-host.txt")
    print(call(HERE / "slurm.sh"))
    yield
    call(HERE / "slurm.sh", "stop")


class Run:
    """Run the workflow as jobs of SLURM in the background."""

    def __init__(self, clone, folder, *arguments, bin_folder=BIN, **variables):
        command = (bin_folder / "snakemake", "--snakefile", clone / "Snakefile")
        command += ("--workflow-profile", clone / "profiles" / "test", *arguments)
        self.output = folder / "output.txt"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                cwd=folder,
                env={**os.environ, **variables},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self):
        return self.output.read_text(encoding="utf-8", errors="replace")

    def finish(self):
        assert self.process.wait(PATIENCE_S) == 0, self.said()[-6000:]
        return self

    def jobs(self):
        """List the numbers that SLURM gave to the jobs of this run."""
        return re.findall(r"SLURM jobid (\d+)", self.said())

    def wait_for(self, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self.process.poll() is None, self.said()[-6000:]
            assert time.monotonic() < deadline, self.said()[-6000:]
            time.sleep(0.5)


def is_training(folder, stage):
    """Say whether a stage has begun with its iterations and not ended."""
    log = folder / "results" / EXPERIMENT / "logs" / f"train_stage{stage}.log"
    weights = folder / "results" / EXPERIMENT / f"stage{stage}" / "weights.safetensors"
    return log.exists() and "it/s" in log.read_text(errors="replace") and not weights.exists()


def running(name):
    """List the running jobs of a rule."""
    listed = call("squeue", "--noheader", "--states", "RUNNING", "--format", "%i %k").splitlines()
    return [line.split()[0] for line in listed if name in line]


def test_the_workflow_runs_as_jobs(clone, work, reference):
    folder = new_folder(work, "jobs")
    run = Run(clone, folder, **own_code(clone, folder)).finish()
    print(f"{len(run.jobs())} jobs")
    assert len(run.jobs()) >= 15
    require_same_results(reference, folder)


def test_the_workflow_runs_as_jobs_in_containers(clone, work, reference, sif, host):
    assert sif.exists()
    folder = new_folder(work, "jobs in containers")
    variables = {"PATH": f"{host}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(folder / ".cache"), "PYTHONPATH": ""}
    Run(clone, folder, "--use-singularity", bin_folder=host, **variables).finish()
    require_same_results(reference, folder)


def test_jobs_that_reach_their_wall_time_are_cancelled_or_lose_their_node_lose_nothing(clone, work, reference):
    if EXPERIMENT == "tiny":
        pytest.skip("its training is over before it can be hit")
    folder, node = new_folder(work, "cut off"), call("hostname", "-s")
    # Training takes longer than the minute that its job gets; the next job goes on.
    arguments = ("--set-resources", "train_stage1:runtime=1", "train_stage2:runtime=10")
    run = Run(clone, folder, *arguments, **own_code(clone, folder))

    def log(stage):
        path = folder / "results" / EXPERIMENT / "logs" / f"train_stage{stage}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    run.wait_for(lambda: "the limit of time" in log(1))
    print("stage 1 reached its wall time, saved and was submitted again")
    run.wait_for(lambda: is_training(folder, 1) and "going on from" in log(1))
    (job,) = running("train_stage1")
    call("scancel", job)
    print("stage 1 cancelled by scancel")
    run.wait_for(lambda: is_training(folder, 2))
    call("scontrol", "update", f"nodename={node}", "state=drain", "reason=check")
    call("scontrol", "update", f"nodename={node}", "state=down", "reason=check")
    print("node drained and taken down in stage 2")
    time.sleep(5)
    call("scontrol", "update", f"nodename={node}", "state=resume")
    run.finish()
    require_same_results(reference, folder)


def test_a_sweep_runs_as_independent_jobs_that_share_their_data(clone, work):
    folder = new_folder(work, "sweep", "tiny")
    run = Run(clone, folder, "--config", "sweep={num_landmarks: [3, 4], seed: [1, 2]}", **own_code(clone, folder))
    run.finish()
    submitted = re.findall(r"slurm_logs/(\w+)/(\S+)/\d+\.log", run.said())
    trained = {name for rule, name in submitted if rule == "rule_train_stage1"}
    assert len(trained) == 4
    assert [rule for rule, _ in submitted].count("rule_prepare") == 1
    assert len(list((folder / "resources" / "stores").iterdir())) == 1
    print(f"{len(run.jobs())} jobs for {sorted(trained)}")


def test_processes_of_several_nodes_train_together_by_the_launch_of_slurm(clone, work):
    """Start one torchrun a node; here two of them share the one that there is."""
    folder = new_folder(work, "nodes", "tiny")
    variables = own_code(clone, folder)
    call(
        BIN / "snakemake",
        "--snakefile",
        clone / "Snakefile",
        "--cores",
        2,
        "--until",
        "bootstrap",
        cwd=folder,
        **variables,
    )
    (store,), (keypoints,) = (list((folder / "resources" / name).iterdir()) for name in ("stores", "keypoints"))
    step = ("-m", "landmark_discovery", "train-stage1", "--config", "config.yaml", "--store", store)
    step += ("--keypoints", keypoints, "--output")
    launch = ("srun", "--ntasks", 2, "--cpus-per-task", 1, BIN / "torchrun", "--nnodes", 2, "--nproc-per-node", 1)
    launch += ("--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:29511")
    call(*launch, *step, "nodes/weights.safetensors", cwd=folder, **variables)
    one_node = (BIN / "torchrun", "--standalone", "--nproc-per-node", 2)
    call(*one_node, *step, "node/weights.safetensors", cwd=folder, **variables)
    assert (folder / "nodes/weights.safetensors").read_bytes() == (folder / "node/weights.safetensors").read_bytes()

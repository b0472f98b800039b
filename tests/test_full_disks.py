"""Every step of the pipeline on disks that get full, at every moment: one line, nothing half-written, and the same end.

Three kinds of disks: one with a limit of a file's size, as quotas are, which needs no rights; and, where the test may
mount them, one with too few bytes and one with too few files.
"""

import contextlib
import errno
import hashlib
import io
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import cv2
import faiss
import numpy as np
import pytest
import torch
from tiny_experiment import FOLDER_CONFIGURATION

from landmark_discovery.cli.main import main

CONFIGURATION = (
    FOLDER_CONFIGURATION
    + """\
stage1: {batch_pairs: 2, iterations: 2, warmup_iterations: 1, round_iterations: 1}
stage2: {batch_size: 2, iterations: 1, generations: 2}
evaluation: {normalizer: "0-1", size_px: 32.0}
"""
)
STORE, CONFIG = ("--store", "whole/store"), ("--config", "tiny.yaml")
WEIGHTS = ("--weights", "whole/stage1/weights.safetensors")
# Each step: arguments, and what it writes.
STEPS = {
    "prepare": (("--dataset", "dataset", *CONFIG), "store"),
    "bootstrap": ((*STORE, *CONFIG), "keypoints.npz"),
    "train-stage1": ((*STORE, *CONFIG, "--keypoints", "whole/keypoints.npz"), "stage1/weights.safetensors"),
    "export-pseudo-groundtruth": ((*STORE, *CONFIG, *WEIGHTS), "truth.npz"),
    "train-stage2": (
        (*STORE, *CONFIG, *WEIGHTS, "--pseudo-groundtruth", "whole/truth.npz"),
        "stage2/weights.safetensors",
    ),
    "predict-dataset": (
        ("--stage", "2", *STORE, *CONFIG, "--weights", "whole/stage2/weights.safetensors"),
        "predictions.npz",
    ),
    "evaluate": ((*STORE, *CONFIG, "--predictions", "whole/predictions.npz"), "evaluation"),
    "draw-pictures": ((*STORE, *CONFIG, "--predictions", "whole/predictions.npz"), "pictures"),
    "package-model": ((*STORE, *CONFIG, "--weights", "whole/stage2/weights.safetensors"), "model.safetensors"),
}
# Of the disks on which a stage trains, every third by default.
THINNED = 1 if os.environ.get("LANDMARKS_DISK_CASES") == "all" else 3
# Says when it was made.
DATED = "made_by.json"


def run(folder, step, place):
    """Run a step that writes into a place, and give its exit status and the lines of its stderr."""
    arguments, output = STEPS[step]
    said = io.StringIO()
    argv = ["landmarks", step, *arguments, "--output", f"{place}/{output}"]
    with (
        contextlib.chdir(folder),
        mock.patch.object(sys, "argv", argv),
        mock.patch.object(signal, "signal"),
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        try:
            main()
        except SystemExit as end:
            return end.code or 0, said.getvalue().replace("\r", "\n").splitlines()
    return 0, []


def content(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != DATED
    }


def of_step(step, files):
    """Choose the files that a step writes."""
    output = STEPS[step][1].split("/")[0]
    return {name: digest for name, digest in files.items() if name.split("/")[0] == output}


def thinned(step, disks):
    return disks[::THINNED] if step.startswith("train-") else disks


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Use one thread: for so little work more of them wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    yield
    torch.set_num_threads(before)
    faiss.omp_set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Run all steps undisturbed, into the folder `whole`."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "tiny.yaml").write_text(CONFIGURATION, encoding="utf-8")
    (folder / "dataset").mkdir()
    points = "".join(f",{axis}{index}" for index in range(3) for axis in "xy")
    rows = "".join(f"{index}.png,10,10,20,{12 + index},30,30\n" for index in range(6))
    (folder / "dataset" / "landmarks.csv").write_text(f"image{points}\n{rows}", encoding="utf-8")
    for index in range(6):
        coarse = np.random.default_rng(index).integers(0, 256, (8, 9, 3), dtype=np.uint8)
        picture = cv2.resize(coarse, (48, 40), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / "dataset" / f"{index}.png"), picture)
    for step in STEPS:
        status, said = run(folder, step, "whole")
        assert status == 0, said
    return folder


@pytest.fixture(scope="module")
def whole(folder):
    return content(folder / "whole")


@contextlib.contextmanager
def files_of_at_most(size):
    """Let no file grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def mounted(disk, options):
    disk.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def remount(disk, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def check_failure(outcome, disk, expected, reason):
    """Check that one line names a file and the reason, and that what is there is whole; give the last checkpoint."""
    status, said = outcome
    assert status == 2, said
    assert [line for line in said if "error" in line.lower()] == said[-1:]
    assert said[-1].startswith(f"error: {disk.name}/")
    assert f": can't be written ({reason}); free space there, or choose a folder you may write" in said[-1]
    named = said[-1].removeprefix("error: ").split(": can't")[0]
    assert not any(part.startswith(".") for part in Path(named).parts)
    for name, digest in content(disk).items():
        path = disk / name
        if "checkpoints" in path.parts:
            assert path.suffix in (".safetensors", ".sha256") or path.name == ".lock"
        elif path.name == "rounds.csv":
            # The rounds so far.
            assert (disk.parent / "whole" / name).read_bytes().startswith(path.read_bytes())
        else:
            assert expected[name] == digest, name
    return max(disk.rglob("checkpoints/*/*.sha256"), default=None)


def check_again(folder, step, disk, expected, checkpoint):
    status, said = run(folder, step, disk.name)
    assert status == 0, said
    if checkpoint is not None:
        assert any(
            f"going on from {checkpoint.with_suffix('.safetensors').relative_to(folder)}," in line for line in said
        )
    assert content(disk) == expected


def limits(step, folder):
    """Choose limits of a file's size that hit each file of a step, at its beginning, middle and end."""
    files = [folder / "whole" / name for name in of_step(step, content(folder / "whole"))]
    sizes = {path.stat().st_size for path in files}
    # Of a checkpoint: weights, and what the optimiser remembers of them.
    every = sorted({1, 4096, 80_000, 110_000, *(size - 1 for size in sizes), *(size // 2 for size in sizes)})
    return thinned(step, every)


@pytest.mark.parametrize("step", STEPS)
def test_a_file_that_may_not_grow_ends_a_step_and_the_next_try_ends_as_if_it_had_not(folder, whole, step):
    expected, failures = of_step(step, whole), 0
    for number, limit in enumerate(limits(step, folder)):
        disk = folder / f"{step}-{number}"
        with files_of_at_most(limit):
            outcome = run(folder, step, disk.name)
        if outcome[0]:
            failures += 1
            checkpoint = check_failure(outcome, disk, expected, os.strerror(errno.EFBIG))
            check_again(folder, step, disk, expected, checkpoint)
        else:
            assert content(disk) == expected
    assert failures >= 2


def fill(folder, step, whole, options):
    """Run a step on ever larger disks until one has room, and count the others and the checkpoints left on them."""
    disk, expected, failures, checkpoints = folder / "disk", of_step(step, whole), 0, 0
    for option in options:
        with mounted(disk, option):
            outcome = run(folder, step, disk.name)
            if outcome[0] == 0:
                assert content(disk) == expected
                return failures, checkpoints
            checkpoint = check_failure(outcome, disk, expected, os.strerror(errno.ENOSPC))
            remount(disk, "size=64m,nr_inodes=1000")
            check_again(folder, step, disk, expected, checkpoint)
            failures, checkpoints = failures + 1, checkpoints + (checkpoint is not None)
    raise AssertionError("no disk was large enough")


@pytest.mark.parametrize("step", STEPS)
def test_a_disk_without_bytes_at_any_moment_ends_a_step_and_with_room_it_ends_as_if_it_had_had_it(folder, whole, step):
    sizes_kib = [4, 8, 16, 20, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 512, 640, 704, 768, 1024]
    failures, checkpoints = fill(folder, step, whole, [f"size={size}k" for size in thinned(step, sizes_kib)])
    # The arrays of so few images fit into one page, the least that a disk has.
    assert failures >= (0 if STEPS[step][1].endswith(".npz") else 2)
    assert (checkpoints >= 2) == step.startswith("train-")


@pytest.mark.parametrize("step", STEPS)
def test_a_disk_without_room_for_one_more_file_ends_a_step_at_every_single_one(folder, whole, step):
    # The disk itself counts as one.
    counts = thinned(step, range(1, 31))
    failures, checkpoints = fill(folder, step, whole, [f"size=64m,nr_inodes={count}" for count in counts])
    written = {part for name in of_step(step, whole) for part in (Path(name), *Path(name).parents)}
    assert failures >= (len(written) - 1) // (counts[1] - counts[0])
    assert (checkpoints >= 2) == step.startswith("train-")


@pytest.mark.parametrize("step", STEPS)
def test_a_disk_that_is_read_only_is_named_before_the_work(folder, step):
    disk = folder / "disk"
    with mounted(disk, "size=1m"):
        remount(disk, "ro")
        status, said = run(folder, step, disk.name)
        assert status == 2
        assert len(said) == 1
        assert said[0].startswith(f"error: disk/{STEPS[step][1]}: can't be written ({disk} is read-only); ")
        assert list(disk.iterdir()) == []

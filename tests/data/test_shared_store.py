"""One prepared data set that several processes make, replace and read at once."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from tiny_experiment import FOLDER_CONFIGURATION

from landmark_discovery import files
from landmark_discovery.data.store import CORNERS, RECTANGLES, ImageStore, read_store, write_store

LANDMARKS = str(Path(sys.executable).with_name("landmarks"))
CONFIGURATION = (
    FOLDER_CONFIGURATION
    + """\
stage1: {batch_pairs: 2, iterations: 12, warmup_iterations: 4, round_iterations: 4}
"""
)


def store_of(number):
    """Make a store whose every file tells the number."""
    row = {"split": "train", "subject": str(number), "width": 6, "height": 4, "stored_width": 6, "stored_height": 4}
    row |= {f"{kind}_{corner}": 2 + index for kind in RECTANGLES for index, corner in enumerate(CORNERS)}
    samples = pd.DataFrame([{"image": name, **row} for name in ("a.png", "b.png")])
    images = np.full((2, 4, 6, 3), number, dtype=np.uint8)
    return ImageStore(images, samples, np.full((2, 3, 2), float(number)), {"number": number})


def write_again_and_again(folder, number, start, times):
    start.wait()
    for _ in range(times):
        write_store(folder, store_of(number))


def read_again_and_again(folder, start, done, read):
    start.wait()
    while not done.is_set():
        store = read_store(folder)
        (number,) = {*store.samples["subject"].astype(int), *store.landmarks.flat, store.facts["number"]}
        assert (store.images == number).all()
        read.value += 1


@pytest.mark.parametrize("readers", [2, 0])
def test_a_store_that_several_processes_write_and_read_at_once_is_always_one_of_theirs(tmp_path, monkeypatch, readers):
    """Without readers, as on file systems that can't let two folders exchange their names at once."""
    if not readers:
        monkeypatch.setattr(files, "_exchanged", lambda *_: False)
    context = multiprocessing.get_context("fork")
    start, done, read = context.Event(), context.Event(), context.Value("i", 0)
    folder = tmp_path / "store"
    write_store(folder, store_of(0))
    writers = [context.Process(target=write_again_and_again, args=(folder, number, start, 60)) for number in (1, 2, 3)]
    reading = [context.Process(target=read_again_and_again, args=(folder, start, done, read)) for _ in range(readers)]
    for process in writers + reading:
        process.start()
    start.set()
    for process in writers:
        process.join()
    done.set()
    for process in reading:
        process.join()
    assert [process.exitcode for process in writers + reading] == [0] * (3 + readers)
    assert (read.value > 0) == (readers > 0)
    assert read_store(folder).facts["number"] in (1, 2, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


@pytest.fixture
def user(tmp_path):
    """Make a folder with a data set, and give what starts a command in it."""
    (tmp_path / "tiny.yaml").write_text(CONFIGURATION, encoding="utf-8")
    (tmp_path / "dataset").mkdir()
    for index in range(6):
        coarse = np.random.default_rng(index).integers(0, 256, (8, 9, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "dataset" / f"{index}.png"), cv2.resize(coarse, (48, 40)))

    def start(command, output, *arguments):
        line = [LANDMARKS, command, "--config", "tiny.yaml", *arguments, "--output", output]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(line, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)

    return start


def finish(*processes):
    for process in processes:
        _, said = process.communicate()
        assert process.returncode == 0, said


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_trainings_that_share_a_store_which_is_prepared_again_meanwhile_end_as_one_alone(user, tmp_path):
    prepare = ("prepare", "shared/store", "--dataset", "dataset")
    finish(user(*prepare), user(*prepare))
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["store"]
    prepared = content(tmp_path / "shared" / "store")
    finish(user("bootstrap", "keypoints.npz", "--store", "shared/store"))
    train = ("--store", "shared/store", "--keypoints", "keypoints.npz")
    finish(user("train-stage1", "alone/weights.safetensors", *train))
    # Two results folders, with the store between them and a third run that makes it again and another one.
    together = [user("train-stage1", f"{name}/weights.safetensors", *train) for name in ("first", "second")]
    another = ("prepare", "shared/another", "--dataset", "dataset", "--set", "dataset.max_crop_px=32")
    finish(user(*prepare), user(*another))
    finish(*together, user(*prepare))
    for name in ("first", "second"):
        for file in ("weights.safetensors", "training_log.csv", "rounds.csv"):
            assert (tmp_path / name / file).read_bytes() == (tmp_path / "alone" / file).read_bytes()
    assert content(tmp_path / "shared" / "store") == prepared
    assert sorted(path.name for path in (tmp_path / "shared").iterdir()) == ["another", "store"]

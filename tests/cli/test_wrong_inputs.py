"""Wrong inputs as a user gives them: one line that says what, where and what to do, and nothing half-written."""

import errno
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tiny_experiment import FOLDER_CONFIGURATION

from landmark_discovery import files
from landmark_discovery.cli.main import main
from landmark_discovery.data import prepare as preparation
from landmark_discovery.data.store import read_store

LANDMARKS = str(Path(sys.executable).with_name("landmarks"))
BOXES = "image,split,subject,x_min,y_min,x_max,y_max\n"
POINTS = "image,x0,y0,x1,y1\n"
TINY = (
    FOLDER_CONFIGURATION
    + """\
stage1: {batch_pairs: 2, iterations: 2, warmup_iterations: 1, round_iterations: 1}
"""
)


def picture(seed, width=48, height=40):
    """Draw corners and edges enough for keypoints."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, image[..., ::-1] if image.shape[-1] == 3 else image)[1].tobytes())


class User:
    """Run the command in a folder that holds a data set and a configuration of seconds."""

    def __init__(self, folder, capsys, monkeypatch):
        self.folder, self.capsys, self.monkeypatch = folder, capsys, monkeypatch
        monkeypatch.chdir(folder)
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
        for index in range(4):
            save(folder / "dataset" / f"{index}.png", picture(index))

    def write(self, **content):
        """Write files of the data set; two underscores stand for the dot."""
        for name, text in content.items():
            data = text if isinstance(text, bytes) else text.encode()
            (self.folder / "dataset" / name.replace("__", ".")).write_bytes(data)

    def run(self, command, *arguments):
        """Run a command and give its exit status and the lines of its stderr."""
        self.monkeypatch.setattr(sys, "argv", ["landmarks", command, "--config", "tiny.yaml", *map(str, arguments)])
        self.capsys.readouterr()
        try:
            main()
        except SystemExit as end:
            status = end.code
        return status, self.capsys.readouterr().err.replace("\r", "\n").splitlines()

    def prepare(self, *arguments):
        return self.run("prepare", "--dataset", "dataset", "--output", "made/store", *arguments)

    def refused(self, outcome, *parts):
        """Check that a run ended with one line, which holds these parts, and left nothing."""
        status, lines = outcome
        assert status == 2
        assert [line for line in lines if "error" in line] == lines[-1:]
        assert lines[-1].startswith("error: ")
        for part in parts:
            assert part in lines[-1]
        assert "; " in lines[-1], "no remedy"
        # A training that trained before it failed leaves its checkpoints: whole files, for the next try.
        made = [path.name for path in (self.folder / "made").glob("*")]
        assert [name for name in made if name != "checkpoints"] == []


@pytest.fixture
def user(tmp_path, capsys, monkeypatch):
    return User(tmp_path, capsys, monkeypatch)


@pytest.fixture
def ready(user):
    """A user whose data set is prepared, with keypoints."""
    assert user.run("prepare", "--dataset", "dataset", "--output", "store")[0] == 0
    assert user.run("bootstrap", "--store", "store", "--output", "keypoints.npz")[0] == 0
    return user


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ({"a__jpg": b""}, ("dataset/a.jpg: the file is empty", "on_bad_image: skip")),
        ({"a__jpg": b"text"}, ("dataset/a.jpg: not a JPEG",)),
        ({"landmarks__csv": POINTS + "0.png,1,1,2,2\n9.png,1,1,2,2\n"}, ("landmarks.csv, line 3", "'9.png'")),
        ({"landmarks__csv": "image,x,y\n0.png,1,1\n"}, ("landmarks.csv, line 1: column 2 is 'x', not 'x0'",)),
        ({"landmarks__csv": POINTS + "0.png,1,left,2,2\n"}, ("landmarks.csv, line 2: y0 is 'left', not a number",)),
        ({"landmarks__csv": POINTS + "0.png,1,1,2\n"}, ("line 2: 4 columns where the header has 5",)),
        ({"samples__csv": "file,split\n0.png,train\n"}, ("samples.csv, line 1: unknown column 'file'",)),
        ({"samples__csv": "image\n0.png\n8.png\n"}, ("samples.csv, line 3: image '8.png' isn't there",)),
        ({"samples__csv": BOXES + "0.png,train,,1,1,20,wide\n"}, ("line 2: y_max is 'wide', not a number",)),
        ({"samples__csv": BOXES + "0.png,train\n"}, ("line 2: 2 columns where the header has 7",)),
        (
            {"samples__csv": BOXES + "0.png,train,,60,50,90,80\n1.png,test,,,,,\n"},
            ("samples.csv, line 2: the box 60, 50, 90, 80 of '0.png'", "outside the image of 48 x 40 pixels"),
        ),
        ({"samples__csv": "image\n0.png\n"}, ("dataset: only one image, '0.png'", "at least two")),
    ],
)
def test_a_fault_of_the_data_set_is_named_by_file_and_line(user, content, parts):
    user.write(**content)
    user.refused(user.prepare(), *parts)


def test_a_jpeg_that_breaks_off_is_named(user):
    jpeg = cv2.imencode(".jpg", picture(9))[1].tobytes()
    user.write(torn__jpg=jpeg[: len(jpeg) // 2])
    user.refused(user.prepare(), "dataset/torn.jpg: the file breaks off", "replace or remove the file")


@pytest.mark.parametrize("names", [[], ["notes.txt"]])
def test_a_folder_without_images_is_refused(user, names):
    (user.folder / "empty").mkdir()
    for name in names:
        (user.folder / "empty" / name).touch()
    outcome = user.run("prepare", "--dataset", "empty", "--output", "made/store")
    user.refused(outcome, "empty: no images in this folder; put images there")


def test_bad_images_are_named_counted_and_left_out_where_the_user_wants_so(user):
    user.write(a__jpg=b"", b__jpg=b"text")
    status, lines = user.prepare("--set", "dataset.on_bad_image=skip")
    assert status == 0
    assert "left out: dataset/a.jpg: the file is empty" in lines
    assert "2 of 6 images left out" in lines
    store = read_store("made/store")
    assert (len(store), [entry["image"] for entry in store.facts["dropped"]]) == (4, ["a.jpg", "b.jpg"])


def test_a_folder_of_nothing_but_bad_images_is_refused(user):
    for path in (user.folder / "dataset").iterdir():
        path.write_bytes(b"text")
    outcome = user.prepare("--set", "dataset.on_bad_image=skip")
    user.refused(outcome, "dataset: none of the 4 images can be read", "the first: 0.png: not a JPEG")


def test_the_same_picture_is_stored_whatever_kind_of_file_it_is(user):
    shown, root = picture(0), user.folder / "dataset"
    save(root / "deep.png", shown.astype(np.uint16) * 257)
    save(root / "opaque.png", np.dstack([shown[..., ::-1], np.full((40, 48), 255, np.uint8)]))
    save(root / "turned.png", np.rot90(shown))
    exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    chunk = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
    png = (root / "turned.png").read_bytes()
    (root / "turned.png").write_bytes(png[:33] + chunk + png[33:])
    save(root / "grey.png", np.ascontiguousarray(shown[..., 1]))
    assert user.prepare()[0] == 0
    store = read_store("made/store")
    place = {str(name): index for index, name in enumerate(store.names)}
    for name in ("0.png", "deep.png", "opaque.png", "turned.png"):
        assert np.array_equal(store.images[place[name]], shown), name
    assert np.array_equal(store.images[place["grey.png"]], shown[..., [1, 1, 1]])


@pytest.mark.parametrize("detector", ["sift", "superpoint-open"])
def test_images_without_any_keypoint_are_refused(user, detector):
    for index in range(4):
        save(user.folder / "dataset" / f"{index}.png", np.full((40, 48, 3), 90 + index, np.uint8))
    assert user.run("prepare", "--dataset", "dataset", "--output", "store")[0] == 0
    given = ("--set", f"bootstrap.detector={detector}", "--output", "made/keypoints.npz")
    outcome = user.run("bootstrap", "--store", "store", *given)
    user.refused(
        outcome, f"bootstrap: no keypoints at all: {detector} found none in 3 training images", "lower bootstrap."
    )


@pytest.mark.parametrize(
    ("detector", "content", "parts"),
    [
        (
            "superpoint",
            b"<html>",
            ("not SuperPoint's weights (it is a web page", "landmarks download superpoint_v1.pth"),
        ),
        ("superpoint-open", b"PK\x03\x04", ("it is a file of torch (.pth)", "or none to take the package's own")),
        ("superpoint", None, ("SuperPoint needs its weights' file", "choose `sift`, which needs none")),
    ],
)
def test_wrong_weights_of_the_bootstrap_are_refused(ready, detector, content, parts):
    Path("mine.pth").write_bytes(content or b"")
    given = ("--set", f"bootstrap.detector={detector}", *(("--weights", "mine.pth") if content else ()))
    ready.refused(ready.run("bootstrap", "--store", "store", *given, "--output", "made/keypoints.npz"), *parts)


def train(user, *settings):
    options = [part for setting in settings for part in ("--set", setting)]
    files = ("--store", "store", "--keypoints", "keypoints.npz", "--output", "made/weights.safetensors")
    return user.run("train-stage1", *files, *options)


def test_more_landmarks_than_there_are_detections_to_cluster_are_refused(ready):
    outcome = train(ready, "num_landmarks=900", "clustering.training_clusters=900")
    ready.refused(outcome, "clusters are asked for, but only 24 detections", "lower num_landmarks")


def test_a_gpu_that_is_not_there_is_refused(ready, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ready.refused(train(ready, "device=cuda"), "device: cuda: a GPU is asked for", "set device to cpu")


@pytest.mark.parametrize(
    ("setting", "parts"),
    [
        ("stage1.iteratons=3", ("tiny.yaml: unknown key 'stage1.iteratons'", "did you mean 'iterations'?")),
        ("num_landmarks=some", ("num_landmarks is 'some'", "a whole number of at least 2")),
        ("clustering.training_clusters=2", ("clustering.training_clusters is 2, fewer than num_landmarks 3",)),
    ],
)
def test_a_wrong_key_or_value_is_refused_before_any_work(user, setting, parts):
    user.refused(user.prepare("--set", setting), *parts)


@pytest.mark.parametrize(
    ("landmarks", "parts"),
    [
        (POINTS + "9.png,1,1,2,2\n", ("truth.csv: landmarks of image '9.png', which isn't in the samples",)),
        ("image,x,y\n0.png,1,1\n", ("truth.csv: the header is 'image,x,y'",)),
        (POINTS + "0.png,1,left,2,2\n", ("truth.csv: y0 of '0.png' is 'left', not a number",)),
        (POINTS + "0.png,1,1\n", ("truth.csv, line 2: 3 columns where the header has 5",)),
    ],
)
def test_a_faulty_table_of_true_points_is_refused_by_the_evaluation(user, landmarks, parts):
    names, points = np.array(["0.png", "1.png"]), np.ones((2, 3, 2))
    arrays = {"image": names, "split": np.array(["train", "test"]), "landmarks": points, "score": points[..., 0]}
    files.write_npz("predictions.npz", arrays)
    Path("samples.csv").write_text("image,split\n0.png,train\n1.png,test\n", encoding="utf-8")
    Path("truth.csv").write_text(landmarks, encoding="utf-8")
    tables = ("--predictions", "predictions.npz", "--samples", "samples.csv", "--landmarks", "truth.csv")
    user.refused(user.run("evaluate", *tables, "--output", "made"), *parts)


@pytest.mark.parametrize("command", ["prepare", "synthesize", "bootstrap", "train-stage1", "predict-dataset"])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(user, command):
    Path("taken").touch()
    needed = {
        "prepare": ("--dataset", "dataset"),
        "bootstrap": ("--store", "none"),
        "train-stage1": ("--store", "none", "--keypoints", "none"),
        "predict-dataset": ("--stage", "1", "--store", "none", "--weights", "none"),
    }
    outcome = user.run(command, *needed.get(command, ()), "--output", "taken/made")
    user.refused(outcome, "taken/made: can't be written (taken is a file, not a folder)", "choose a folder")


@pytest.mark.parametrize("command", ["prepare", "bootstrap", "train-stage1", "synthesize"])
def test_a_full_disk_is_one_line_and_leaves_nothing(ready, monkeypatch, command):
    def fail(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_flush_to_disk", fail)
    people = ("dataset.synthetic.train_identities=1", "dataset.synthetic.test_identities=1")
    outcome = {
        "prepare": ready.prepare,
        "bootstrap": lambda: ready.run("bootstrap", "--store", "store", "--output", "made/keypoints.npz"),
        "train-stage1": lambda: train(ready),
        "synthesize": lambda: ready.run("synthesize", "--output", "made/faces", "--set", people[0], "--set", people[1]),
    }[command]()
    ready.refused(outcome, "made/", "can't be written (No space left on device); free space there")


@pytest.mark.usefixtures("small_disk")
def test_a_disk_that_really_fills_up_stops_the_preparation(user):
    user.refused(user.prepare(), "made/store: can't be written (No space left on device)")


def test_an_interruption_ends_with_status_130_and_leaves_nothing(user, monkeypatch):
    def interrupt(row):
        if row[0].name == "2.png":
            raise KeyboardInterrupt
        return cut(row)

    cut = preparation._cut
    monkeypatch.setattr(preparation, "_cut", interrupt)
    assert user.prepare()[0] == 130
    assert list((user.folder / "made").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_leaves_nothing(tmp_path, number, status):
    command = [LANDMARKS, "synthesize", "--output", str(tmp_path / "faces")]
    # A session of its own, as a terminal's Ctrl-C reaches a command and its workers at once.
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE) as process:
        while not list(tmp_path.glob(".faces.*/images/*")) and process.poll() is None:
            time.sleep(0.05)
        os.killpg(process.pid, number)
        process.communicate(timeout=60)
    assert process.returncode == status
    assert list(tmp_path.iterdir()) == []


FOLDER_KIND = ["--set", "dataset.kind=folder", "--set", "dataset.path=photos"]
ONTO_PHOTOS = {
    "synthesize": ["synthesize", "--output", "photos"],
    "prepare": ["prepare", "--dataset", "photos", *FOLDER_KIND, "--output", "photos"],
    "build-dataset": ["build-dataset", "--downloads", "photos", "--kind", "celeba", "--output", "photos"],
}


@pytest.mark.parametrize("command", ONTO_PHOTOS)
def test_no_command_puts_its_folder_in_the_place_of_the_users_files(landmarks, tmp_path, command):
    (tmp_path / "photos" / "images").mkdir(parents=True)
    for name in ("images/00000.jpg", "samples.csv", "landmarks.csv", "thesis.txt"):
        (tmp_path / "photos" / name).write_text("mine")
    result = landmarks(*ONTO_PHOTOS[command])
    assert result.returncode == 2
    assert result.stderr.startswith("error: photos: holds what isn't known for an earlier result of this command")
    assert sorted(path.name for path in (tmp_path / "photos").rglob("*")) == [
        "00000.jpg",
        "images",
        "landmarks.csv",
        "samples.csv",
        "thesis.txt",
    ]

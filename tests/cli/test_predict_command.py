"""`landmarks predict` as users run it, with right and with wrong inputs."""

import csv
import json
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

from landmark_discovery.cli.main import main
from landmark_discovery.inference import predict as run
from landmark_discovery.inference.package import package_model
from landmark_discovery.training.weights import save_weights

LANDMARKS = str(Path(sys.executable).with_name("landmarks"))
HEADER = "image,x_min,y_min,x_max,y_max\n"
ODD_NAMES = ("日本 ü.png", 'it\'s "quoted", so.png', "line\nbreak.png", "-dash.png", "#000001.png", "a%02d.png")


def save(path, seed=0, width=48, height=40):
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())


def save_video(path, frames=40, share=1.0):
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 25, (48, 40))
    noise = np.random.default_rng(0)
    for _ in range(frames):
        writer.write(noise.integers(0, 256, (40, 48, 3), dtype=np.uint8))
    writer.release()
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))] if frames else content)


def png_of(width, height):
    """Make a whole, black PNG of one bit a pixel."""
    squeezed = zlib.compress(bytes((width // 8 + 1) * height), 1)
    chunks = ((b"IHDR", struct.pack(">2I5B", width, height, 1, 0, 0, 0, 0)), (b"IDAT", squeezed), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


class User:
    """Run the command in a folder with a model and two photos."""

    def __init__(self, folder, capsys, monkeypatch):
        self.folder, self.capsys, self.monkeypatch = folder, capsys, monkeypatch
        for seed in range(2):
            save(folder / "photos" / f"{seed}.png", seed)

    def predict(self, *arguments):
        """Give the exit status, what was printed, and the lines of stderr."""
        given = ("--weights", "model.safetensors", "--output", "made/out")
        self.monkeypatch.setattr(sys, "argv", ["landmarks", "predict", *given, *arguments])
        self.capsys.readouterr()
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        said = self.capsys.readouterr()
        return status, said.out, said.err.replace("\r", "\n").splitlines()

    def refused(self, arguments, *parts):
        """Check that a run ends with one line, which holds these parts, and leaves nothing."""
        status, printed, lines = self.predict(*arguments)
        assert (status, printed) == (2, "")
        assert [line for line in lines if "error" in line] == lines[-1:]
        for part in parts:
            assert part in lines[-1]
        made = self.folder / "made"
        assert not made.exists() or list(made.iterdir()) == []

    def rows(self):
        with (self.folder / "made/out/landmarks.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def summary(self):
        return json.loads((self.folder / "made/out/summary.json").read_text(encoding="utf-8"))


@pytest.fixture
def user(tmp_path, capsys, monkeypatch, save_stage, build_store, tiny_config):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("OPENCV_FFMPEG_LOGLEVEL", "-8")
    store = build_store([np.zeros((40, 48, 3), dtype=np.uint8)], [(0, 0, 48, 40)])
    config = tiny_config(dataset={"crop_rule": "margin", "crop_margin": 0.1, "max_crop_px": 32})
    save_weights("model.safetensors", package_model(save_stage(), [store], config, []))
    return User(tmp_path, capsys, monkeypatch)


def test_a_run_ends_with_what_was_found_and_how_fast(user):
    status, printed, _ = user.predict("photos")
    assert status == 0
    assert printed.startswith("2 images, 2 objects, ")
    assert printed.endswith(" images/s\n")
    assert [row["image"] for row in user.rows()] == ["0.png", "1.png"]
    assert sorted(path.name for path in (user.folder / "made/out").iterdir()) == [
        "coco_keypoints.json",
        "landmarks.csv",
        "overlays",
        "summary.json",
    ]


def test_the_command_and_python_give_the_same(user):
    from landmark_discovery import LandmarkDetector

    user.predict("photos/1.png", "--no-overlays", "--device", "cpu")
    (found,) = LandmarkDetector("model.safetensors", device="cpu").predict(["photos/1.png"])
    (row,) = user.rows()
    assert [float(row[f"x{index}"]) for index in range(3)] == found.landmarks[:, 0].tolist()
    assert [float(row[f"score{index}"]) for index in range(3)] == found.scores.tolist()


def test_a_folder_of_mixed_files_is_sorted_out_and_it_is_said(user):
    (user.folder / "photos/notes.txt").write_text("no image")
    (user.folder / "photos/data.xyz").touch()
    save_video(user.folder / "photos/clip.avi", frames=3)
    status, printed, lines = user.predict("photos")
    assert status == 0
    assert "passed over: 2 files, neither image nor video, photos/data.xyz first" in lines
    assert printed.startswith("2 images, 3 frames of 1 video, 5 objects, ")
    assert user.summary()["other_files"] == 2


@pytest.mark.parametrize("overlays", ["--overlays", "--no-overlays"])
def test_names_of_any_letters_are_kept(user, overlays):
    for name in ODD_NAMES:
        save(user.folder / "odd" / name)
    status, _, _ = user.predict("odd", overlays)
    assert status == 0
    assert sorted(row["image"] for row in user.rows()) == sorted(ODD_NAMES)
    coco = json.loads((user.folder / "made/out/coco_keypoints.json").read_text(encoding="utf-8"))
    assert sorted(image["file_name"] for image in coco["images"]) == sorted(ODD_NAMES)
    drawn = {path.name for path in (user.folder / "made/out").glob("overlays/*")}
    assert drawn == (set(ODD_NAMES) if overlays == "--overlays" else set())


def test_a_video_of_an_odd_name_is_labelled(user):
    name = "späß ' \" 日本: 100%d.avi"
    save_video(user.folder / name, frames=3)
    assert user.predict(name)[0] == 0
    assert [row["image"] for row in user.rows()] == [f"{name}#00000{frame}" for frame in range(3)]
    assert (user.folder / "made/out/overlays" / f"{name}.mp4").stat().st_size > 0


def test_a_truncated_video_is_kept_up_to_its_break_and_it_is_said(user):
    save_video(user.folder / "torn.avi", share=0.5)
    status, _, lines = user.predict("torn.avi")
    assert status == 0
    (warning,) = [line for line in lines if line.startswith("warning: ")]
    assert warning == f"warning: torn.avi: breaks off: {len(user.rows())} of 40 frames can be read"
    assert user.summary()["videos"][0]["breaks_off"]


def test_a_video_without_frames_is_refused_or_left_out(user):
    save_video(user.folder / "photos/none.avi", frames=0)
    user.refused(("photos",), "photos/none.avi: ", "a video", "--on-bad-image skip")
    status, printed, lines = user.predict("photos", "--on-bad-image", "skip")
    assert status == 0
    assert any(line.startswith("left out: photos/none.avi: ") for line in lines)
    assert ", 1 left out, " in printed


def test_an_image_of_20_000_by_20_000_pixels_is_refused_or_left_out(user):
    (user.folder / "photos/vast.png").write_bytes(png_of(20_000, 20_000))
    words = "photos/vast.png: 20000 x 20000 pixels; at most 108,000,000 are read"
    user.refused(("photos",), words, "--on-bad-image skip")
    status, _, lines = user.predict("photos", "--on-bad-image", "skip")
    assert status == 0
    assert f"left out: {words}" in lines
    assert user.summary()["left_out"] == [{"where": "photos/vast.png", "reason": words.split(": ", 1)[1]}]
    assert len(user.rows()) == 2


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ("0.png,5,5,5,9", "boxes.csv, line 2: the box 5, 5, 5, 9 has no area; x_max must exceed x_min"),
        ("0.png,5,5,nan,9", "boxes.csv, line 2: the box isn't four numbers"),
        (
            "0.png,50,5,60,9",
            "boxes.csv, line 2: the box 50, 5, 60, 9 of '0.png' lies outside the image of 48 x 40 pixels",
        ),
        ("9.png,5,5,7,9", "boxes.csv, line 2: a box of '9.png', which isn't among the images"),
    ],
)
def test_a_box_that_makes_no_sense_is_named_by_its_line(user, box, words):
    (user.folder / "boxes.csv").write_text(f"{HEADER}{box}\n1.png,1,1,9,9\n", encoding="utf-8")
    user.refused(("photos", "--boxes", "boxes.csv"), words)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("none",), ("none: no such file or folder",)),
        (("model.safetensors",), ("model.safetensors: neither image nor video by its name; valid images: .bmp",)),
        (("photos/0.png", "photos"), ("two inputs are called '0.png': photos/0.png and photos/0.png; give",)),
        (("photos", "--weights", "none"), ("none: no such file",)),
        (("photos", "--weights", "photos/0.png"), ("photos/0.png: not a safetensors file",)),
        (
            ("photos", "--output", "photos"),
            ("photos: holds what isn't known for an earlier result of this command",),
        ),
        (("photos", "--output", "."), ("holds what isn't known for an earlier result of this command",)),
        (("photos", "--output", "photos/0.png"), ("photos/0.png: a file, not a folder",)),
        (("photos", "--output", "photos/0.png/out"), ("can't be written (photos/0.png is a file, not a folder)",)),
        (("photos", "--boxes", "boxes.xml"), ("boxes.xml: neither .csv nor .json",)),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(user, arguments, parts):
    user.refused(arguments, *parts)
    assert len(list((user.folder / "photos").iterdir())) == 2


def test_an_empty_folder_is_refused(user):
    (user.folder / "empty").mkdir()
    user.refused(("empty",), "empty: neither image nor video in it; give images: .bmp .jpeg")


def test_other_weights_are_refused_with_those_to_give(user, save_stage):
    save_stage(1, threshold=0.2, position_weight=0.0)
    user.refused(("photos", "--weights", "stage1.safetensors"), "weights of stage 1; give those of stage 2")
    user.refused(("photos", "--weights", "stage2.safetensors"), "weights alone", "give model.safetensors")


def test_a_gpu_that_is_not_there_is_refused(user, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    user.refused(("photos", "--device", "cuda"), "device: cuda: a GPU is asked for")


def test_results_within_the_folder_of_the_images_are_no_inputs_of_the_next_run(user):
    for _ in range(2):
        assert user.predict("photos", "--output", "photos/out")[1].startswith("2 images, ")
    user.refused(("photos/out/overlays", "--output", "photos/out"), "the results would take the place of")
    assert (user.folder / "photos/out/overlays/0.png").is_file()


def test_an_interruption_ends_with_status_130_and_leaves_earlier_results_alone(user, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    user.predict("photos")
    before = (user.folder / "made/out/landmarks.csv").read_bytes()
    monkeypatch.setattr(run, "write_summary", interrupt)
    assert user.predict("photos", "--no-overlays")[0] == 130
    assert (user.folder / "made/out/landmarks.csv").read_bytes() == before
    assert [path.name for path in (user.folder / "made").iterdir()] == ["out"]


@pytest.mark.usefixtures("small_disk")
def test_a_disk_that_fills_up_leaves_nothing(user):
    for number in range(20):
        save(user.folder / "photos" / f"more{number}.bmp", number)
    user.refused(("photos",), "made/out: can't be written (No space left on device)")
    save_video(user.folder / "clip.avi", frames=200)
    user.refused(("clip.avi",), "made/out", "can't be")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_leaves_nothing(user, number, status):
    for seed in range(400):
        save(user.folder / "many" / f"{seed}.png", seed)
    command = [LANDMARKS, "predict", "--weights", "model.safetensors", "--output", "made/out", "many"]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE) as process:
        while not list(user.folder.glob("made/.out.*/overlays/*")) and process.poll() is None:
            time.sleep(0.01)
        os.killpg(process.pid, number)
        process.communicate(timeout=60)
    assert process.returncode == status
    assert list((user.folder / "made").iterdir()) == []

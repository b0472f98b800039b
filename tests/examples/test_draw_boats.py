import csv
import runpy
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "draw_boats.py"
draw_boat = runpy.run_path(str(SCRIPT))["draw_boat"]


def draw(folder, *options):
    subprocess.run([sys.executable, SCRIPT, folder, "--count", "3", "--size-px", "64", *options], check=True)
    return folder


def test_a_folder_holds_images_and_nothing_else(tmp_path):
    folder = draw(tmp_path / "boats")
    assert sorted(path.name for path in folder.iterdir()) == ["boat_0000.jpg", "boat_0001.jpg", "boat_0002.jpg"]
    images = [cv2.imread(str(path)) for path in sorted(folder.iterdir())]
    assert [image.shape for image in images] == [(64, 64, 3)] * 3
    assert not np.array_equal(images[0], images[1])


def test_the_seed_decides_the_images_and_true_points_change_none(tmp_path):
    first, again, other = (
        draw(tmp_path / "a"),
        draw(tmp_path / "b", "--with-landmarks"),
        draw(tmp_path / "c", "--seed", "1"),
    )
    content = {folder: (folder / "boat_0002.jpg").read_bytes() for folder in (first, again, other)}
    assert content[first] == content[again] != content[other]
    rows = list(csv.reader((again / "landmarks.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["image", *(f"{axis}{index}" for index in range(8) for axis in "xy")]
    assert [row[0] for row in rows[1:]] == ["boat_0000.jpg", "boat_0001.jpg", "boat_0002.jpg"]


@pytest.mark.parametrize("seed", range(20))
def test_true_points_are_where_the_parts_are(seed):
    _, (bow, stern, waterline_bow, waterline_stern, foot, top, boom_end, jib_top) = draw_boat(
        np.random.default_rng(seed), 100
    )
    points = np.array([bow, stern, waterline_bow, waterline_stern, foot, top, boom_end, jib_top])
    assert (points > 0).all()
    assert (points < 99).all()
    ahead = (bow - stern) / np.linalg.norm(bow - stern)
    assert (boom_end - foot) @ ahead < 0 < (bow - foot) @ ahead
    assert np.abs((top - foot) @ ahead) < 0.15 * np.linalg.norm(top - foot)
    assert top[1] < jib_top[1] < foot[1] < max(waterline_bow[1], waterline_stern[1])


def test_some_boats_sail_to_the_right_and_some_to_the_left():
    points = [draw_boat(np.random.default_rng(seed), 48)[1] for seed in range(20)]
    to_the_right = [bow[0] > stern[0] for bow, stern, *_ in points]
    assert 3 < sum(to_the_right) < 17

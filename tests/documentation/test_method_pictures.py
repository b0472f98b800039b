import json
import runpy

import cv2
import numpy as np
import pytest
from shown_commands import ROOT

from landmark_discovery.errors import UserError
from landmark_discovery.reporting.drawing import write_picture
from landmark_discovery.reporting.grids import landmark_grid

SCRIPT = runpy.run_path(str(ROOT / "examples" / "method_pictures.py"))
chosen_images, make_pictures, first_and_last = (
    SCRIPT[name] for name in ("chosen_images", "make_pictures", "_first_and_last")
)

METHOD = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")


def grid():
    """Draw a grid whose image number n is of the grey 10 * n, without landmarks."""
    crops = np.stack([np.full((16, 16, 3), 10 * number, dtype=np.uint8) for number in range(12)])
    return landmark_grid(crops, np.full((12, 2, 2), np.nan))


def test_images_are_taken_out_of_a_grid_of_the_report_whole():
    picture = chosen_images(grid(), positions=(1, 7, 11), columns=3)
    assert picture.shape == (192 + 12, 3 * 198 + 6, 3)
    for column, number in enumerate((1, 7, 11)):
        left = 6 + 198 * column
        assert (picture[6:198, left : left + 192] == 10 * number).all()


def test_the_first_and_the_last_round_stand_below_each_other(tmp_path):
    paths = [tmp_path / f"round_{number:02d}.png" for number in range(3)]
    for path, shade in zip(paths, (0, 100, 200), strict=True):
        write_picture(path, np.full((800, 1194, 3), shade, dtype=np.uint8))
    picture = first_and_last(paths)
    middle = picture[:, picture.shape[1] // 2]
    assert {0, 200} <= set(np.unique(middle))
    assert 100 not in middle


@pytest.fixture
def finished_run(tmp_path):
    """Make the files of a run that pictures are made from."""
    run = tmp_path / "run"
    names = ("pictures/bootstrap", "pictures/stage1/galleries", "pictures/stage2/landmarks", "stage1/rounds/round_00")
    for name in names:
        write_picture(run / f"{name}.png", grid())
    (run / "stage1" / "training_log.csv").write_text(
        "iteration,loss,detector_loss,descriptor_loss,learning_rate\n1,2,1,1,0.1\n2,1,0.5,0.5,0.1\n", encoding="utf-8"
    )
    (run / "stage1" / "rounds.csv").write_text(
        "round,iteration,threshold,detections_over_threshold,detections_kept,clusters_alive,flip_purity,images_kept,"
        "detector_loss,descriptor_loss\n0,1,0.1,15,7,10,0.7,90,0.5,0.5\n1,2,0.1,15,8,10,0.8,95,0.4,0.4\n",
        encoding="utf-8",
    )
    for stage in (1, 2):
        folder = run / "evaluation" / f"stage{stage}"
        folder.mkdir(parents=True)
        (folder / "forward_curve.csv").write_text(
            "rank,point,nme_percent,cumulative_nme_percent\n1,0,2,2\n", encoding="utf-8"
        )
        metrics = {"normalizer": "36-45", "mean_shape_nme": 20.0, "mean_landmark_nme": 20.0}
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    return run


def test_all_pictures_of_a_finished_run_are_made(finished_run, tmp_path):
    made = make_pictures(finished_run, tmp_path / "out")
    assert sorted(path.name for path in made) == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert {path.suffix for path in made} == {".jpg", ".svg"}
    assert all(f"pictures/method/{path.name}" in METHOD for path in made)


def test_a_folder_that_is_no_finished_run_is_named(tmp_path):
    with pytest.raises(UserError, match="holds no pictures of rounds"):
        make_pictures(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_pictures_of_the_documentation_are_small():
    pictures = [path for path in (ROOT / "docs" / "pictures").rglob("*") if path.is_file()]
    assert max(path.stat().st_size for path in pictures) < 200_000
    assert sum(path.stat().st_size for path in pictures) < 2_000_000
    assert all(cv2.imread(str(path)) is not None for path in pictures if path.suffix == ".jpg")

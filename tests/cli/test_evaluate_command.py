import json

import numpy as np
import pytest

from landmark_discovery.cli.evaluation import parse_points
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.predictions import Predictions, write_predictions


@pytest.fixture
def files(tmp_path):
    """Eight images with two true points, which the predictions repeat shifted by one pixel."""
    generator = np.random.default_rng(0)
    names = np.array([f"{index}.png" for index in range(8)])
    split = np.array(["train"] * 5 + ["test"] * 3)
    points = generator.uniform(20, 80, (8, 2, 2))
    write_predictions(tmp_path / "p.npz", Predictions(names, split, points + 1, np.ones((8, 2))))
    boxes = ",10,10,90,90\n"
    rows = [f"{name},{part}{boxes}" for name, part in zip(names, split, strict=True)]
    (tmp_path / "samples.csv").write_text("image,split,x_min,y_min,x_max,y_max\n" + "".join(rows), encoding="utf-8")
    table = [
        ",".join([name, *(f"{value:.6f}" for value in row.ravel())]) for name, row in zip(names, points, strict=True)
    ]
    (tmp_path / "landmarks.csv").write_text("image,x0,y0,x1,y1\n" + "\n".join(table) + "\n", encoding="utf-8")
    return tmp_path


GIVEN = ("evaluate", "--predictions", "p.npz", "--samples", "samples.csv", "--output", "out")


def metrics_of(folder):
    return json.loads((folder / "out" / "metrics.json").read_text(encoding="utf-8"))


def test_anybodys_predictions_can_be_evaluated(landmarks, files):
    options = ("--landmarks", "landmarks.csv", "--normalizer", "box", "--size-px", "100", "--forward-lambda", "0")
    result = landmarks(*GIVEN, *options)
    assert result.returncode == 0, result.stderr
    metrics = metrics_of(files)
    assert metrics["forward_nme"] == pytest.approx(0, abs=1e-4)
    assert metrics["mean_shape_nme"] > 1
    assert (metrics["num_landmarks"], metrics["num_train_images"], metrics["num_test_images"]) == (2, 5, 3)
    assert "forward_nme: " in result.stdout
    assert {path.name for path in (files / "out").iterdir()} == {
        "metrics.json",
        "forward_curve.csv",
        "backward_curve.csv",
    }


def test_without_true_points_the_errors_are_undefined(landmarks, files):
    result = landmarks(*GIVEN)
    assert result.returncode == 0, result.stderr
    assert metrics_of(files)["forward_nme"] is None
    assert "forward_nme: undefined" in result.stdout


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--protocol", "mafl"), "unknown protocol 'mafl'"),
        (("--protocol", "mafl-headline"), "the protocol is for 5 true points"),
        (("--normalizer", "eyes"), "normalizer"),
        (("--points", "0,x"), "'x' is no point number"),
        (("--repeats", "0"), "repeats"),
        (("--store", "somewhere"), "--store brings samples and landmarks"),
        (("--protocol", "mafl-curves", "--set", "evaluation.repeats=3"), "--protocol brings every setting; change"),
    ],
)
def test_wrong_options_are_refused_in_one_line(landmarks, files, options, fault):
    result = landmarks(*GIVEN, "--landmarks", "landmarks.csv", *options)
    assert result.returncode == 2
    assert fault in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (files / "out").exists()


def test_points_are_numbers_and_ranges():
    assert parse_points("0,5, 17-19") == [0, 5, 17, 18, 19]
    assert parse_points("4-4") == [4]


@pytest.mark.parametrize("part", ["", "4-1", "3-", "-3", "1-2-3", "x", "0-99999999999", "٣"])
def test_what_is_no_point_number_and_no_range_is_named(part):
    with pytest.raises(UserError, match=f"'{part}' is no point number and no range; write"):
        parse_points(f"0,{part},3")


def test_a_configured_protocol_counts_where_none_is_named(landmarks, files):
    given = ("--set", "evaluation.repeats=3", "--set", "evaluation.normalizer=box")
    result = landmarks(*GIVEN, "--landmarks", "landmarks.csv", *given)
    assert result.returncode == 0, result.stderr
    assert metrics_of(files)["repeats"] == 3


def test_a_negative_seed_is_refused(landmarks):
    result = landmarks(*GIVEN, "--landmarks", "landmarks.csv", "--seed", "-1")
    assert result.returncode == 2
    assert "Invalid value for '--seed'" in result.stderr
    assert "Traceback" not in result.stderr

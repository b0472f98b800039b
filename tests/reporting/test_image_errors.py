import json

import numpy as np
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.predictions import Predictions, read_predictions
from landmark_discovery.reporting.image_errors import measure_images


def read(folder, stage=2):
    place = folder / "evaluation" / f"stage{stage}"
    metrics = json.loads((place / "metrics.json").read_text(encoding="utf-8"))
    return read_predictions(place / "predictions.npz"), metrics


@pytest.mark.parametrize("stage", [1, 2])
def test_the_mean_over_images_is_the_forward_error_of_the_metrics(small_run, stage):
    predictions, metrics = read(small_run, stage)
    measured = measure_images(predictions, small_run / "store", metrics)
    assert 100 * measured.of_images.mean() == pytest.approx(metrics["forward_nme"])
    assert len(measured.image) == 6


def test_errors_are_distances_of_predicted_and_true_points(small_run):
    predictions, metrics = read(small_run)
    metrics = {**metrics, "forward_nme": None, "settings": {**metrics["settings"], "regression_images": 99}}
    measured = measure_images(predictions, small_run / "store", metrics)
    distances = np.linalg.norm(measured.predicted - measured.true, axis=-1)
    lengths = np.linalg.norm(measured.true[:, 0] - measured.true[:, 1], axis=-1)
    assert measured.errors == pytest.approx(distances / lengths[:, None])


def test_points_are_predicted_as_plain_least_squares_do_without_a_ridge(small_run):
    predictions, metrics = read(small_run)
    settings = {**metrics["settings"], "forward_lambda": 0.0, "regression_images": 99}
    measured = measure_images(predictions, small_run / "store", {**metrics, "forward_nme": None, "settings": settings})
    table = np.genfromtxt(small_run / "store" / "landmarks.csv", delimiter=",", skip_header=1)[:, 1:]
    found, train = predictions.landmarks.reshape(16, 4), predictions.split == "train"
    inputs = np.column_stack([found, np.ones(16)])
    solution = np.linalg.lstsq(inputs[train], table[train], rcond=None)[0]
    assert measured.predicted.reshape(6, -1) == pytest.approx(inputs[~train] @ solution, abs=1e-6)


def test_predictions_in_the_crop_come_back_in_pixels_of_the_image(small_run):
    predictions, metrics = read(small_run)
    settings = {**metrics["settings"], "frame": "crop", "size_px": 256.0, "normalizer": "landmark-box"}
    measured = measure_images(predictions, small_run / "store", {**metrics, "forward_nme": None, "settings": settings})
    plain = measure_images(predictions, small_run / "store", metrics)
    assert measured.true == pytest.approx(plain.true)
    assert np.abs(measured.predicted - plain.predicted).max() < 1


def test_metrics_of_other_predictions_are_refused(small_run):
    predictions, metrics = read(small_run)
    moved = Predictions(predictions.image, predictions.split, predictions.landmarks[::-1], predictions.score)
    with pytest.raises(UserError, match=r"the predictions give .* give data set, predictions and metrics of one run"):
        measure_images(moved, small_run / "store", metrics)


def test_metrics_that_do_not_say_how_they_were_measured_are_refused(small_run):
    predictions, metrics = read(small_run)
    for settings in (None, {"repeats": -1}, {"nonsense": 1}):
        with pytest.raises(UserError, match="don't say how they were measured"):
            measure_images(predictions, small_run / "store", {**metrics, "settings": settings})


def test_without_ground_truth_there_is_nothing_to_measure(run_without_truth):
    predictions, metrics = read(run_without_truth)
    assert measure_images(predictions, run_without_truth / "store", metrics) is None


def test_metrics_with_ground_truth_need_a_data_set_that_has_it(small_run, run_without_truth):
    predictions, metrics = read(small_run)
    with pytest.raises(UserError, match="store: has no true points"):
        measure_images(predictions, run_without_truth / "store", metrics)

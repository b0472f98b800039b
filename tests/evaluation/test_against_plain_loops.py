"""The whole evaluation against an independent restatement: one loop a point, an image and a repeat, no shared code."""

import math
import statistics

import numpy as np
import pytest
from test_completion import plain_completion

from landmark_discovery.config.evaluation import EvaluationSettings
from landmark_discovery.evaluation.evaluate import evaluate_predictions
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.evaluation.truth import GroundTruth

TRAIN, TEST, FOUND, TRUE, SIZE = 16, 7, 3, 4, 100.0


def plain_ridge(inputs, targets, tests, weight):
    """Restate R = (y'x)(x'x + lambda (max(x'x) + 1e-12) I)^-1 on flat rows, inverse and all."""
    rows, wide, high = len(inputs), len(inputs[0]), len(targets[0])
    x = np.array([[inputs[i][a] / SIZE - 0.5 for a in range(wide)] for i in range(rows)])
    y = np.array([[targets[i][a] / SIZE - 0.5 for a in range(high)] for i in range(rows)])
    x_mean = [sum(x[i][a] for i in range(rows)) / rows for a in range(wide)]
    y_mean = [sum(y[i][a] for i in range(rows)) / rows for a in range(high)]
    gram, cross = np.zeros((wide, wide)), np.zeros((high, wide))
    for i in range(rows):
        for a in range(wide):
            for b in range(wide):
                gram[a, b] += (x[i][a] - x_mean[a]) * (x[i][b] - x_mean[b])
            for c in range(high):
                cross[c, a] += (y[i][c] - y_mean[c]) * (x[i][a] - x_mean[a])
    matrix = cross @ np.linalg.inv(gram + weight * (max(gram.ravel()) + 1e-12) * np.eye(wide))
    predicted = []
    for row in tests:
        centred = [row[a] / SIZE - 0.5 - x_mean[a] for a in range(wide)]
        moved = [sum(matrix[c, a] * centred[a] for a in range(wide)) + y_mean[c] for c in range(high)]
        predicted.append([(value + 0.5) * SIZE for value in moved])
    return predicted


def plain_inputs(train, test):
    """Drop points never seen, complete training rows, put training means into test rows; rows become flat."""
    seen = [p for p in range(train.shape[1]) if any(not math.isnan(train[i, p, 0]) for i in range(len(train)))]
    matrix = np.array([[train[i, p, axis] / SIZE for p in seen for axis in (0, 1)] for i in range(len(train))])
    # Images without any landmark get the means and don't take part in the completion.
    empty = [i for i in range(len(matrix)) if np.isnan(matrix[i]).all()]
    others = [i for i in range(len(matrix)) if i not in empty]
    rows = matrix * SIZE
    if np.isnan(matrix[others]).any():
        rows[others] = plain_completion(matrix[others], 1e-2, 1000) * SIZE
    for i in empty:
        rows[i] = [SIZE * average(value for value in column if not math.isnan(value)) for column in matrix.T]
    filled = []
    for i in range(len(test)):
        row = []
        for p in seen:
            for axis in (0, 1):
                there = [train[j, p, axis] for j in range(len(train)) if not math.isnan(train[j, p, axis])]
                row.append(sum(there) / len(there) if math.isnan(test[i, p, axis]) else test[i, p, axis])
        filled.append(row)
    return [list(row) for row in rows], filled


def plain_errors(train_in, test_in, train_out, test_out, lengths, weight):
    """One regression a target point, on the images that have it; {(image, point): error}."""
    errors = {}
    for p in range(train_out.shape[1]):
        rows = [i for i in range(len(train_out)) if not math.isnan(train_out[i, p, 0])]
        if not rows:
            continue
        predicted = plain_ridge([train_in[i] for i in rows], [train_out[i, p] for i in rows], test_in, weight)
        for i in range(len(test_out)):
            if not math.isnan(test_out[i, p, 0]) and not math.isnan(lengths[i]):
                errors[i, p] = math.dist(predicted[i], test_out[i, p]) / lengths[i]
    return errors


def average(values):
    values = list(values)
    return sum(values) / len(values) if values else None


def plain_forward(errors):
    images = sorted({i for i, _ in errors})
    return average(average(e for (i, _), e in errors.items() if i == image) for image in images)


def plain_backward(errors):
    points = sorted({p for _, p in errors})
    return average(average(e for (_, p), e in errors.items() if p == point) for point in points)


def make_points(seed, missing_found, missing_true):
    generator = np.random.default_rng(seed)
    true = generator.uniform(10, 90, (TRAIN + TEST, TRUE, 2))
    found = true[:, :FOUND] + generator.normal(0, 3, (TRAIN + TEST, FOUND, 2))
    # Points 0 and 1 stay: the normaliser needs them.
    true[:, 2:][generator.random((TRAIN + TEST, TRUE - 2)) < missing_true] = np.nan
    found[generator.random((TRAIN + TEST, FOUND)) < missing_found] = np.nan
    return found, true


@pytest.mark.parametrize("missing_true", [0.0, 0.2])
@pytest.mark.parametrize("missing_found", [0.0, 0.3])
@pytest.mark.parametrize("images", [10, 100])
def test_every_number_agrees_with_plain_loops(images, missing_found, missing_true):
    found, true = make_points(1, missing_found, missing_true)
    # An image whose normaliser is zero is left out.
    true[TRAIN, 1] = true[TRAIN, 0]
    names = np.array([f"{index:02d}.jpg" for index in range(TRAIN + TEST)])
    split = np.array(["train"] * TRAIN + ["test"] * TEST)
    settings = EvaluationSettings(
        size_px=SIZE,
        regression_images=images,
        one_more_image=True,
        forward_lambda=0.01,
        repeats=3,
        normalizer="0-1",
    )
    evaluation = evaluate_predictions(
        Predictions(names, split, found, np.ones(found.shape[:2])), GroundTruth(names, split, true), settings, seed=5
    )

    lengths = [math.dist(*true[TRAIN + i, :2]) or math.nan for i in range(TEST)]
    found_in, true_in = plain_inputs(found[:TRAIN], found[TRAIN:]), plain_inputs(true[:TRAIN], true[TRAIN:])
    forward, backward, point_errors = [], [], {}
    for repeat in range(3):
        chosen = np.random.default_rng((5, repeat)).choice(TRAIN, images + 1, replace=False) if images < TRAIN else None
        rows = range(TRAIN) if chosen is None else sorted(chosen)
        learnt, known = [[side[i] for i in rows] for side in (found_in[0], true_in[0])]
        errors = plain_errors(learnt, found_in[1], true[:TRAIN][list(rows)], true[TRAIN:], lengths, 0.01)
        forward.append(plain_forward(errors))
        for point in range(TRUE):
            per_point = average(e for (_, p), e in errors.items() if p == point)
            point_errors.setdefault(point, []).append(100 * per_point)
        backward.append(
            plain_backward(plain_errors(known, true_in[1], found[:TRAIN][list(rows)], found[TRAIN:], lengths, 0.1))
        )

    metrics = evaluation.metrics
    assert metrics["forward_nme"] == pytest.approx(100 * average(forward), abs=1e-9)
    assert metrics["backward_nme"] == pytest.approx(100 * average(backward), abs=1e-9)
    assert metrics["repeats_computed"] == (1 if images > TRAIN else 3)
    assert metrics["images_without_normalizer"] == 1
    assert (metrics["completion_iterations"] > 0) == (missing_found > 0)
    if images < TRAIN:
        assert metrics["forward_nme_std"] == pytest.approx(100 * statistics.stdev(forward), abs=1e-9)
        assert metrics["backward_nme_std"] == pytest.approx(100 * statistics.stdev(backward), abs=1e-9)
    curve = sorted(average(values) for values in point_errors.values())
    assert np.allclose(evaluation.forward_curve["nme_percent"], curve, atol=1e-9)
    running = [average(curve[: rank + 1]) for rank in range(TRUE)]
    assert np.allclose(evaluation.forward_curve["cumulative_nme_percent"], running, atol=1e-9)
    for key, points, summary in (
        ("mean_shape_nme", true, plain_forward),
        ("mean_landmark_nme", found, plain_backward),
    ):
        errors = {}
        for p in range(points.shape[1]):
            there = [points[i, p] for i in range(TRAIN) if not math.isnan(points[i, p, 0])]
            mean = [average(place[axis] for place in there) for axis in (0, 1)]
            for i in range(TEST):
                if not math.isnan(points[TRAIN + i, p, 0]) and not math.isnan(lengths[i]):
                    errors[i, p] = math.dist(mean, points[TRAIN + i, p]) / lengths[i]
        assert metrics[key] == pytest.approx(100 * summary(errors), abs=1e-9)

import numpy as np
import pytest

from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.reporting.stability import JUMP_PERCENT, Stability, expected_distances, measure_stability


def rigid(count, seed=0):
    """Place a triangle at random in each image, so that two landmarks tell exactly where the third is."""
    generator = np.random.default_rng(seed)
    shape = np.array([[20.0, 30.0], [60.0, 30.0], [40.0, 70.0]])
    return shape + generator.uniform(-10, 10, (count, 1, 2))


def test_landmarks_that_move_as_one_have_hardly_any_spread():
    assert expected_distances(rigid(40), rigid(9, 1)).max() < 0.5


def test_a_landmark_that_jumps_lies_far_from_where_the_others_expect_it():
    test = rigid(10, 1)
    test[4, 2] += (0, 25)
    distances = expected_distances(rigid(40), test)
    assert distances[4, 2] == pytest.approx(25, abs=1)
    assert np.delete(distances[:, 2], 4).max() < 0.5


def test_what_the_others_expect_is_the_evaluations_regression_from_them_alone():
    generator = np.random.default_rng(3)
    train, test = (rigid(count, count) + generator.normal(0, 2, (count, 3, 2)) for count in (30, 7))
    x, y = train[:, 1:].reshape(30, 4) / 100 - 0.5, train[:, 0] / 100 - 0.5
    centred = x - x.mean(axis=0)
    gram = centred.T @ centred
    ridge = np.linalg.inv(gram + 1e-3 * (gram.max() + 1e-12) * np.eye(4))
    weights = (y - y.mean(axis=0)).T @ centred @ ridge
    guess = (test[:, 1:].reshape(7, 4) / 100 - 0.5 - x.mean(axis=0)) @ weights.T + y.mean(axis=0)
    wanted = np.linalg.norm(test[:, 0] - (guess + 0.5) * 100, axis=1)
    assert expected_distances(train, test)[:, 0] == pytest.approx(wanted)


def test_nothing_tells_about_a_single_landmark_nor_about_one_that_is_missing():
    assert np.isnan(expected_distances(rigid(5)[:, :1], rigid(3)[:, :1])).all()
    test = rigid(3, 1)
    test[0, 1] = np.nan
    distances = expected_distances(rigid(20), test)
    assert np.isnan(distances[0, 1])
    assert np.isfinite(np.delete(distances.ravel(), 1)).all()


def test_spread_and_jumps_are_shares_of_the_crop(build_store):
    images = [np.zeros((80, 80, 3), dtype=np.uint8)] * 30
    store = build_store(images, crops=[(10, 10, 60, 60)] * 30, splits=["train"] * 20 + ["test"] * 10)
    # Half as large as in percent: the crop is 50 pixels wide.
    landmarks = 10 + (rigid(30) + 0.5) / 2 - 0.5
    landmarks[25, 0] += (0, 10)
    found = Predictions(store.names, store.splits, landmarks, np.ones((30, 3)))
    stability = measure_stability(store, found)
    assert JUMP_PERCENT == 10
    assert stability.jumps.tolist() == pytest.approx([0.1, stability.jumps[1], stability.jumps[2]])
    assert stability.spread[0] == pytest.approx(2, abs=0.4)
    assert stability.apart[0, 1] == pytest.approx(40, abs=2.1)


def test_movement_is_the_mean_distance_to_the_mean_place_in_the_crop(build_store):
    store = build_store([np.zeros((80, 80, 3), dtype=np.uint8)] * 4, crops=[(10, 10, 60, 60)] * 4, splits=["test"] * 4)
    landmarks = np.full((4, 2, 2), 30.0)
    landmarks[:2, 1, 0] += 10
    found = Predictions(store.names, store.splits, landmarks, np.ones((4, 2)))
    # 5 pixels to either side of the mean, of a crop 50 pixels wide.
    assert measure_stability(store, found).movement.tolist() == pytest.approx([0, 10])


def test_the_nearest_landmark_is_another_one():
    apart = np.array([[0.0, 30.0, 12.0], [30.0, 0.0, np.nan], [12.0, np.nan, 0.0]])
    stability = Stability(np.zeros(3), np.zeros(3), np.zeros(3), apart)
    assert stability.nearest(0) == (2, 12.0)
    assert stability.nearest(1) == (0, 30.0)
    assert Stability(np.zeros(1), np.zeros(1), np.zeros(1), np.zeros((1, 1))).nearest(0) is None

"""The ridge map between two sets of points, worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.regression import fit, predict

# One point that moves along x only: centred by its mean 1 it is -1 and 1, its target centred by 2 is -2 and 2.
INPUTS = np.array([[[0.0, 5.0]], [[2.0, 5.0]]])
TARGETS = np.array([[[0.0, 7.0]], [[4.0, 7.0]]])


def test_without_ridge_the_map_doubles():
    ridge = fit(INPUTS, TARGETS, weight=0.0, size_px=1.0)
    assert np.allclose(ridge.matrix, [[2, 0], [0, 0]])
    assert np.allclose(predict(ridge, np.array([[[3.0, 5.0]]])), [[[6.0, 7.0]]])


def test_ridge_weight_is_relative_to_the_largest_entry_of_the_gram_matrix():
    # x'x = [[2, 0], [0, 0]], its largest entry 2; y'x = [[4, 0], [0, 0]]; so R = 4 / (2 + 1 * 2) = 1.
    ridge = fit(INPUTS, TARGETS, weight=1.0, size_px=1.0)
    assert np.allclose(ridge.matrix, [[1, 0], [0, 0]])
    assert np.allclose(predict(ridge, np.array([[[3.0, 5.0]]])), [[[4.0, 7.0]]])


def test_coordinates_are_divided_by_the_size_and_shifted_by_a_half():
    ridge = fit(INPUTS, TARGETS, weight=1.0, size_px=10.0)
    assert np.allclose(ridge.input_mean, [0.1 - 0.5, 0.5 - 0.5])
    assert np.allclose(ridge.target_mean, [0.2 - 0.5, 0.7 - 0.5])
    assert np.allclose(predict(ridge, np.array([[[3.0, 5.0]]])), [[[4.0, 7.0]]])


def test_a_huge_ridge_leaves_only_the_training_mean_of_the_targets():
    ridge = fit(INPUTS, TARGETS, weight=1e12, size_px=1.0)
    assert np.allclose(predict(ridge, np.array([[[100.0, -3.0]]])), [[[2.0, 7.0]]], atol=1e-6)


def test_inputs_that_never_move_predict_the_mean():
    still = np.full((4, 2, 2), 3.0)
    targets = np.arange(8.0).reshape(4, 1, 2)
    for weight in (0.0, 1e-3):
        assert np.allclose(predict(fit(still, targets, weight, 10.0), still), [[[3.0, 4.0]]] * 4)


def test_a_missing_input_gives_a_missing_prediction():
    ridge = fit(INPUTS, TARGETS, weight=0.1, size_px=1.0)
    assert np.isnan(predict(ridge, np.array([[[np.nan, 5.0]]]))).all()


def test_arguments_stay_as_they_were():
    inputs, targets = INPUTS.copy(), TARGETS.copy()
    predict(fit(inputs, targets, 0.1, 1.0), inputs)
    assert (inputs == INPUTS).all()
    assert (targets == TARGETS).all()


@pytest.mark.parametrize("shape", [(0, 3, 2), (4, 0, 2)])
def test_nothing_to_learn_from_is_said(shape):
    with pytest.raises(UserError, match="nothing to fit a regression on"):
        fit(np.zeros(shape), np.zeros((shape[0], 1, 2)), 0.1, 1.0)


@given(
    seed=st.integers(0, 1000),
    angle=st.floats(-3, 3),
    scale=st.floats(0.2, 5),
    shift=st.floats(-50, 50),
)
def test_any_linear_change_of_the_points_is_learnt(seed, angle, scale, shift):
    inputs = np.random.default_rng(seed).uniform(0, 100, (12, 2, 2))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    targets = inputs @ turn.T + shift
    ridge = fit(inputs[:9], targets[:9], weight=0.0, size_px=100.0)
    assert np.allclose(predict(ridge, inputs[9:]), targets[9:], atol=1e-6)

"""Training subsets, filled inputs, regressions with gaps, and the protocols by name."""

import numpy as np
import pytest

from landmark_discovery.config.evaluation import EvaluationSettings
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.protocol import (
    PROTOCOLS,
    fill_inputs,
    predict_points,
    protocol_settings,
    regression_errors,
    training_subsets,
)

NAN = np.nan


def test_subsets_draw_without_repetition_and_differ():
    subsets = training_subsets(50, 10, 4, seed=3)
    assert [len(set(subset.tolist())) for subset in subsets] == [10] * 4
    assert all((np.diff(subset) > 0).all() and subset.max() < 50 for subset in subsets)
    assert len({tuple(subset) for subset in subsets}) == 4


def test_subsets_follow_the_seed_and_not_the_number_of_repeats():
    first = training_subsets(50, 10, 4, seed=3)
    assert all((a == b).all() for a, b in zip(first, training_subsets(50, 10, 2, seed=3), strict=False))
    assert not (first[0] == training_subsets(50, 10, 4, seed=4)[0]).all()


@pytest.mark.parametrize("wanted", [50, 19_000])
def test_too_few_images_give_one_subset_of_all(wanted):
    (subset,) = training_subsets(50, wanted, 10, seed=3)
    assert (subset == np.arange(50)).all()


def test_missing_test_points_become_the_training_mean_of_those_found():
    train = np.array([[[1.0, 2.0], [5.0, 5.0]], [[3.0, 4.0], [5.0, 7.0]], [[NAN, NAN], [5.0, 9.0]]])
    test = np.array([[[NAN, NAN], [6.0, 6.0]]])
    filled = fill_inputs(train, test, size_px=10.0)
    assert np.allclose(filled.test, [[[2.0, 3.0], [6.0, 6.0]]])
    assert np.isfinite(filled.train).all()
    assert (filled.train[:, 1] == train[:, 1]).all()
    assert filled.completion.iterations > 0


def test_a_point_never_seen_in_training_is_dropped():
    train = np.array([[[1.0, 2.0], [NAN, NAN]], [[3.0, 4.0], [NAN, NAN]]])
    filled = fill_inputs(train, np.array([[[1.0, 1.0], [9.0, 9.0]]]), size_px=10.0)
    assert filled.train.shape == (2, 1, 2)
    assert (filled.test == [[[1.0, 1.0]]]).all()


def test_each_target_is_learnt_from_the_images_that_have_it():
    # Target 0 is twice the input, target 1 three times, with one image missing; target 2 is never there.
    inputs = np.random.default_rng(0).uniform(0, 9, (8, 1, 2))
    targets = np.concatenate([2 * inputs, 3 * inputs, np.full_like(inputs, NAN)], axis=1)
    targets[5, 1] = NAN
    filled = fill_inputs(inputs, np.array([[[1.0, 2.0]]]), size_px=10.0)
    predicted = predict_points(filled, targets, np.arange(8), weight=0.0, size_px=10.0)
    assert np.allclose(predicted, [[[2, 4], [3, 6], [NAN, NAN]]], equal_nan=True)


def test_only_the_subset_is_learnt_from():
    inputs = np.array([[[0.0, 0.0]], [[1.0, 1.0]], [[50.0, 0.0]]])
    targets = np.array([[[4.0, 4.0]], [[6.0, 6.0]], [[0.0, 99.0]]])
    filled = fill_inputs(inputs, inputs, size_px=10.0)
    predicted = predict_points(filled, targets, np.array([0, 1]), weight=1e9, size_px=10.0)
    assert np.allclose(predicted, 5.0, atol=1e-5)


def test_errors_of_equal_points_vanish():
    points = np.random.default_rng(1).uniform(0, 100, (20, 3, 2))
    filled = fill_inputs(points[:14], points[14:], size_px=100.0)
    subsets = training_subsets(14, 10, 3, seed=0)
    errors = regression_errors(filled, points[:14], points[14:], np.full(6, 10.0), subsets, 0.0, 100.0)
    assert errors.shape == (3, 6, 3)
    assert np.allclose(errors, 0, atol=1e-9)


def test_no_landmark_at_all_leaves_every_error_undefined():
    nothing = np.full((4, 2, 2), NAN)
    filled = fill_inputs(nothing, nothing, size_px=10.0)
    errors = regression_errors(filled, np.ones((4, 5, 2)), np.ones((4, 5, 2)), np.ones(4), [np.arange(4)], 0.1, 10.0)
    assert errors.shape == (1, 4, 5)
    assert np.isnan(errors).all()


# The table of the method's section 6, column by column.
@pytest.mark.parametrize(
    ("name", "points", "n", "forward", "backward", "size", "frame", "normalizer"),
    [
        ("mafl-headline", 5, 19_000, 1e-3, 0.1, 218, "image", "0-1"),
        ("mafl-curves", 68, 300, 1e-3, 0.1, 218, "image", "41-46"),
        ("ls3d-headline", 68, 19_000, 0.1, 0.1, 256, "crop", "landmark-box"),
        ("ls3d-curves", 68, 300, 0.1, 0.1, 256, "crop", "landmark-box"),
    ],
)
def test_named_protocols_are_the_methods_table(name, points, n, forward, backward, size, frame, normalizer):
    settings = protocol_settings(name)
    assert (settings.expected_points, settings.regression_images, settings.repeats) == (points, n, 10)
    assert (settings.forward_lambda, settings.backward_lambda) == (forward, backward)
    assert (settings.size_px, settings.frame, settings.normalizer) == (size, frame, normalizer)
    assert settings.one_more_image
    assert len(PROTOCOLS) == 4


def test_options_change_a_protocol_and_unset_ones_do_not():
    settings = protocol_settings("mafl-curves", repeats=2, normalizer="36-45", size_px=None)
    assert (settings.repeats, settings.normalizer, settings.size_px) == (2, "36-45", 218)
    assert PROTOCOLS["mafl-curves"].repeats == 10


def test_options_change_given_settings_or_the_defaults():
    assert protocol_settings(EvaluationSettings(repeats=3), frame="crop").repeats == 3
    assert protocol_settings() == EvaluationSettings()


def test_a_mistyped_protocol_names_the_nearest():
    with pytest.raises(UserError, match="unknown protocol 'mafl-curve'; did you mean 'mafl-curves'"):
        protocol_settings("mafl-curve")


def test_a_mistyped_key_names_the_nearest():
    with pytest.raises(UserError, match="unknown key 'repeat'; did you mean 'repeats'"):
        protocol_settings(repeat=2)


def test_a_value_out_of_range_names_its_key():
    with pytest.raises(UserError, match=r"repeats = 0: .*greater than or equal to 1.*; Random subsets averaged"):
        protocol_settings("mafl-curves", repeats=0)

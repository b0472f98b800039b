"""The evaluation as a whole: hand-computed cases, invariances, gaps, files and faults."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landmark_discovery.config.evaluation import EvaluationSettings
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.evaluate import evaluate_predictions, write_evaluation
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.evaluation.protocol import protocol_settings
from landmark_discovery.evaluation.truth import GroundTruth

NAN = np.nan
EYES = EvaluationSettings(normalizer="0-1", size_px=100.0)


def evaluate(found, true, train, protocol=EYES, **more):
    """Evaluate arrays whose first `train` images are for training."""
    found, true = np.asarray(found, dtype=float), None if true is None else np.asarray(true, dtype=float)
    names = np.array([f"{index:03d}.jpg" for index in range(len(found))])
    split = np.array(["train"] * train + ["test"] * (len(found) - train))
    predictions = Predictions(names, split, found, np.ones(found.shape[:2]))
    return evaluate_predictions(predictions, GroundTruth(names, split, true, **more), protocol, seed=1)


def square(x, y, side=10.0):
    """Four points: the corners of a square, (x, y) top left; points 0 and 1 are `side` apart."""
    return [[x, y], [x + side, y], [x, y + side], [x + side, y + side]]


def random_points(seed, images=14, points=4):
    return np.random.default_rng(seed).uniform(0, 100, (images, points, 2))


def test_baselines_by_hand():
    # Training squares at x 0 and 8, so the mean is at 4; test squares at x 7 (3 px off) and x 4 (2 px lower).
    true = [square(0, 0), square(8, 0), square(7, 0), square(4, 2)]
    # One landmark: training mean (1, 1); test landmarks 5 px and 1 px off.
    found = [[[0, 0]], [[2, 2]], [[4, 5]], [[1, 2]]]
    metrics = evaluate(found, true, 2).metrics
    assert metrics["mean_shape_nme"] == pytest.approx(100 * (0.3 + 0.2) / 2)
    assert metrics["mean_landmark_nme"] == pytest.approx(100 * (0.5 + 0.1) / 2)


def test_forward_and_backward_by_hand():
    # Landmark and squares move along x alone: the landmark by 1 where the square moves by 2.
    true = [square(0, 0), square(4, 0), square(6, 0)]
    found = [[[10, 5]], [[12, 5]], [[14, 5]]]
    protocol = EYES.model_copy(update={"forward_lambda": 1.0, "backward_lambda": 0.0})
    metrics = evaluate(found, true, 2, protocol).metrics
    # Forward: x is -1, 1 round 11 and y -2, 2 round the square at 2; R = 4 / (2 + 2) = 1, so the landmark at 14
    # predicts the square at 2 + 3 = 5, which is 1 px off. Backward: half of (6 - 2) added to 11 is 13, 1 px off.
    assert metrics["forward_nme"] == pytest.approx(10.0)
    assert metrics["backward_nme"] == pytest.approx(10.0)


def test_the_truth_itself_as_prediction_is_perfect():
    points = random_points(0)
    protocol = EYES.model_copy(update={"forward_lambda": 0.0, "backward_lambda": 0.0})
    metrics = evaluate(points, points, 12, protocol).metrics
    assert metrics["forward_nme"] == pytest.approx(0, abs=1e-9)
    assert metrics["backward_nme"] == pytest.approx(0, abs=1e-9)
    assert metrics["mean_shape_nme"] == pytest.approx(metrics["mean_landmark_nme"])


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), shift=st.floats(-200, 200), scale=st.floats(0.1, 10))
def test_every_nme_is_invariant_to_shift_and_scale(seed, shift, scale):
    found, true = random_points(seed, points=3), random_points(seed + 1)
    before = evaluate(found, true, 10).metrics
    after = evaluate(scale * found + shift, scale * true + shift, 10).metrics
    for key in ("forward_nme", "backward_nme", "mean_shape_nme", "mean_landmark_nme"):
        assert after[key] == pytest.approx(before[key], rel=1e-5)


def test_crop_and_image_frames_agree_when_all_crops_are_alike():
    found, true = random_points(2, points=3), random_points(3)
    crops = np.tile([10.0, 20.0, 60.0, 70.0], (14, 1))
    crop = evaluate(found, true, 10, protocol_settings(EYES, frame="crop"), crop=crops).metrics
    assert crop["forward_nme"] == pytest.approx(evaluate(found, true, 10).metrics["forward_nme"], rel=1e-6)
    assert crop["frame"] == "crop"


def test_selected_points_are_scored_while_the_normaliser_keeps_its_numbering():
    found, true = random_points(4, points=3), random_points(5)
    chosen = evaluate(found, true, 10, protocol_settings(EYES, points=(3, 2)))
    rearranged = evaluate(found, true[:, [3, 2, 0, 1]], 10, protocol_settings(EYES, points=(0, 1), normalizer="2-3"))
    assert chosen.metrics["num_true_points"] == 2
    assert chosen.metrics["forward_nme"] == pytest.approx(rearranged.metrics["forward_nme"])
    assert set(chosen.forward_curve["point"]) == {2, 3}


def test_last_value_of_each_curve_is_its_nme():
    evaluation = evaluate(
        random_points(6, points=3), random_points(7), 10, protocol_settings(EYES, regression_images=8)
    )
    for curve, key in ((evaluation.forward_curve, "forward_nme"), (evaluation.backward_curve, "backward_nme")):
        assert curve["cumulative_nme_percent"].iloc[-1] == pytest.approx(evaluation.metrics[key])


def test_repeats_differ_only_where_there_are_images_to_choose_from():
    found, true = random_points(8, points=3), random_points(9)
    few = evaluate(found, true, 10, protocol_settings(EYES, regression_images=6, repeats=4)).metrics
    assert (few["repeats_computed"], few["repeats_identical"], few["regression_images"]) == (4, False, 6)
    assert few["forward_nme_std"] > 0
    assert few["backward_nme_std"] > 0
    everything = evaluate(found, true, 10, protocol_settings(EYES, regression_images=10, repeats=4)).metrics
    assert (everything["repeats_computed"], everything["repeats_identical"]) == (1, True)
    assert everything["forward_nme_std"] is None


def test_one_more_image_is_taken_as_the_authors_do():
    protocol = protocol_settings(EYES, regression_images=6, one_more_image=True)
    assert evaluate(random_points(8), random_points(9), 10, protocol).metrics["regression_images"] == 7


def test_only_missing_landmarks_leave_the_numbers_undefined():
    found = np.full((14, 3, 2), NAN)
    evaluation = evaluate(found, random_points(10), 10)
    for key in ("forward_nme", "backward_nme", "mean_landmark_nme"):
        assert evaluation.metrics[key] is None
    assert evaluation.metrics["mean_shape_nme"] > 0
    assert evaluation.metrics["distinct_landmarks"] == 0
    assert evaluation.metrics["detection_rate"] == [0, 0, 0]
    assert evaluation.backward_curve["nme_percent"].isna().all()


def test_landmarks_missing_only_in_the_test_have_no_backward_error():
    found = random_points(11, points=3)
    found[10:] = NAN
    metrics = evaluate(found, random_points(12), 10).metrics
    assert metrics["backward_nme"] is None
    # With every test landmark at its training mean, the regression predicts the mean shape.
    assert metrics["forward_nme"] == pytest.approx(metrics["mean_shape_nme"])


def test_a_landmark_never_seen_in_training_changes_nothing_else():
    found, true = random_points(13, points=3), random_points(14)
    strange = np.concatenate([found, found[:, :1]], axis=1)
    strange[:10, 3] = NAN
    plain, more = evaluate(found, true, 10), evaluate(strange, true, 10)
    assert more.metrics["forward_nme"] == plain.metrics["forward_nme"]
    assert more.metrics["backward_nme"] == pytest.approx(plain.metrics["backward_nme"])
    assert more.backward_curve["landmark"].iloc[-1] == 3
    assert np.isnan(more.backward_curve["nme_percent"].iloc[-1])


def test_no_landmarks_at_all_is_undefined_too():
    evaluation = evaluate(np.empty((14, 0, 2)), random_points(15), 10)
    assert evaluation.metrics["forward_nme"] is None
    assert evaluation.metrics["backward_nme"] is None
    assert evaluation.backward_curve.empty


def test_distinct_landmarks_use_three_percent_of_the_size():
    # Of 200 px: landmarks 5.9 px apart are one, 6.1 px apart two.
    near = np.tile([[[10.0, 10.0], [15.9, 10.0]]], (14, 1, 1))
    far = np.tile([[[10.0, 10.0], [16.1, 10.0]]], (14, 1, 1))
    true, protocol = random_points(16), protocol_settings(EYES, size_px=200.0)
    assert evaluate(near, true, 10, protocol).metrics["distinct_landmarks"] == 1
    assert evaluate(far, true, 10, protocol).metrics["distinct_landmarks"] == 2


def test_without_ground_truth_only_the_landmarks_are_described(tmp_path):
    found = random_points(17, points=2)
    found[13, 0] = NAN
    evaluation = evaluate(found, None, 10)
    assert evaluation.metrics["ground_truth"] is False
    for key in ("forward_nme", "backward_nme", "mean_shape_nme", "mean_landmark_nme"):
        assert evaluation.metrics[key] is None
    assert evaluation.metrics["detection_rate"] == [0.75, 1.0]
    assert (evaluation.metrics["num_train_images"], evaluation.metrics["num_test_images"]) == (10, 4)
    write_evaluation(tmp_path, evaluation)
    assert (tmp_path / "forward_curve.csv").read_text() == "rank,point,nme_percent,cumulative_nme_percent\n"
    assert (tmp_path / "backward_curve.csv").read_text() == "rank,landmark,nme_percent,cumulative_nme_percent\n"
    assert json.loads((tmp_path / "metrics.json").read_text()) == evaluation.metrics


def test_without_ground_truth_and_size_distinctness_is_unknown():
    evaluation = evaluate(random_points(18), None, 10, EvaluationSettings())
    assert evaluation.metrics["distinct_landmarks"] is None
    assert evaluation.metrics["size_px"] is None


def test_files_hold_the_numbers_and_what_they_mean(tmp_path):
    evaluation = evaluate(random_points(19, points=3), random_points(20), 10)
    write_evaluation(tmp_path / "stage2", evaluation)
    metrics = json.loads((tmp_path / "stage2" / "metrics.json").read_text())
    assert metrics == evaluation.metrics
    for key in (
        *("forward_nme", "backward_nme", "mean_shape_nme", "mean_landmark_nme", "distinct_landmarks", "normalizer"),
        *("num_landmarks", "num_true_points", "num_train_images", "num_test_images", "detection_rate"),
    ):
        assert metrics[key] is not None
    assert "the distance of true points 0 and 1" in metrics["definitions"]["forward_nme"]
    assert "lambda 0.001, 10 images" in metrics["definitions"]["forward_nme"]
    assert "0.03 of 100 pixels" in metrics["definitions"]["distinct_landmarks"]
    rows = (tmp_path / "stage2" / "forward_curve.csv").read_text().splitlines()
    assert rows[0] == "rank,point,nme_percent,cumulative_nme_percent"
    assert len(rows) == 5


def test_twice_the_same_gives_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        protocol = protocol_settings(EYES, regression_images=6)
        write_evaluation(tmp_path / name, evaluate(random_points(21), random_points(22), 10, protocol))
    for file in ("metrics.json", "forward_curve.csv", "backward_curve.csv"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"expected_points": 68}, "the protocol is for 68 true points an image, the ground truth has 4"),
        ({"points": (1, 4)}, "points 1, 4 can't be taken from 4 true points; valid: numbers from 0 to 3"),
        ({"points": (1, 1)}, "none twice"),
        ({"points": ()}, "points none can't be taken"),
        ({"normalizer": "36-45"}, "names point 45"),
        ({"normalizer": "box"}, "needs the samples' boxes"),
        ({"frame": "crop"}, "the samples have no crops"),
    ],
)
def test_settings_that_do_not_fit_the_truth_are_refused(changes, fault):
    with pytest.raises(UserError, match=fault):
        evaluate(random_points(23), random_points(24), 10, protocol_settings(EYES, **changes))


@pytest.mark.parametrize(("train", "missing"), [(0, "training"), (14, "test")])
def test_a_split_without_images_is_named(train, missing):
    with pytest.raises(UserError, match=f"no {missing} images among the 14"):
        evaluate(random_points(25), random_points(26), train)


def test_truth_that_lies_left_and_above_the_image_needs_a_size():
    with pytest.raises(UserError, match="the size of the images is unknown; give size_px"):
        evaluate(random_points(27), random_points(28) - 500, 10, EvaluationSettings(normalizer="0-1"))

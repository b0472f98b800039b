"""The evaluation as a whole, with detectors whose keypoints are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap.detector import DetectedKeypoints
from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.errors import UserError
from landmark_discovery.keypoint_evaluation.conditions import CONDITIONS, ImagePair, image_pairs
from landmark_discovery.keypoint_evaluation.evaluate import (
    HEADLINES,
    evaluate,
    evaluate_detectors,
    evaluate_parts,
    measure_pair,
    standard_error,
)
from landmark_discovery.keypoint_evaluation.features import SiftFeatures
from landmark_discovery.keypoint_evaluation.homographies import lie_inside, map_points
from landmark_discovery.keypoint_evaluation.image_sets import FaceCrops, Photographs

SETTINGS = KeypointEvaluationSettings(pairs_per_image=2)
SHIFT = np.array([[1.0, 0, 10], [0, 1, 0], [0, 0, 1]])


def keypoints(points, descriptors=None):
    places = np.array(points, dtype=float).reshape(-1, 2)
    described = np.eye(len(places)) if descriptors is None else descriptors
    return DetectedKeypoints(places, np.ones(len(places)), np.array(described, np.float32))


class Same:
    """Finds the same keypoints whatever it sees."""

    def __init__(self, *points):
        self.found = keypoints(points)
        self.seen = []

    def extract(self, grey):
        self.seen.append(grey.copy())
        return self.found


def textures(count, size=96):
    """Draw coarse noise."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (count, size // 6, size // 6))
    images = np.repeat(np.repeat(coarse, 6, axis=1), 6, axis=2).astype(np.uint8)
    return Photographs(images, np.arange(count))


def faces(*truth, people=None, size=100):
    names = people or [f"person {index}" for index in range(len(truth))]
    return FaceCrops(np.zeros((len(truth), size, size), np.uint8), np.array(truth, dtype=float), np.array(names))


def test_a_pair_by_hand():
    images = np.zeros((80, 100), np.uint8)
    first = keypoints([[10, 10], [30, 10], [50, 50], [70, 30], [95, 40]])
    # Shifted by 10 px, one of them 2 px and one 4 px off; (95, 40) has left the image, where it matches (99, 40).
    second = keypoints([[20, 10], [42, 10], [60, 54], [80, 30], [99, 40]])
    settings = SETTINGS.model_copy(update={"border_px": 0})
    figures = measure_pair(first, second, ImagePair(images, images, SHIFT), settings)
    assert figures["keypoints"] == 5
    assert figures["matches"] == 5
    # (99, 40) of the second lies in both images; nothing of the first is near it.
    assert figures["repeatability"] == pytest.approx((3 + 3) / (4 + 5))
    assert figures["match_precision"] == pytest.approx(3 / 4)
    assert [figures[f"mma_{px}px"] for px in (1, 3, 5)] == pytest.approx([2 / 5, 3 / 5, 4 / 5])
    # With a border of 4 px (99, 40) is none that a detector could find.
    kept = measure_pair(first, second, ImagePair(images, images, SHIFT), SETTINGS)
    assert kept["repeatability"] == pytest.approx((3 + 3) / (4 + 4))
    assert kept["match_precision"] == figures["match_precision"]


@given(seed=st.integers(0, 10_000), condition=st.sampled_from(sorted(CONDITIONS)))
def test_a_perfect_detector_without_a_limit_of_number_reaches_one(seed, condition):
    # Corners of a scene that reaches beyond both images, of which it finds all that keep away from an image's border.
    settings = SETTINGS.model_copy(update={"seed": seed})
    scene = np.random.default_rng(seed).uniform(-60, 140, (120, 2))
    pair = next(image_pairs(np.zeros((80, 100), np.uint8), condition, settings, 0))
    found = []
    for places in (scene, map_points(scene, pair.homography)):
        seen = lie_inside(places, pair.size_px, settings.border_px)
        found.append(keypoints(places[seen], np.eye(len(scene))[seen]))
    figures = measure_pair(*found, pair, settings)
    assert figures["repeatability"] == figures["match_precision"] == 1


def test_without_keypoints_shares_are_undefined_and_the_homography_is_lost():
    images, none = np.zeros((80, 100), np.uint8), keypoints([])
    figures = measure_pair(none, none, ImagePair(images, images, SHIFT), SETTINGS)
    assert np.isnan([figures[name] for name in ("repeatability", "match_precision", "mma_3px")]).all()
    assert figures["homography_auc_10px"] == figures["matches"] == figures["keypoints"] == 0


def test_a_detector_that_is_right_everywhere_has_perfect_figures_in_another_light():
    points = np.random.default_rng(0).uniform(0, 95, (30, 2))
    table = evaluate_detectors({"same": Same(*points)}, None, textures(3), SETTINGS).set_index("condition")
    light = table.loc["light"]
    assert (light["num_images"], light["num_pairs"], light["keypoints"], light["matches"]) == (3, 6, 30, 30)
    for name in HEADLINES:
        assert light[name] == pytest.approx(1, abs=1e-6)
        assert light[f"{name}_se"] == pytest.approx(0, abs=1e-6)
    # It doesn't follow what turns.
    assert table.loc["rotation", "repeatability"] < 0.7


def test_every_detector_sees_the_same_pairs_whoever_else_is_measured():
    one, other = Same([10, 10], [50, 60]), Same([30, 30])
    evaluate_detectors({"one": one, "other": other}, None, textures(2), SETTINGS)
    np.testing.assert_array_equal(one.seen, other.seen)
    # Each image, then its 1 + 2 + 2 pairs.
    assert len(one.seen) == 2 * (1 + 5)
    alone = Same([10, 10])
    evaluate_detectors({"alone": alone}, None, Photographs(textures(2).images[:1], np.zeros(1, int)), SETTINGS)
    np.testing.assert_array_equal(alone.seen, one.seen[:6])


def test_sift_finds_its_keypoints_again():
    table = evaluate_detectors({"sift": SiftFeatures(SETTINGS)}, None, textures(2, size=192), SETTINGS)
    assert list(table["condition"]) == ["rotation", "homography", "light"]
    assert np.all(table["repeatability"] > 0.5)
    assert np.all(table["match_precision"] > 0.8)
    assert np.all(table["homography_auc_10px"] > 0.8)


def test_averages_go_over_pairs_then_over_images_that_have_the_figure():
    class OnlyInBright(Same):
        def extract(self, grey):
            return super().extract(grey) if grey.mean() > 100 else keypoints([])

    images = np.stack([np.full((96, 96), value, np.uint8) for value in (0, 200, 200)])
    table = evaluate_detectors(
        {"it": OnlyInBright([47.5, 47.5])}, None, Photographs(images, np.arange(3)), SETTINGS
    ).set_index("condition")
    rotation = table.loc["rotation"]
    assert rotation["keypoints"] == pytest.approx(2 / 3)
    # The centre stays where it is.
    assert (rotation["repeatability"], rotation["repeatability_se"]) == (1, 0)


def test_faces_and_photographs_have_rows_of_their_own():
    extractors = {"one": Same([10, 10]), "other": Same([30, 30])}
    table = evaluate_detectors(extractors, faces([[10, 10]]), textures(1), SETTINGS)
    assert list(zip(table["images"], table["detector"], strict=True)) == [
        (kind, name) for kind in ("faces", "photographs") for name in ("one", "other") for _ in range(3)
    ]
    assert np.isnan(table["repeatability_se"]).all()


def test_no_images_are_refused():
    with pytest.raises(UserError, match="no images"):
        evaluate_detectors({"one": Same([10, 10])}, None, None, SETTINGS)


def test_parts_by_hand():
    # 4 px of 100: (10, 10) hits the only part of the first two faces, not that of the third; (80, 80) never does.
    table = evaluate_parts({"one": Same([10, 10], [80, 80])}, faces([[12, 10]], [[10, 7]], [[30, 30]]), SETTINGS)
    row = table.iloc[0]
    assert (row["detector"], row["num_images"], row["keypoints"]) == ("one", 3, 2)
    assert row["part_hit_share"] == pytest.approx((0.5 + 0.5 + 0) / 3)
    # Of the two other people one is hit.
    assert row["same_part_share"] == pytest.approx((0.25 + 0.25 + 0) / 3)
    assert row["same_part_share_se"] == pytest.approx(np.std([0.25, 0.25, 0], ddof=1) / np.sqrt(3))
    # 49 pixels lie within 4 px, of 92 x 92; of those around (10, 7) one is too near to the border.
    assert row["random_part_hit_share"] == pytest.approx((49 + 48 + 49) / 3 / 92**2)
    assert row["random_same_part_share"] < 0.001


def test_faces_without_truth_have_no_parts():
    blind = FaceCrops(np.zeros((1, 96, 96), np.uint8), None, np.array(["a"]))
    extractors = {"one": Same([10, 10])}
    with pytest.raises(UserError, match="no true points"):
        evaluate_parts(extractors, blind, SETTINGS)
    assert evaluate(extractors, blind, None, SETTINGS).parts is None
    assert evaluate(extractors, None, textures(1), SETTINGS).parts is None
    measured = evaluate(extractors, faces([[12, 10]]), None, SETTINGS)
    assert {"part_hit_share", "same_part_share"} <= set(measured.parts.columns)
    assert measured.settings == SETTINGS


def test_the_standard_error_of_single_images_is_the_ordinary_one():
    values = np.array([1.0, np.nan, 3.0, 7.0])
    expected = np.std([1, 3, 7], ddof=1) / np.sqrt(3)
    assert standard_error(values, np.array(["a", "b", "c", "d"])) == pytest.approx(expected)


def test_copies_of_an_image_leave_the_standard_error_as_it_is():
    values, groups = np.array([1.0, 3.0, 7.0]), np.arange(3)
    assert standard_error(np.repeat(values, 5), np.repeat(groups, 5)) == pytest.approx(standard_error(values, groups))
    assert np.isnan(standard_error(np.array([1.0, 2.0, np.nan]), np.array([4, 4, 5])))


def test_images_of_one_person_count_together():
    table = evaluate_parts(
        {"one": Same([10, 10])}, faces([[10, 10]], [[10, 10]], [[50, 50]], people=["a", "a", "b"]), SETTINGS
    )
    # 1 and 1 of a, 0 of b: deviations of 2/3 and -2/3 of two people.
    assert table.loc[0, "part_hit_share_se"] == pytest.approx(np.sqrt(2 * 2 * (2 / 3) ** 2) / 3)

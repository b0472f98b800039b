import numpy as np
import pytest
import torch

from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.keypoint_evaluation.features import SiftFeatures, SuperPointFeatures, within_budget
from landmark_discovery.models.superpoint import SuperPoint

SETTINGS = KeypointEvaluationSettings()


def changed(**settings):
    return SETTINGS.model_copy(update=settings)


def noise(size=96, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)


class GivenPoints(torch.nn.Module):
    """Stands for the network: high scores at given pixels, and one direction for each cell."""

    def __init__(self, points):
        super().__init__()
        self.points = points

    def forward(self, grey):
        rows, columns = grey.shape[-2] // 8, grey.shape[-1] // 8
        logits = torch.zeros(1, 65, rows, columns)
        logits[:, 64] = 20.0
        for x, y, logit in self.points:
            logits[0, 8 * (y % 8) + x % 8, y // 8, x // 8] = logit
        return logits, torch.ones(1, 256, rows, columns) / 16


def untrained():
    torch.manual_seed(0)
    return SuperPoint()


@pytest.fixture(params=["sift", "superpoint"])
def make_extractor(request):
    def make(settings):
        return SiftFeatures(settings) if request.param == "sift" else SuperPointFeatures(untrained(), settings)

    return make


def test_all_detectors_keep_the_same_budget(make_extractor):
    found = make_extractor(SETTINGS).extract(noise())
    few = make_extractor(changed(max_keypoints=7)).extract(noise())
    assert 7 < len(found) <= 100
    assert len(few) == 7
    np.testing.assert_array_equal(few.points, found.points[:7])
    distances = np.linalg.norm(found.points[:, None] - found.points, axis=2)[np.triu_indices(len(found), 1)]
    assert distances.min() >= 4
    assert np.all((found.points >= 4) & (found.points <= 91))
    assert np.all(np.diff(found.scores) <= 0)


def test_descriptors_have_length_one(make_extractor):
    descriptors = make_extractor(SETTINGS).extract(noise()).descriptors
    np.testing.assert_allclose(np.linalg.norm(descriptors, axis=1), 1, rtol=1e-5)
    assert descriptors.dtype == np.float32


def test_the_same_image_has_the_same_keypoints(make_extractor):
    extractor = make_extractor(SETTINGS)
    first, second = extractor.extract(noise()), extractor.extract(noise())
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.descriptors, second.descriptors)


def test_a_tiny_image_has_no_keypoint(make_extractor):
    found = make_extractor(SETTINGS).extract(noise(7))
    assert found.points.shape == (0, 2)
    assert len(found.scores) == len(found.descriptors) == 0


def test_superpoint_finds_the_peaks_of_its_scores_and_no_slopes():
    # The pixel beside the first peak scores more than the second one.
    network = GivenPoints([(20, 20, 25.0), (21, 20, 23.0), (40, 40, 21.0)])
    found = SuperPointFeatures(network, changed(min_distance_px=0, superpoint_threshold=0.1)).extract(noise(64))
    assert found.points.tolist() == [[20, 20], [40, 40]]


def test_superpoint_needs_more_than_its_threshold():
    network = GivenPoints([(20, 20, 25.0), (40, 40, 19.0)])
    extractor = SuperPointFeatures(network, changed(superpoint_threshold=0.5))
    assert extractor.extract(noise(64)).points.tolist() == [[20, 20]]


def test_the_budget_by_hand():
    points = np.array([[10.0, 10], [13, 10], [14, 10], [3.9, 20], [4, 20], [27, 20], [27.1, 20]])
    scores = np.array([1.0, 3, 2, 9, 4, 5, 8])
    # The border takes 3.9 and 27.1 of 32 pixels before they can suppress anything; (13, 10) suppresses its neighbours.
    assert within_budget(points, scores, (32, 32), SETTINGS).tolist() == [5, 4, 1]
    assert within_budget(points, scores, (32, 32), changed(max_keypoints=2)).tolist() == [5, 4]
    assert within_budget(points, scores, (32, 32), changed(border_px=0, min_distance_px=3)).tolist() == [3, 6, 1, 0]

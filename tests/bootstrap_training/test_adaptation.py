import numpy as np
import torch

from landmark_discovery.bootstrap_training.adaptation import adapted_score, label_photographs, strongest_points
from landmark_discovery.config.bootstrap_training import AdaptationSettings
from landmark_discovery.models.superpoint import SCORE_CHANNELS, SuperPoint

SETTINGS = AdaptationSettings(homographies=6, max_keypoints=5, batch_size=4)
CPU = torch.device("cpu")


class FindsBrightPixels(SuperPoint):
    """Score each pixel by its brightness alone."""

    def forward(self, grey):
        cells = torch.nn.functional.pixel_unshuffle(grey.float(), 8) * 20
        none = torch.full_like(cells[:, :1], 10.0)
        return torch.cat([cells, none], dim=1), cells


def dotted(*places, size_px=64):
    image = np.zeros((size_px, size_px), np.uint8)
    for x, y in places:
        image[y, x] = 255
    return image


def score_of(image, settings=SETTINGS):
    photograph = torch.from_numpy(image)[None, None].float() / 255
    return adapted_score(photograph, FindsBrightPixels(), settings, "float32", torch.Generator().manual_seed(0))


def test_what_every_warp_shows_is_brought_back_to_its_place():
    points = strongest_points(score_of(dotted((20, 30), (44, 33))), SETTINGS)
    assert {tuple(point) for point in points.tolist()} == {(20.0, 30.0), (44.0, 33.0)}


def test_one_warp_alone_gives_the_plain_score():
    alone = SETTINGS.model_copy(update={"homographies": 1})
    image = dotted((20, 30))
    score = score_of(image, alone)
    assert float(score[30, 20]) > 0.9
    assert float(score[:4].max()) == 0.0, "the margin, which warps would fill with black, counts nowhere"


def test_labels_are_padded_and_each_photograph_has_its_own():
    photographs = np.stack([dotted((20, 30)), dotted(), dotted((10, 40), (50, 20))])
    labels = label_photographs(photographs, FindsBrightPixels(), SETTINGS, "float32", 0, CPU)
    assert labels.shape == (3, 5, 2)
    assert [int((~np.isnan(one[:, 0])).sum()) for one in labels] == [1, 0, 2]
    alone = label_photographs(photographs[:1], FindsBrightPixels(), SETTINGS, "float32", 0, CPU)
    np.testing.assert_array_equal(labels[:1], alone)


def test_of_near_points_the_stronger_stays_and_the_strongest_come_first():
    score = torch.zeros(32, 32)
    score[10, 10], score[12, 12], score[20, 20], score[28, 4] = 0.5, 0.4, 0.9, 0.01
    points = strongest_points(score, AdaptationSettings(threshold=0.015, min_distance_px=4))
    assert points.tolist() == [[20.0, 20.0], [10.0, 10.0]]
    one = strongest_points(score, AdaptationSettings(threshold=0.015, max_keypoints=1))
    assert one.tolist() == [[20.0, 20.0]]


def test_the_fake_network_speaks_the_format_of_superpoint():
    logits, _ = FindsBrightPixels()(torch.zeros(1, 1, 16, 16))
    assert logits.shape == (1, SCORE_CHANNELS, 2, 2)

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from landmark_discovery.clustering.pseudo_groundtruth import Landmarker
from landmark_discovery.config.training import DetectionSettings, Stage2Settings
from landmark_discovery.errors import UserError
from landmark_discovery.heatmaps.shape_prior import ShapePrior
from landmark_discovery.inference.dataset import predict_landmarks
from landmark_discovery.training import prediction
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.prediction import predict_stage1, predict_stage2
from landmark_discovery.training.weights import build_network

GRID = 8


def random_images(count=3, mirrored=False):
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    whole = torch.tensor([[0.0, 0.0, 32.0, 32.0]]).expand(count, 4)
    shown = pixels[:, :, ::-1].copy() if mirrored else pixels
    return StoredImages(torch.from_numpy(shown), whole, torch.full((count, 2), 32.0))


def heatmaps(*peaks, channels=2):
    """Maps (channels, 8, 8) with values at (channel, x, y)."""
    maps = torch.zeros(channels, GRID, GRID)
    for channel, x, y, value in peaks:
        maps[channel, y, x] = value
    return maps


def network_that_gives(*maps):
    """Give these maps, the images' first and then those of their mirror images, whatever is shown."""
    return lambda _: (torch.stack(maps),)


def predict_with(network, images, flip_map, **settings):
    return predict_stage2(
        network,
        np.array(flip_map),
        images,
        np.arange(len(images)),
        Stage2Settings(**settings),
        size_px=32,
        precision="float32",
    )


def test_the_heatmaps_of_an_image_and_its_mirror_image_are_averaged():
    # In the mirror image landmark 0 is landmark 1, and column 3 is column 4.
    upright = heatmaps((0, 1, 2, 0.75), (0, 4, 5, 0.5), (1, 6, 0, 0.5))
    mirrored = heatmaps((1, 3, 5, 0.75), (0, 1, 0, 0.25))
    points, scores = predict_with(network_that_gives(upright, mirrored), random_images(1), [1, 0])
    assert points.tolist() == [[[4.0, 5.0], [6.0, 0.0]]]
    assert scores.tolist() == [[0.625, 0.375]]


def test_a_flip_map_that_is_not_one_to_one_reads_the_same_mirrored_channel_twice():
    upright = heatmaps((0, 1, 1, 0.5), (1, 1, 1, 0.5))
    mirrored = heatmaps((0, 0, 7, 0.75))
    points, _ = predict_with(network_that_gives(upright, mirrored), random_images(1), [0, 0])
    assert points.tolist() == [[[7.0, 7.0], [7.0, 7.0]]]


def test_a_landmark_without_a_mirror_image_is_read_from_the_upright_image_alone():
    upright = heatmaps((0, 1, 1, 0.5), (1, 6, 2, 0.25))
    mirrored = heatmaps((0, 0, 7, 0.9), (1, 0, 7, 0.9))
    points, scores = predict_with(network_that_gives(upright, mirrored), random_images(1), [-1, -1])
    assert points.tolist() == [[[1.0, 1.0], [6.0, 2.0]]]
    assert scores.tolist() == [[0.5, 0.25]]


def test_a_maximum_in_column_0_is_in_column_0():
    upright, mirrored = heatmaps((0, 0, 4, 1.0), (1, 7, 3, 1.0)), heatmaps((0, 7, 4, 1.0), (1, 0, 3, 1.0))
    points, _ = predict_with(network_that_gives(upright, mirrored), random_images(1), [0, 1])
    assert points.tolist() == [[[0.0, 4.0], [7.0, 3.0]]]


def test_a_landmark_between_two_cells_is_found_there_when_asked_for():
    upright = heatmaps((0, 2, 5, 0.75), (0, 3, 5, 0.75), (1, 4, 4, 1.0))
    network = network_that_gives(upright, upright.flip(2))
    points, _ = predict_with(network, random_images(1), [0, 1], subpixel=True)
    assert points.tolist() == [[[2.5, 5.0], [4.0, 4.0]]]
    whole, _ = predict_with(network, random_images(1), [0, 1], subpixel=False)
    assert whole[0, 0].tolist() == [2.0, 5.0]


@pytest.fixture
def tiny_network(tiny_config):
    torch.manual_seed(0)
    return build_network(tiny_config().model, 2, 3).eval()


def test_landmarks_of_the_mirror_image_are_the_mirrored_landmarks(tiny_network):
    points, scores = predict_with(tiny_network, random_images(), [2, 1, 0])
    again, again_scores = predict_with(tiny_network, random_images(mirrored=True), [2, 1, 0])
    np.testing.assert_array_equal(again[:, [2, 1, 0], 0], GRID - 1 - points[..., 0])
    np.testing.assert_array_equal(again[:, [2, 1, 0], 1], points[..., 1])
    np.testing.assert_allclose(again_scores[:, [2, 1, 0]], scores, atol=1e-5)


def test_batches_make_no_difference(tiny_network, monkeypatch):
    whole = predict_with(tiny_network, random_images(5), [0, 1, 2])
    monkeypatch.setattr(prediction, "BATCH", 2)
    one_by_one = predict_with(tiny_network, random_images(5), [0, 1, 2])
    np.testing.assert_array_equal(whole[0], one_by_one[0])
    assert whole[0].shape == (5, 3, 2)


class BrightestCell:
    """Find the brightest 4 x 4 pixels of each view, whatever their place; note how many views were seen."""

    def __init__(self):
        self.views = 0

    def __call__(self, views):
        self.views += len(views)
        return (torch.nn.functional.avg_pool2d(views.mean(dim=1, keepdim=True), 4),)


def bright_dot(x_px, y_px):
    """Give one black image of 64 pixels with a bright disc."""
    across, down = np.meshgrid(np.arange(64), np.arange(64))
    disc = 255 * np.exp(-((across - x_px) ** 2 + (down - y_px) ** 2) / 18)
    pixels = torch.from_numpy(disc.astype(np.uint8))[None, :, :, None].expand(1, 64, 64, 3).contiguous()
    return StoredImages(pixels, torch.tensor([[0.0, 0.0, 64.0, 64.0]]), torch.full((1, 2), 64.0))


def test_a_landmark_that_jumps_is_found_where_the_others_expect_it():
    """Landmark 0 has its highest peak at the left edge, and a lower one where it is expected: at its mean."""
    upright = heatmaps((0, 0, 7, 0.75), (0, 4, 4, 0.5), (1, 6, 2, 0.5))
    network, images = network_that_gives(upright, upright.flip(2)), random_images(1)
    prior = ShapePrior(torch.tensor([[4.0, 4.0], [6.0, 2.0]]), torch.zeros(4, 4), torch.ones(2))
    found = [
        predict_stage2(
            network,
            np.array([0, 1]),
            images,
            np.arange(1),
            Stage2Settings(),
            size_px=32,
            precision="float32",
            prior=shape,
        )
        for shape in (None, prior)
    ]
    assert [points[0, 0].tolist() for points, _ in found] == [[0.0, 7.0], [4.0, 4.0]]
    assert [scores[0].tolist() for _, scores in found] == [[0.75, 0.5], [0.5, 0.5]]


def test_a_shape_is_held_in_turned_views_as_in_the_plain_one():
    """Two equal dots: the one at (10, 6) is brighter, the one at (4, 11) is expected."""
    network, images = BrightestCell(), bright_dot(41.5, 25.5)
    images = replace(images, pixels=torch.maximum(images.pixels, (bright_dot(17.5, 45.5).pixels * 0.8).byte()))
    prior = ShapePrior(torch.tensor([[4.5, 10.5]]), torch.zeros(2, 2), torch.tensor([1.0]))
    settings = Stage2Settings(average_turned_views=True, subpixel=True)
    points, _ = predict_stage2(
        network, np.array([0]), images, np.arange(1), settings, size_px=64, precision="float32", prior=prior
    )
    np.testing.assert_allclose(points, [[[4.0, 11.0]]], atol=0.5)


def test_turned_and_scaled_views_agree_on_a_dot_and_come_back_to_its_place():
    network = BrightestCell()
    points, _ = predict_stage2(
        network,
        np.array([0]),
        bright_dot(41.5, 25.5),
        np.arange(1),
        Stage2Settings(average_turned_views=True, subpixel=True),
        size_px=64,
        precision="float32",
    )
    assert network.views == 10, "five views and their mirror images"
    np.testing.assert_allclose(points, [[[10.0, 6.0]]], atol=0.35)


def test_views_turn_as_far_one_way_as_the_other():
    """A network that finds the middle of the right edge in any view."""
    edge = heatmaps((0, 7, 3, 1.0), (0, 7, 4, 1.0), channels=1)
    settings = {"average_turned_views": True, "subpixel": True}
    points, _ = predict_with(network_that_gives(edge, edge.flip(2)), random_images(1), [0], **settings)
    factors = (1, math.cos(math.radians(12)), math.cos(math.radians(12)), 1 / 0.88, 1 / 1.12)
    np.testing.assert_allclose(points, [[[3.5 + 3.5 * np.mean(factors), 3.5]]], rtol=1e-5)


def detector_at(*cells):
    """A network of stage 1 that detects at cells (x, y, score) and describes each cell by its column."""

    def network(views):
        maps = heatmaps(*((0, *cell) for cell in cells), channels=1)
        scores = torch.logit(torch.stack([maps, maps.flip(2)]), eps=1e-6)
        return scores, torch.eye(GRID).view(1, GRID, 1, GRID).expand(len(views), GRID, GRID, GRID)

    return network


def landmarker_of(columns, threshold):
    """A landmarker whose landmark k is what stands in column columns[k]."""
    centroids = np.eye(GRID, dtype=np.float32)[columns]
    everything = np.arange(len(columns))
    return Landmarker(centroids=centroids, selected=everything, flip_map=everything, threshold=threshold)


def predict_first(network, landmarker):
    return predict_stage1(
        network,
        landmarker,
        random_images(1),
        np.array([0]),
        DetectionSettings(threshold=0.9),
        size_px=32,
        precision="float32",
    )


def test_stage_1_names_detections_by_the_nearest_centroid_and_leaves_the_others_out():
    points, scores = predict_first(detector_at((1, 4, 0.5), (6, 2, 0.75)), landmarker_of([6, 1, 3], 0.3))
    assert points[0, :2].tolist() == [[6.0, 2.0], [1.0, 4.0]]
    assert scores[0, :2].tolist() == pytest.approx([0.75, 0.5])
    assert np.isnan(points[0, 2]).all()
    assert np.isnan(scores[0, 2])


def test_stage_1_takes_the_threshold_that_belongs_to_its_weights():
    points, _ = predict_first(detector_at((1, 4, 0.5), (6, 2, 0.75)), landmarker_of([6, 1], 0.6))
    assert np.isfinite(points[0, 0]).all()
    assert np.isnan(points[0, 1]).all()


@pytest.fixture
def store(build_store):
    originals = list(np.random.default_rng(0).integers(0, 256, (2, 80, 90, 3), dtype=np.uint8))
    crops, windows = [(20, 10, 84, 74), (0, 0, 32, 64)], [(10, 10, 90, 80), (0, 0, 60, 80)]
    return build_store(originals, crops, windows, splits=["train", "test"])


def test_landmarks_are_given_in_the_pixels_of_the_originals(save_stage, store, tiny_config):
    config = tiny_config()
    predictions = predict_landmarks(store, save_stage(), 2, config)
    assert predictions.image.tolist() == ["0.png", "1.png"]
    assert predictions.split.tolist() == ["train", "test"]
    assert predictions.landmarks.shape == (2, 3, 2)
    # Crops of 64 x 64 and 32 x 64 pixels in 8 x 8 cells: their centres lie 8, or 4 and 8 pixels apart.
    cells = (predictions.landmarks - [[[23.5, 13.5]], [[1.5, 3.5]]]) / [[[8, 8]], [[4, 8]]]
    np.testing.assert_array_equal(cells, cells.round())
    assert cells.min() >= 0
    assert cells.max() <= 7


def test_stage_1_predicts_every_image_too(save_stage, store, tiny_config):
    config = tiny_config()
    facts = {"threshold": 0.2, "position_weight": 0.0}
    predictions = predict_landmarks(store, save_stage(1, **facts), 1, config)
    found = np.isfinite(predictions.landmarks).all(axis=2)
    assert found.any(axis=1).all()
    np.testing.assert_array_equal(np.isfinite(predictions.score), found)


def test_weights_of_the_other_stage_are_refused(save_stage, store, tiny_config):
    config = tiny_config()
    with pytest.raises(UserError, match="weights of stage 2; give those of stage 1"):
        predict_landmarks(store, save_stage(), 1, config)

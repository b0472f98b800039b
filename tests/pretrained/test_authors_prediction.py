"""Landmarks that the authors' files find, against their rules in plain loops (method, sections 1 to 5)."""

import numpy as np
import pytest
import torch

from landmark_discovery.config.training import Stage2Settings
from landmark_discovery.errors import UserError
from landmark_discovery.heatmaps.conventions import AUTHORS_PIXELS
from landmark_discovery.inference.dataset import predict_landmarks
from landmark_discovery.pretrained.convert import convert_checkpoint
from landmark_discovery.training.images import StoredImages, stored_images
from landmark_discovery.training.prediction import predict_stage2
from landmark_discovery.training.pseudo_groundtruth_export import compute_pseudo_groundtruth
from landmark_discovery.training.views import plain_views
from landmark_discovery.training.weights import save_weights

GRID, SIZE_PX, THRESHOLD = 8, 32, 0.15
CROPS = [(20, 10, 84, 58), (0, 0, 32, 64), (5, 6, 69, 70)]


@pytest.fixture
def store(build_store):
    originals = list(np.random.default_rng(0).integers(0, 256, (3, 80, 90, 3), dtype=np.uint8))
    return build_store(originals, CROPS)


@pytest.fixture
def converted(authors_file, small_model, tmp_path):
    """Convert a file of the authors'."""

    def convert(stage):
        path = tmp_path / f"stage{stage}.safetensors"
        save_weights(path, convert_checkpoint(authors_file(stage, num_landmarks=4), stage, 4, small_model, {}))
        return path

    return convert


@pytest.fixture
def maps_of(store, authors_file, small_model):
    """Give the network's maps of the store's crops and of their mirror images."""

    @torch.no_grad()
    def compute(stage):
        images = stored_images(store, torch.device("cpu"))
        views = images.views(torch.arange(len(store)), plain_views(images.crops, SIZE_PX))
        network = convert_checkpoint(authors_file(stage, num_landmarks=4), stage, 4, small_model, {}).network
        return [[maps.numpy() for maps in network(shown)] for shown in (views, views.flip(3))]

    return compute


def in_original(x, y, crop):
    """Undo x' = (x - crop_x_min) * size / (crop_x_max - crop_x_min) for a point of the grid, which lies at x' = 4 x."""
    x_min, y_min, x_max, y_max = crop
    return [4 * x * (x_max - x_min) / SIZE_PX + x_min, 4 * y * (y_max - y_min) / SIZE_PX + y_min]


def published_maximum(upright, mirrored, flips, landmark):
    """Find the highest cell of the average with the mirror image, shifted right by one, column 0 kept."""
    best, place = -np.inf, None
    for y in range(GRID):
        for x in range(GRID):
            turned_x = max(x - 1, 0)
            other = mirrored[flips[landmark], y, GRID - 1 - turned_x]
            value = (upright[landmark, y, x] + other) / np.float32(2)
            if value > best:
                best, place = value, (x, y)
    return best, place


def published_detections(scores):
    """List (score, x, y) over the threshold, highest first, without those whose 4 x 4 squares overlap by over 0.01."""
    probabilities = 1 / (1 + np.exp(-scores.astype(np.float64)))
    cells = [(probabilities[y, x], x, y) for y in range(GRID) for x in range(GRID) if probabilities[y, x] > THRESHOLD]
    kept = []
    for score, x, y in sorted(cells, reverse=True):
        overlaps = [max(0, 4 - abs(x - i)) * max(0, 4 - abs(y - j)) for _, i, j in kept]
        if all(shared / (2 * 16 - shared) <= 0.01 for shared in overlaps):
            kept.append((score, x, y))
    return kept


def published_descriptor(maps, x, y):
    """Read bilinearly half a cell to the upper left, zero outside, and normalise."""
    total = np.zeros(len(maps))
    for i in (y - 1, y):
        for j in (x - 1, x):
            if i >= 0 and j >= 0:
                total += maps[:, i, j] / 4
    return total / np.linalg.norm(total)


def published_landmarks(scores, maps, centroids):
    """Name each detection by the nearest centroid; of several of a name the nearest stays."""
    best = {}
    for score, x, y in published_detections(scores):
        distances = [np.sum((published_descriptor(maps, x, y) - centroid) ** 2) for centroid in centroids]
        name = int(np.argmin(distances))
        if name not in best or distances[name] < best[name][0]:
            best[name] = (distances[name], score, x, y)
    return best


def test_stage_1_finds_what_the_published_rules_find(converted, maps_of, store, tiny_config, authors_content):
    found = predict_landmarks(store, converted(1), 1, tiny_config())
    centroids = authors_content(1, num_landmarks=4)["centroid"]
    ((scores, maps), _), seen = maps_of(1), 0
    for image, crop in enumerate(CROPS):
        expected = published_landmarks(scores[image, 0], maps[image], centroids)
        seen += len(expected)
        for landmark in range(4):
            point, score = found.landmarks[image, landmark], found.score[image, landmark]
            if landmark in expected:
                _, best, x, y = expected[landmark]
                np.testing.assert_allclose(point, in_original(x, y, crop), atol=1e-9)
                assert score == pytest.approx(best, abs=1e-5)
            else:
                assert np.isnan([*point, score]).all()
    assert 4 < seen < 12, "some are found, and some are not"


def test_stage_2_finds_what_the_published_rules_find(converted, maps_of, store, tiny_config, authors_content):
    found = predict_landmarks(store, converted(2), 2, tiny_config())
    flips = authors_content(2, num_landmarks=4)["flipppingCorrespondance"]
    (upright,), (mirrored,) = maps_of(2)
    for image, crop in enumerate(CROPS):
        for landmark in range(4):
            best, place = published_maximum(upright[image], mirrored[image], flips, landmark)
            np.testing.assert_allclose(found.landmarks[image, landmark], in_original(*place, crop), atol=1e-9)
            assert found.score[image, landmark] == pytest.approx(best, abs=1e-5)


def predict_from(maps, flips, convention=AUTHORS_PIXELS):
    """Predict with a network that gives these maps (2, K, 8, 8) for an image and its mirror image."""
    image = StoredImages(
        torch.zeros(1, 32, 32, 3, dtype=torch.uint8), torch.tensor([[0.0, 0, 32, 32]]), torch.full((1, 2), 32.0)
    )
    return predict_stage2(
        lambda _: (torch.from_numpy(maps),),
        np.array(flips),
        image,
        np.array([0]),
        Stage2Settings(),
        size_px=SIZE_PX,
        precision="float32",
        convention=convention,
    )


@pytest.mark.parametrize("seed", range(20))
def test_maxima_in_any_column_are_those_of_the_plain_rule(seed):
    generator = np.random.default_rng(seed)
    maps = generator.normal(size=(2, 3, GRID, GRID)).astype(np.float32)
    maps[:, 0, :, 0] += 3 * (seed % 2)
    maps[1, :, :, GRID - 1] += 3 * (seed % 3)
    flips = generator.integers(0, 3, 3)
    points, scores = predict_from(maps, flips)
    for landmark in range(3):
        best, place = published_maximum(maps[0], maps[1], flips, landmark)
        assert tuple(points[0, landmark]) == place
        assert scores[0, landmark] == best


def test_column_0_of_the_turned_map_counts_twice_and_its_last_column_never():
    maps = np.zeros((2, 2, GRID, GRID), np.float32)
    maps[1, 0, 5, GRID - 1], maps[1, 1, 2, 0] = 0.5, 0.5
    maps[0, 0, 5, 1], maps[0, 1, 6, 3] = 0.25, 0.25
    points, scores = predict_from(maps, [0, 1])
    # The mirror image's last column, turned back, is column 0: it stays there, and moves into column 1 too.
    assert (points[0, 0].tolist(), scores[0, 0]) == ([1.0, 5.0], 0.375)
    assert (points[0, 1].tolist(), scores[0, 1]) == ([3.0, 6.0], 0.125)


@pytest.mark.parametrize("stage", [1, 2])
def test_the_configuration_changes_nothing_in_how_the_authors_files_are_read(converted, store, tiny_config, stage):
    weights = converted(stage)
    published = tiny_config(stage1={"detection": {"target_detections": None}})
    own = tiny_config(
        stage1={
            "detection": {
                "threshold": 0.9,
                "target_detections": 2,
                "nms_half_side_cells": 3,
                "nms_iou": 0.3,
                "max_detections": 1,
            }
        },
        stage2={"subpixel": True, "average_turned_views": True},
    )
    first, second = (predict_landmarks(store, weights, stage, config) for config in (published, own))
    np.testing.assert_array_equal(first.landmarks, second.landmarks)
    np.testing.assert_array_equal(first.score, second.score)


def test_training_on_the_authors_weights_is_refused(converted, store, tiny_config):
    with pytest.raises(UserError, match=r"follows the pixel convention 'authors', .*; use it for prediction alone"):
        compute_pseudo_groundtruth(store, converted(1), tiny_config())

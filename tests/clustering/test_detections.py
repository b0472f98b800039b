import dataclasses
import math

import numpy as np
import pytest
import torch

from landmark_discovery.clustering import detections
from landmark_discovery.clustering.detections import Detections, detect
from landmark_discovery.config.training import DetectionSettings
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.workers import Workers

GRID = 8
SIZE_PX = 4 * GRID


def images_with(*cells_of_images):
    """Black images, one store pixel a network pixel; red is 255 times the value at each given cell (x, y, value)."""
    pixels = torch.zeros(len(cells_of_images), SIZE_PX, SIZE_PX, 3, dtype=torch.uint8)
    for image, cells in enumerate(cells_of_images):
        for x, y, value in cells:
            pixels[image, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4, 0] = round(255 * value)
    whole = torch.tensor([[0.0, 0.0, SIZE_PX, SIZE_PX]]).expand(len(pixels), 4)
    return StoredImages(pixels, whole, torch.full((len(pixels), 2), float(SIZE_PX)))


def column_network(views):
    """Score each cell by its red; describe each cell by its column, as a vector with a single one."""
    red = torch.nn.functional.avg_pool2d(views[:, :1], 4)
    columns = torch.eye(GRID).view(1, GRID, 1, GRID).expand(len(views), GRID, GRID, GRID)
    return torch.logit(red, eps=1e-6), columns


def detect_in(images, indices=None, **settings):
    chosen = np.arange(len(images)) if indices is None else np.array(indices)
    return detect(
        column_network,
        images,
        chosen,
        DetectionSettings(**settings),
        size_px=SIZE_PX,
        precision="float32",
    )


def test_a_planted_peak_is_found_with_its_descriptor_and_that_of_its_mirrored_twin():
    found = detect_in(images_with([(2, 5, 0.8)]))
    assert found.point.tolist() == [[2.0, 5.0]]
    assert found.score[0] == pytest.approx(0.8)
    # Column 2 of 8 is column 5 of the mirror image.
    np.testing.assert_allclose(found.descriptor, np.eye(GRID)[[2]], atol=1e-6)
    np.testing.assert_allclose(found.flipped_descriptor, np.eye(GRID)[[5]], atol=1e-6)


def test_without_twins_the_mirror_image_isnt_looked_at_and_all_else_is_the_same():
    seen = []

    def network(views):
        seen.append(len(views))
        return column_network(views)

    images, settings = images_with([(2, 5, 0.8)], [(6, 1, 0.5)]), DetectionSettings()
    alone = detect(network, images, np.arange(2), settings, size_px=SIZE_PX, precision="float32", twins=False)
    both = detect_in(images)
    assert seen == [2]
    assert not alone.has_twins
    assert alone.flipped_descriptor.shape == (2, 0)
    for name in ("image", "point", "score", "descriptor"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(both, name))


def test_detections_are_the_same_bytes_in_the_same_order_however_many_threads_search():
    rng = np.random.default_rng(0)
    images = images_with(*([(*rng.integers(1, 7, 2), value) for value in rng.uniform(0.3, 1, 5)] for _ in range(70)))
    found = [detect_in(dataclasses.replace(images, workers=Workers(count))) for count in (1, 2, 5)]
    assert len(found[0]) > 100
    for name in ("image", "point", "score", "descriptor", "flipped_descriptor"):
        first, *others = (getattr(one, name).tobytes() for one in found)
        assert all(other == first for other in others), name


def test_a_peak_moves_a_quarter_cell_toward_its_larger_neighbour_and_so_does_its_twin():
    found = detect_in(images_with([(2, 5, 0.8), (3, 5, 0.5), (2, 4, 0.4)]))
    assert found.point.tolist() == [[2.25, 4.75]]
    length = math.hypot(0.75, 0.25)
    expected = np.zeros((2, GRID))
    expected[0, [2, 3]] = 0.75 / length, 0.25 / length
    expected[1, [5, 4]] = 0.75 / length, 0.25 / length
    both = np.concatenate([found.descriptor, found.flipped_descriptor])
    np.testing.assert_allclose(both, expected.astype(np.float16), atol=1e-5)


def test_of_two_peaks_within_three_cells_the_higher_stays():
    found = detect_in(images_with([(2, 4, 0.7), (5, 4, 0.9)]))
    assert found.point.tolist() == [[5.0, 4.0]]
    assert len(detect_in(images_with([(2, 4, 0.7), (6, 4, 0.9)]))) == 2


def test_scores_at_or_below_the_threshold_are_no_detections():
    images = images_with([(1, 1, 0.2), (6, 6, 0.8)])
    assert len(detect_in(images, threshold=0.1)) == 2
    assert detect_in(images, threshold=0.5).point.tolist() == [[6.0, 6.0]]


def test_where_the_threshold_is_chosen_afterwards_every_peak_is_a_candidate():
    found = detect_in(images_with([(1, 1, 0.02), (6, 6, 0.8)]), target_detections=5.0)
    assert found.point[found.score > 0.01].tolist() == [[6.0, 6.0], [1.0, 1.0]]


def test_the_strongest_detections_of_an_image_come_first_and_are_at_most_so_many():
    images = images_with([(1, 1, 0.3), (6, 1, 0.9), (1, 6, 0.5), (6, 6, 0.7)])
    np.testing.assert_allclose(detect_in(images).score, [0.9, 0.7, 0.5, 0.3], atol=1e-2)
    np.testing.assert_allclose(detect_in(images, max_detections=2).score, [0.9, 0.7], atol=1e-2)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_images_are_numbered_in_the_order_in_which_they_were_asked_for(batch_size, monkeypatch):
    monkeypatch.setattr(detections, "CPU_BATCH", batch_size)
    images = images_with([(1, 1, 0.9)], [(2, 2, 0.9)], [(3, 3, 0.9)], [], [(5, 5, 0.9)])
    found = detect_in(images, indices=[4, 3, 0, 2])
    assert found.image.tolist() == [0, 2, 3]
    assert found.point[:, 0].tolist() == [5.0, 1.0, 3.0]
    assert (found.num_images, found.grid_size) == (4, GRID)


def test_images_without_detections_give_empty_arrays_of_the_right_shape():
    found = detect_in(images_with([], []))
    assert len(found) == 0
    assert found.point.shape == (0, 2)
    assert found.descriptor.shape == found.flipped_descriptor.shape == (0, GRID)
    assert found.num_images == 2


def test_detections_are_those_of_the_crop():
    images = images_with([(2, 5, 0.8)])
    right_half = StoredImages(images.pixels, torch.tensor([[4.0, 8.0, 20.0, 24.0]]), images.stored_size)
    # 16 pixels are shown at 32: the square of pixels 8-11, 20-23 becomes that of pixels 8-15, 24-31, cells 2-3, 6-7.
    found = detect(column_network, right_half, np.array([0]), DetectionSettings(), size_px=SIZE_PX, precision="float32")
    assert len(found) == 1
    np.testing.assert_allclose(found.point[0], [2.5, 6.5], atol=0.5)


def some_detections():
    return Detections(
        image=np.array([0, 0, 2]),
        point=np.array([[0, 3], [7, 3], [2, 6]], dtype=np.float32),
        score=np.array([0.9, 0.5, 0.7], dtype=np.float32),
        descriptor=np.eye(3, dtype=np.float32),
        flipped_descriptor=np.eye(3, dtype=np.float32)[::-1].copy(),
        num_images=3,
        grid_size=GRID,
    )


def test_a_selection_keeps_rows_together_and_counts_all_images():
    chosen = some_detections().select(np.array([False, True, True]))
    assert chosen.image.tolist() == [0, 2]
    assert chosen.score.tolist() == pytest.approx([0.5, 0.7])
    assert chosen.descriptor.tolist() == [[0, 1, 0], [0, 0, 1]]
    assert (len(chosen), chosen.num_images, chosen.grid_size) == (2, 3, GRID)


def test_without_a_weight_the_place_is_no_feature():
    found = some_detections()
    assert found.features(0.0).shape == (3, 3)
    np.testing.assert_array_equal(found.flipped_features(0.0), found.flipped_descriptor)


def test_with_a_weight_of_1_a_whole_crop_apart_is_a_distance_of_1():
    features = some_detections().features(1.0)
    np.testing.assert_allclose(features[:, 3:], [[0, 3 / 8], [7 / 8, 3 / 8], [2 / 8, 6 / 8]])


def test_a_twin_stands_at_the_mirrored_place():
    features = some_detections().flipped_features(2.0)
    np.testing.assert_allclose(features[:, 3:], [[14 / 8, 6 / 8], [0, 6 / 8], [10 / 8, 12 / 8]])


def test_features_of_some_detections_are_those_rows_of_all():
    found = some_detections()
    for rows in (slice(1, 3), np.array([2, 0])):
        np.testing.assert_array_equal(found.features(2.0, rows), found.features(2.0)[rows])
        np.testing.assert_array_equal(found.flipped_features(2.0, rows), found.flipped_features(2.0)[rows])


def test_descriptors_are_kept_at_half_precision_and_clustered_in_float32():
    found = detect_in(images_with([(2, 5, 0.8)]))
    assert found.descriptor.dtype == found.flipped_descriptor.dtype == np.float16
    for weight in (0.0, 1.0):
        assert found.features(weight).dtype == found.flipped_features(weight).dtype == np.float32

import numpy as np
import pytest
import torch

from landmark_discovery.heatmaps.conventions import AUTHORS_PIXELS, CONVENTIONS, PIXEL_CENTRES
from landmark_discovery.heatmaps.descriptors import sample_descriptors

GRID = 8


def random_maps(channels, seed=0):
    return torch.randn(2, channels, GRID, GRID, generator=torch.Generator().manual_seed(seed))


def published_sample(maps, x, y):
    """Read descriptors (D, G, G) by the published formula: x / (W / 2) - 1 in -1..1, edge to edge, zero outside."""
    column, row = (((place / (GRID / 2) - 1) + 1) * GRID / 2 - 0.5 for place in (x, y))
    total = np.zeros(len(maps))
    for i in (int(np.floor(row)), int(np.floor(row)) + 1):
        for j in (int(np.floor(column)), int(np.floor(column)) + 1):
            if 0 <= i < GRID and 0 <= j < GRID:
                total += (1 - abs(row - i)) * (1 - abs(column - j)) * maps[:, i, j]
    return total / np.sqrt((total**2).sum())


def test_the_authors_descriptors_are_those_of_the_published_formula_in_every_cell():
    maps = random_maps(5)
    cells = torch.tensor([[x, y] for y in range(GRID) for x in range(GRID)], dtype=torch.float32).expand(2, -1, 2)
    sampled = sample_descriptors(maps, AUTHORS_PIXELS.to_centres(cells))
    for image in range(2):
        for (x, y), found in zip(cells[image].tolist(), sampled[image].numpy(), strict=True):
            np.testing.assert_allclose(found, published_sample(maps[image].numpy(), x, y), atol=1e-6)


def test_the_authors_mirror_images_come_back_one_column_to_the_right_and_column_0_stays():
    maps = random_maps(3).numpy()
    turned = AUTHORS_PIXELS.mirrored_back(torch.from_numpy(maps)).numpy()
    for x in range(GRID):
        source = GRID - 1 if x == 0 else GRID - x
        np.testing.assert_array_equal(turned[..., x], maps[..., source])


def test_pixel_centres_change_nothing():
    maps, points = random_maps(3), torch.rand(2, 5, 2) * GRID
    assert torch.equal(PIXEL_CENTRES.mirrored_back(maps), maps.flip(3))
    for kind in (points, points.numpy(), points.numpy().astype(np.float64)):
        for mapped in (PIXEL_CENTRES.to_centres(kind), PIXEL_CENTRES.from_centres(kind)):
            assert mapped.dtype == kind.dtype
            assert mapped.tolist() == kind.tolist()


def test_a_point_of_the_authors_lies_half_a_cell_to_the_upper_left():
    points = np.array([[3.0, 0.0], [np.nan, np.nan]], dtype=np.float32)
    centres = AUTHORS_PIXELS.to_centres(points)
    np.testing.assert_array_equal(centres, np.array([[2.5, -0.5], [np.nan, np.nan]], dtype=np.float32))
    np.testing.assert_array_equal(AUTHORS_PIXELS.from_centres(centres), points)


@pytest.mark.parametrize(("name", "convention"), [("pixel-centres", PIXEL_CENTRES), ("authors", AUTHORS_PIXELS)])
def test_conventions_are_found_by_the_name_that_files_have(name, convention):
    assert CONVENTIONS[name] == convention

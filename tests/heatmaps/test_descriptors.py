import pytest
import torch

from landmark_discovery.heatmaps.descriptors import sample_descriptors


def ramp(height, width):
    """Descriptors (x + 1, y + 1): what is read tells where it was read."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x + 1.0, y + 1.0])[None]


def position(descriptor):
    return (descriptor[..., 0] / descriptor[..., 1]).item()


def test_a_whole_number_reads_that_cell():
    sampled = sample_descriptors(ramp(6, 8), torch.tensor([[[5.0, 2.0]]]))
    torch.testing.assert_close(sampled[0, 0], torch.tensor([6.0, 3.0]) / (6**2 + 3**2) ** 0.5)


def test_between_two_cells_it_reads_their_mean():
    sampled = sample_descriptors(ramp(6, 8), torch.tensor([[[2.5, 1.0]]]))
    assert position(sampled) == pytest.approx(3.5 / 2)


def test_a_point_and_its_mirrored_twin_read_the_same_cell():
    maps = torch.rand(1, 4, 6, 8)
    points = torch.tensor([[[1.25, 3.75], [6.0, 0.25]]])
    twins = torch.stack([7 - points[..., 0], points[..., 1]], dim=-1)
    torch.testing.assert_close(sample_descriptors(maps, points), sample_descriptors(maps.flip(3), twins))


def test_descriptors_have_length_one():
    sampled = sample_descriptors(torch.rand(2, 5, 4, 4), torch.rand(2, 3, 2) * 3)
    torch.testing.assert_close(sampled.norm(dim=2), torch.ones(2, 3))


@pytest.mark.parametrize("size", [48, 64, 96, 128])
def test_a_quarter_of_a_cell_is_a_quarter_in_half_precision_too(size):
    maps = torch.zeros(1, 2, size, size, dtype=torch.bfloat16)
    maps[0, 0, :, -2], maps[0, 1, :, -1] = 1, 1
    descriptors = sample_descriptors(maps, torch.tensor([[[size - 2 + 0.25, 3.0]]]))
    expected = torch.tensor([0.75, 0.25]) / (0.75**2 + 0.25**2) ** 0.5
    torch.testing.assert_close(descriptors[0, 0], expected, atol=4e-3, rtol=0)

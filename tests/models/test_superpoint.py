import pytest
import torch

from landmark_discovery.models.superpoint import SuperPoint, score_map

SHAPES = {
    "conv1a": (64, 1, 3, 3),
    "conv1b": (64, 64, 3, 3),
    "conv2a": (64, 64, 3, 3),
    "conv2b": (64, 64, 3, 3),
    "conv3a": (128, 64, 3, 3),
    "conv3b": (128, 128, 3, 3),
    "conv4a": (128, 128, 3, 3),
    "conv4b": (128, 128, 3, 3),
    "convPa": (256, 128, 3, 3),
    "convPb": (65, 256, 1, 1),
    "convDa": (256, 128, 3, 3),
    "convDb": (256, 256, 1, 1),
}


def test_it_has_the_parameters_of_the_original_file():
    expected = {f"{name}.weight": shape for name, shape in SHAPES.items()}
    expected |= {f"{name}.bias": shape[:1] for name, shape in SHAPES.items()}
    network = SuperPoint()
    assert {name: tuple(value.shape) for name, value in network.state_dict().items()} == expected
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_300_865


@pytest.mark.parametrize(("height", "width", "rows", "columns"), [(16, 24, 2, 3), (23, 17, 2, 2), (8, 8, 1, 1)])
def test_a_cell_covers_eight_pixels_and_a_remainder_is_left_out(height, width, rows, columns):
    with torch.inference_mode():
        logits, descriptors = SuperPoint()(torch.rand(2, 1, height, width))
    assert logits.shape == (2, 65, rows, columns)
    assert descriptors.shape == (2, 256, rows, columns)


def test_descriptors_have_length_one():
    with torch.inference_mode():
        _, descriptors = SuperPoint()(torch.rand(1, 1, 16, 16))
    torch.testing.assert_close(descriptors.norm(dim=1), torch.ones(1, 2, 2))


def test_the_score_map_lays_each_cells_channels_out_in_rows():
    logits = torch.zeros(1, 65, 2, 3)
    logits[0, 8 * 3 + 5, 1, 2] = 10.0
    score = score_map(logits)[0]
    assert score.shape == (16, 24)
    # Cell (row 1, column 2), in it row 3 and column 5.
    assert divmod(int(score.argmax()), 24) == (8 * 1 + 3, 8 * 2 + 5)
    # Elsewhere all 65 channels tie.
    assert score[0, 0].item() == pytest.approx(1 / 65)


def test_the_last_channel_takes_the_probability_of_no_keypoint():
    logits = torch.zeros(1, 65, 1, 1)
    logits[0, 64] = 64.0
    assert score_map(logits).max().item() < 1e-20

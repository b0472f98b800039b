"""The authors' files in our network give what their layers give, spelled out one by one (method, section 3)."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from landmark_discovery.config.training import ModelSettings
from landmark_discovery.pretrained.convert import convert_checkpoint

FULL = ModelSettings(input_size_px=64)


class PlainLayers:
    """Compute the authors' network from the raw parameters of a file."""

    def __init__(self, state_dict, groups, depth):
        self.values = {name.removeprefix("module."): value for name, value in state_dict.items()}
        self.groups, self.depth = groups, depth

    def norm_relu(self, features, name):
        batch, channels, height, width = features.shape
        grouped = features.reshape(batch, self.groups, -1)
        mean, variance = grouped.mean(2, keepdim=True), grouped.var(2, keepdim=True, unbiased=False)
        normal = ((grouped - mean) / (variance + 1e-5).sqrt()).reshape(batch, channels, height, width)
        scaled = normal * self.values[f"{name}.weight"].view(-1, 1, 1) + self.values[f"{name}.bias"].view(-1, 1, 1)
        return scaled.clamp(min=0)

    def pointwise(self, features, name):
        mixed = torch.einsum("bchw,oc->bohw", features, self.values[f"{name}.weight"][:, :, 0, 0])
        bias = self.values.get(f"{name}.bias")
        return mixed if bias is None else mixed + bias.view(-1, 1, 1)

    def block(self, features, name):
        parts, last = [], features
        for number in (1, 2, 3):
            activated = self.norm_relu(last, f"{name}.bn{number}")
            last = F.conv2d(activated, self.values[f"{name}.conv{number}.weight"], padding=1)
            parts.append(last)
        if f"{name}.downsample.2.weight" in self.values:
            features = self.pointwise(self.norm_relu(features, f"{name}.downsample.0"), f"{name}.downsample.2")
        return torch.cat(parts, dim=1) + features

    def halved(self, features):
        rows = (features[..., ::2, :] + features[..., 1::2, :]) / 2
        return (rows[..., ::2] + rows[..., 1::2]) / 2

    def level(self, number, features):
        upper = self.block(features, f"m0.b1_{number}")
        lower = self.block(self.halved(features), f"m0.b2_{number}")
        lower = self.block(lower, "m0.b2_plus_1") if number == 1 else self.level(number - 1, lower)
        lower = self.block(lower, f"m0.b3_{number}")
        return upper + lower.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    def head(self, number, features):
        mixed = self.pointwise(self.block(features, f"top_m_{number}"), f"conv_last{number}")
        return self.pointwise(self.norm_relu(mixed, f"bn_end{number}"), f"l{number}")

    def __call__(self, images, stage):
        first = F.conv2d(images, self.values["conv1.weight"], self.values["conv1.bias"], stride=2, padding=3)
        features = self.halved(self.block(self.norm_relu(first, "bn1"), "conv2"))
        features = self.level(self.depth, self.block(self.block(features, "conv3"), "conv4"))
        return tuple(self.head(number, features) for number in ((0, 1) if stage == 1 else (1,)))


def random_images(size_px, count=2):
    return torch.rand(count, 3, size_px, size_px, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def both_outputs(path, content, stage, num_landmarks, model):
    """Give what our network makes of the file, and what the plain layers make of its content."""
    network = convert_checkpoint(path, stage, num_landmarks, model, {}).network
    images = random_images(model.input_size_px)
    plain = PlainLayers(content["state_dict"], model.norm_groups, model.depth)
    return network(images), plain(images, stage)


def test_a_file_of_the_published_network_holds_8396545_parameters(authors_content):
    parameters = authors_content(1, num_landmarks=10, model=FULL)["state_dict"]
    assert sum(value.numel() for value in parameters.values()) == 8_396_545


@pytest.mark.parametrize(("stage", "num_landmarks"), [(1, 10), (2, 30)])
def test_the_published_network_gives_what_its_layers_give(authors_file, authors_content, stage, num_landmarks):
    options = {"num_landmarks": num_landmarks, "model": FULL}
    path, content = authors_file(stage, **options), authors_content(stage, **options)
    ours, plain = both_outputs(path, content, stage, num_landmarks, FULL)
    channels = (1, 256) if stage == 1 else (30,)
    assert [tuple(maps.shape) for maps in ours] == [(2, count, 16, 16) for count in channels]
    for found, expected in zip(ours, plain, strict=True):
        assert expected.std() > 0.1, "nothing to compare"
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize("prefix", ["module.", ""])
@pytest.mark.parametrize("branches", [("b1", "b2", "b3", "b4"), ("b1", "b2", "b3")])
def test_small_networks_of_either_spelling_do_too(authors_file, authors_content, small_model, stage, prefix, branches):
    options = {"prefix": prefix, "branches": branches}
    ours, plain = both_outputs(authors_file(stage, **options), authors_content(stage, **options), stage, 3, small_model)
    for found, expected in zip(ours, plain, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("bn1.weight", "bn1.bias"),
        ("conv2.bn2.weight", "conv3.bn2.weight"),
        ("m0.b1_1.bn1.weight", "m0.b2_1.bn1.weight"),
        ("m0.b2_1.conv1.weight", "m0.b2_plus_1.conv1.weight"),
        ("top_m_0.bn1.bias", "top_m_1.bn1.bias"),
        ("bn_end0.weight", "bn_end1.weight"),
    ],
)
def test_two_parameters_that_changed_places_would_be_noticed(authors_file, authors_content, small_model, first, second):
    def swapped(content):
        state = dict(content["state_dict"])
        one, two = f"module.{first}", f"module.{second}"
        return content | {"state_dict": state | {one: state[two], two: state[one]}}

    ours, plain = both_outputs(authors_file(1, swapped), authors_content(1), 1, 3, small_model)
    assert max((found - expected).abs().max() for found, expected in zip(ours, plain, strict=True)) > 1e-2

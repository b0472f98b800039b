import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from landmark_discovery.models.hourglass import Block, Hourglass, HourglassNetwork
from landmark_discovery.models.layers import PlainLayers


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_paper_network_with_the_authors_unused_blocks_has_their_parameter_count():
    assert parameters(HourglassNetwork({0: 1, 1: 256}, unused_blocks=True)) == 8_396_545


def test_the_unused_blocks_are_four_blocks_and_nothing_else_differs():
    block = parameters(Block(256, 256, 32))
    assert block == 256 * 128 * 9 + 128 * 64 * 9 + 64 * 64 * 9 + 2 * (256 + 128 + 64)
    assert parameters(HourglassNetwork({0: 1, 1: 256})) == 8_396_545 - 4 * block


def test_parameter_names_and_shapes_are_those_of_the_authors_checkpoints():
    shapes = {
        name: tuple(value.shape)
        for name, value in HourglassNetwork({0: 1, 1: 256}, unused_blocks=True).state_dict().items()
    }
    expected = {
        "conv1.weight": (64, 3, 7, 7),
        "conv1.bias": (64,),
        "bn1.weight": (64,),
        "conv2.bn1.weight": (64,),
        "conv2.conv1.weight": (64, 64, 3, 3),
        "conv2.conv2.weight": (32, 64, 3, 3),
        "conv2.conv3.weight": (32, 32, 3, 3),
        "conv2.downsample.0.weight": (64,),
        "conv2.downsample.2.weight": (128, 64, 1, 1),
        "conv4.downsample.2.weight": (256, 128, 1, 1),
        "m0.b1_4.conv1.weight": (128, 256, 3, 3),
        "m0.b2_1.bn3.bias": (64,),
        "m0.b3_2.conv3.weight": (64, 64, 3, 3),
        "m0.b4_3.conv2.weight": (64, 128, 3, 3),
        "m0.b2_plus_1.conv1.weight": (128, 256, 3, 3),
        "top_m_0.conv1.weight": (128, 256, 3, 3),
        "conv_last0.bias": (256,),
        "bn_end0.weight": (256,),
        "l0.weight": (1, 256, 1, 1),
        "top_m_1.bn1.weight": (256,),
        "l1.weight": (256, 256, 1, 1),
        "l1.bias": (256,),
    }
    assert {name: shapes.get(name) for name in expected} == expected
    assert "conv3.downsample.2.weight" not in shapes, "equal channels need no shortcut convolution"
    assert not [name for name in shapes if name.endswith(("conv2.conv1.bias", "downsample.2.bias"))]


def test_maps_are_four_times_smaller_than_the_image_and_come_lowest_head_first():
    network = HourglassNetwork({1: 5, 0: 1}, width=16, depth=2, groups=2)
    detector, descriptor = network(torch.rand(2, 3, 32, 48))
    assert detector.shape == (2, 1, 8, 12)
    assert descriptor.shape == (2, 5, 8, 12)


def test_block_adds_its_input_to_the_three_concatenated_convolutions():
    block = Block(8, 8, 2)
    features = torch.rand(1, 8, 4, 4)
    with torch.no_grad():
        first = F.conv2d(F.relu(F.group_norm(features, 2)), block.conv1.weight, padding=1)
        second = F.conv2d(F.relu(F.group_norm(first, 2)), block.conv2.weight, padding=1)
        third = F.conv2d(F.relu(F.group_norm(second, 2)), block.conv3.weight, padding=1)
        torch.testing.assert_close(block(features), torch.cat([first, second, third], dim=1) + features)


def test_hourglass_of_depth_one_is_the_upper_branch_plus_the_pooled_lower_ones():
    hourglass = Hourglass(1, 8, 2)
    features = torch.rand(1, 8, 4, 4)
    lower = F.avg_pool2d(features, 2)
    for name in ("b2_1", "b2_plus_1", "b3_1"):
        lower = hourglass.get_submodule(name)(lower)
    expected = hourglass.get_submodule("b1_1")(features) + lower.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(hourglass(features), expected)


def test_heads_and_trunk_share_no_parameter_and_leave_none_out():
    network = HourglassNetwork({0: 1, 1: 4}, width=16, depth=1, groups=2)
    heads, trunk = network.head_parameters(), network.trunk_parameters()
    assert {id(p) for p in heads}.isdisjoint({id(p) for p in trunk})
    assert len(heads) + len(trunk) == len(list(network.parameters()))
    assert any(p is network.last_layer(1).weight for p in heads)


def test_one_batch_of_two_views_equals_two_passes():
    network = HourglassNetwork({0: 1}, width=16, depth=1, groups=2).eval()
    images = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        together = network(images)[0]
        apart = torch.cat([network(images[:1])[0], network(images[1:])[0]])
    torch.testing.assert_close(together, apart)


@pytest.mark.parametrize("training", [False, True])
def test_scores_of_an_evaluated_network_are_exact_and_all_else_is_rounded(training):
    network = HourglassNetwork({0: 1, 1: 16}, width=16, depth=1, groups=2).train(training)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        scores, descriptors = network(torch.rand(1, 3, 32, 32))
    assert scores.dtype == (torch.bfloat16 if training else torch.float32)
    assert descriptors.dtype == torch.bfloat16
    # Rounded to 8 binary digits, some of 64 scores would tie.
    assert training or not torch.equal(scores, scores.bfloat16().float())


def test_heatmaps_of_as_many_landmarks_as_the_network_is_wide_are_exact_too():
    network = HourglassNetwork({1: 16}, width=16, depth=1, groups=2).eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        (heatmaps,) = network(torch.rand(1, 3, 32, 32))
    assert heatmaps.dtype == torch.float32
    assert not torch.equal(heatmaps, heatmaps.bfloat16().float())


def test_other_layers_reach_every_part_of_a_network():
    class CountedLayers(PlainLayers):
        norms = 0

        def norm_relu(self, features, norm):
            self.norms += 1
            return super().norm_relu(features, norm)

    network, counted = HourglassNetwork({0: 1}, width=16, depth=1, groups=2), CountedLayers()
    images = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        (expected,) = network(images)
        network.use_layers(counted)
        assert torch.equal(network(images)[0], expected)
    assert counted.norms == sum(isinstance(module, torch.nn.GroupNorm) for module in network.modules())


def test_a_head_that_is_not_there_is_refused():
    with pytest.raises(AttributeError):
        HourglassNetwork({0: 1}, width=16, depth=1, groups=2).last_layer(1)

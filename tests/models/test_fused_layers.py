"""The Triton layers against plain PyTorch in float64: on a GPU the compiled kernels, elsewhere interpreted ones."""

import copy

import pytest
import torch
from torch import nn

from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.models.layers import PLAIN

pytest.importorskip("triton")
from landmark_discovery.models.fused import FusedLayers

LIMITS = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
both_precisions = pytest.mark.parametrize("dtype", LIMITS, ids=("float32", "bfloat16"))
# Images, height, width: an odd size, one image, one pixel, and a map that several programs share.
SIZES = [(3, 7, 5), (1, 6, 4), (2, 1, 1), (1, 33, 31)]
EVEN_SIZES = [(3, 6, 10), (1, 2, 2), (1, 34, 30)]


@pytest.fixture(autouse=True)
def exact_arithmetic(monkeypatch):
    """A GPU rounds convolutions to TF32 unless it is told not to."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def normal(shape, seed, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def features_of(size, channels, seed=0):
    images, height, width = size
    return normal((images, channels, height, width), seed)


def relative_error(found, expected):
    return ((found.double() - expected).norm() / expected.norm()).item()


def gradient_of(result, seed, dtype):
    """A random gradient, laid out as those of convolutions are."""
    gradient = normal(result.shape, seed, dtype).to(result.device, result.dtype)
    return gradient.contiguous(memory_format=torch.channels_last)


def outcome(layers, call, inputs, module, dtype):
    """Give the results, then the gradients of inputs and weights, when random gradients come in, rounded to `dtype`."""
    leaves = [value.detach().clone().requires_grad_() for value in inputs]
    with torch.autocast(leaves[0].device.type, torch.bfloat16, enabled=leaves[0].dtype == torch.bfloat16):
        results = call(layers, *leaves, *([] if module is None else [module]))
    results = results if isinstance(results, tuple) else (results,)
    weights = [] if module is None else list(module.parameters())
    incoming = [gradient_of(result, 100 + number, dtype) for number, result in enumerate(results)]
    return [*results, *torch.autograd.grad(results, [*leaves, *weights], incoming)]


def check(call, inputs, dtype, device, module=None, limit=None):
    """Compare a layer and all its gradients with plain PyTorch in float64, given the same rounded numbers."""
    inputs = [value.to(device, dtype) for value in inputs]
    module = None if module is None else module.to(device)
    exact_module = None if module is None else copy.deepcopy(module).double()
    found = outcome(FusedLayers(), call, inputs, module, dtype)
    expected = outcome(PLAIN, call, [value.double() for value in inputs], exact_module, dtype)
    errors = [relative_error(*pair) for pair in zip(found, expected, strict=True)]
    assert max(errors) < (limit or LIMITS[dtype]), errors


def norm_of(channels, groups):
    norm = nn.GroupNorm(groups, channels)
    with torch.no_grad():
        norm.weight.copy_(normal((channels,), 1))
        norm.bias.copy_(normal((channels,), 2))
    return norm


def convolution_of(inputs, outputs, dtype, **options):
    """A convolution whose weights `dtype` can hold."""
    convolution = nn.Conv2d(inputs, outputs, **options)
    with torch.no_grad():
        for number, parameter in enumerate(convolution.parameters()):
            parameter.copy_(normal(parameter.shape, 3 + number, dtype))
    return convolution


def norm_relu(layers, features, norm):
    return layers.norm_relu(features, norm)


@both_precisions
@pytest.mark.parametrize("size", SIZES)
def test_norm_and_relu_and_all_gradients_with_the_one_that_passes_by(size, dtype, kernel_device):
    check(norm_relu, [features_of(size, 64)], dtype, kernel_device, norm_of(64, 4))


@both_precisions
@pytest.mark.parametrize(("channels", "groups"), [(2, 2), (8, 1), (8, 8), (64, 32), (128, 4), (256, 2)])
def test_norms_of_any_groups(channels, groups, dtype, kernel_device):
    check(norm_relu, [features_of((2, 5, 3), channels)], dtype, kernel_device, norm_of(channels, groups))


def test_on_large_maps_programs_take_more_steps(kernel_device):
    check(norm_relu, [features_of((1, 92, 91), 64)], torch.float32, kernel_device, norm_of(64, 4))


def test_gradients_of_weights_add_up_over_more_images_than_are_added_at_a_time(kernel_device):
    check(norm_relu, [features_of((33, 1, 2), 4)], torch.float32, kernel_device, norm_of(4, 2))


@pytest.mark.parametrize("size", [(2, 7, 5), (1, 33, 31)])
def test_a_large_mean_costs_the_norm_no_precision(size, kernel_device):
    features = 1000 + features_of(size, 16)
    check(norm_relu, [features], torch.float32, kernel_device, norm_of(16, 4), limit=1e-4)


def test_a_norm_whose_result_nobody_needs_passes_the_other_gradient_on(kernel_device):
    features = features_of((2, 4, 4), 8).to(kernel_device).requires_grad_()
    _, same = FusedLayers().norm_relu(features, norm_of(8, 2).to(kernel_device))
    passed = normal((2, 8, 4, 4), 5).to(kernel_device)
    assert torch.equal(torch.autograd.grad(same, features, passed)[0], passed)


def test_a_norm_whose_features_go_nowhere_else_has_no_gradient_to_add(kernel_device):
    check(
        lambda layers, features, norm: layers.norm_relu(features, norm)[0],
        [features_of((2, 7, 5), 8)],
        torch.float32,
        kernel_device,
        norm_of(8, 2),
    )


def test_the_gradient_that_passes_by_may_be_channels_cut_out_of_others(kernel_device):
    def cut(layers, features, norm):
        activated, same = layers.norm_relu(features, norm)
        return layers.concatenate_add(
            same, activated[:, :4], activated[:, 4:], torch.zeros_like(same.repeat(1, 2, 1, 1))
        )

    check(cut, [features_of((2, 7, 5), 8)], torch.float32, kernel_device, norm_of(8, 2))


def test_the_layout_of_features_and_gradients_makes_no_difference(kernel_device):
    norm, outcomes = norm_of(8, 2).to(kernel_device), []
    for layout in (torch.contiguous_format, torch.channels_last):
        features = features_of((2, 7, 5), 8).to(kernel_device, memory_format=layout).requires_grad_()
        results = FusedLayers().norm_relu(features, norm)
        incoming = [normal(features.shape, seed).to(kernel_device, memory_format=layout) for seed in (5, 6)]
        outcomes.append([*results, *torch.autograd.grad(results, [features, *norm.parameters()], incoming)])
    for planes, pixels in zip(*outcomes, strict=True):
        assert torch.equal(planes, pixels)


@both_precisions
@pytest.mark.parametrize("size", SIZES)
def test_concatenation_plus_shortcut(size, dtype, kernel_device):
    parts = [features_of(size, channels, seed) for seed, channels in enumerate((8, 4, 4, 16))]
    check(lambda layers, *inputs: layers.concatenate_add(*inputs), parts, dtype, kernel_device)


@both_precisions
@pytest.mark.parametrize("size", EVEN_SIZES)
def test_pooling_with_the_gradient_that_passes_by(size, dtype, kernel_device):
    check(lambda layers, features: layers.average_pool(features), [features_of(size, 8)], dtype, kernel_device)


def test_pooling_whose_features_go_nowhere_else(kernel_device):
    check(
        lambda layers, features: layers.average_pool(features)[0],
        [features_of((2, 4, 6), 8)],
        torch.float32,
        kernel_device,
    )


@pytest.mark.parametrize(("height", "width"), [(7, 6), (6, 5), (1, 1)])
def test_odd_sizes_can_not_be_halved(height, width, kernel_device):
    with pytest.raises(ValueError, match=f"{width} x {height} pixels can't be halved; give even sizes"):
        FusedLayers().average_pool(torch.zeros(1, 8, height, width, device=kernel_device))


@both_precisions
@pytest.mark.parametrize(("images", "height", "width"), EVEN_SIZES)
def test_upsampling_plus_the_upper_branch(images, height, width, dtype, kernel_device):
    upper, lower = features_of((images, height, width), 8), features_of((images, height // 2, width // 2), 8, seed=1)
    check(lambda layers, *inputs: layers.upsample_add(*inputs), [upper, lower], dtype, kernel_device)


@both_precisions
@pytest.mark.parametrize("size", SIZES)
def test_a_pointwise_convolution(size, dtype, kernel_device):
    def pointwise(layers, features, convolution):
        return layers.pointwise(features, convolution)

    check(pointwise, [features_of(size, 16)], dtype, kernel_device, convolution_of(16, 12, dtype, kernel_size=1))


@both_precisions
@pytest.mark.parametrize("size", [(2, 16, 12), (1, 9, 7)])
def test_the_first_convolution_with_its_bias_in_a_channel_of_ones(size, dtype, kernel_device):
    def stem(layers, images, convolution):
        return layers.stem(images, convolution)

    convolution = convolution_of(3, 8, dtype, kernel_size=7, stride=2, padding=3)
    check(stem, [features_of(size, 3)], dtype, kernel_device, convolution)


@pytest.mark.parametrize("layer", ["stem", "pointwise"])
def test_a_convolution_without_a_bias_is_refused(layer, kernel_device):
    convolution = nn.Conv2d(4, 4, 1, bias=False).to(kernel_device)
    with pytest.raises(ValueError, match="bias"):
        getattr(FusedLayers(), layer)(torch.zeros(1, 4, 2, 2, device=kernel_device), convolution)


def test_a_whole_network_gives_the_plain_networks_maps_and_gradients(kernel_device):
    torch.manual_seed(0)
    network = HourglassNetwork({0: 1, 1: 8}, width=32, depth=2, groups=4).to(kernel_device)
    exact = copy.deepcopy(network).double()
    network.use_layers(FusedLayers())
    images = normal((2, 3, 32, 32), 9).to(kernel_device)
    found, expected = network(images), exact(images.double())
    incoming = [normal(maps.shape, 10).to(kernel_device) for maps in found]
    torch.autograd.backward(found, incoming)
    torch.autograd.backward(expected, [gradient.double() for gradient in incoming])
    errors = {f"head {number}": relative_error(*pair) for number, pair in enumerate(zip(found, expected, strict=True))}
    for (name, own), reference in zip(network.named_parameters(), exact.parameters(), strict=True):
        errors[name] = relative_error(own.grad, reference.grad)
    assert max(errors.values()) < 1e-5, errors


def test_a_whole_network_in_bfloat16_is_no_less_exact_than_the_plain_one(kernel_device):
    torch.manual_seed(0)
    plain = HourglassNetwork({0: 1, 1: 8}, width=32, depth=2, groups=4).to(kernel_device)
    fused, exact = copy.deepcopy(plain), copy.deepcopy(plain).double()
    fused.use_layers(FusedLayers())
    images = normal((2, 3, 32, 32), 9).to(kernel_device)
    expected = exact(images.double())
    with torch.autocast(kernel_device.type, torch.bfloat16):
        found = {"fused": fused(images), "plain": plain(images)}
    errors = {
        kind: [relative_error(*pair) for pair in zip(maps, expected, strict=True)] for kind, maps in found.items()
    }
    assert max(errors["fused"]) < 1.5 * max(errors["plain"]), errors

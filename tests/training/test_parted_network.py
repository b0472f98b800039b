"""A batch that is shared out among threads gives what one thread gives for all of it."""

import copy

import pytest
import torch

from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.colour import draw_colour_change
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.parameters import TrainedParameters
from landmark_discovery.training.randomness import Randomness, generator_on
from landmark_discovery.training.runtime import arithmetic
from landmark_discovery.training.views import random_views
from landmark_discovery.training.workers import Workers

CPU = torch.device("cpu")
IMAGES = 5


def images(count=IMAGES):
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def parameters_of(network, workers):
    return TrainedParameters(copy.deepcopy(network), "float32", Workers(workers))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return HourglassNetwork({0: 1, 1: 8}, width=16, depth=1, groups=2)


def gradients(parameters, shown):
    maps = parameters.forward(shown)
    # Differs between images and maps, so that a part that took another's place would show.
    weights = torch.arange(1.0, 1 + len(shown)).view(-1, 1, 1, 1)
    loss = sum((number + 1) * (weights * one.square()).mean() for number, one in enumerate(maps))
    loss.backward()
    return [one.detach() for one in maps], [values.grad for values in parameters.all()]


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_maps_and_gradients_are_those_of_the_whole_batch(network, workers):
    maps, expected = gradients(parameters_of(network, 1), images())
    parted_maps, found = gradients(parameters_of(network, workers), images())
    for own, whole in zip(parted_maps, maps, strict=True):
        torch.testing.assert_close(own, whole, rtol=1e-5, atol=1e-6)
    for own, whole in zip(found, expected, strict=True):
        torch.testing.assert_close(own, whole, rtol=1e-4, atol=1e-6)


def test_gradients_agree_with_finite_differences_in_double_precision():
    torch.manual_seed(0)
    network = HourglassNetwork({1: 2}, width=16, depth=1, groups=2).double()
    parameters = parameters_of(network, 2)
    shown = images(2).double()[:, :, :16, :16]

    def loss():
        return parameters.forward(shown)[0].square().sum()

    loss().backward()
    step = 1e-6
    for values in parameters.all():
        for place in (0, len(values) // 2, len(values) - 1):
            with torch.no_grad():
                values[place] += step
                above = loss()
                values[place] -= 2 * step
                below = loss()
                values[place] += step
            assert float(values.grad[place]) == pytest.approx(float(above - below) / (2 * step), rel=1e-4, abs=1e-6)


def test_a_part_has_the_bytes_of_its_images_alone(network):
    with arithmetic("float32", CPU):
        parted = [one.detach() for one in parameters_of(network, 2).forward(images())]
        alone = [parameters_of(network, 1).forward(part) for part in (images()[:2], images()[2:])]
    for whole, *parts in zip(parted, *alone, strict=True):
        assert torch.equal(whole, torch.cat(parts))


def test_the_same_parts_give_the_same_bytes_again(network):
    first, second = (gradients(parameters_of(network, 3), images()) for _ in range(2))
    for one, other in zip((*first[0], *first[1]), (*second[0], *second[1]), strict=True):
        assert torch.equal(one, other)


def test_new_weights_count_in_the_next_step(network):
    parameters = parameters_of(network, 2)
    before, _ = gradients(parameters, images())
    with torch.no_grad():
        for values in parameters.all():
            values.mul_(0.5)
    after, _ = gradients(parameters, images())
    expected, _ = gradients(parameters_of(parameters.network, 1), images())
    assert not torch.allclose(before[0], after[0])
    torch.testing.assert_close(after, expected, rtol=1e-5, atol=1e-6)


def test_an_error_in_a_part_reaches_the_caller(network):
    with pytest.raises(RuntimeError, match="channels"):
        parameters_of(network, 2).forward(images()[:, :2])


def test_views_have_the_same_bytes_however_many_make_them(stored, tiny_config):
    settings, indices = tiny_config().augmentation, torch.arange(IMAGES)

    def views(workers):
        own = StoredImages(stored.pixels, stored.crops, stored.stored_size, workers=Workers(workers))
        randomness = Randomness(generator_on(CPU, 0))
        geometry = random_views(own.crops[indices], own.stored_size[indices], 32, settings, randomness)
        change = draw_colour_change(IMAGES, settings, randomness)
        return own.views_of(own.read(indices), indices, geometry, change)

    assert torch.equal(views(1), views(2))
    assert torch.equal(views(1), views(4))

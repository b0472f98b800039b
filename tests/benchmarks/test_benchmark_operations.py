import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.operations import Work, count_work, stage1_work
from landmark_discovery.config.training import ModelSettings
from landmark_discovery.training.weights import build_network

SMALL = ModelSettings(input_size_px=32, width=32, depth=2, norm_groups=4, descriptor_dim=16)


def test_one_convolution_by_hand():
    # 8 x 8 pixels, each of 4 outputs from 3 x 3 pixels of 3 channels: 27 multiplications and additions.
    work = count_work(nn.Conv2d(3, 4, 3, padding=1), torch.zeros(1, 3, 8, 8))
    forward = 2 * 27 * 4 * 64
    # It is the first, so that only the gradient of its weights is computed, from its input and that of its output.
    assert work == Work(forward, forward, 3 * 64 + 4 * 64, 3 * 64 + 4 * 64)


def test_strides_and_groups_count_as_what_they_leave():
    # 4 x 4 pixels of 6 outputs, each from 1 of 3 channels and 3 x 3 pixels.
    work = count_work(nn.Conv2d(3, 6, 3, padding=1, stride=2, groups=3), torch.zeros(1, 3, 8, 8))
    assert work.forward_operations == 2 * 9 * 6 * 16


def test_a_second_convolution_also_has_the_gradient_of_its_input():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 2, 1))
    work = count_work(network, torch.zeros(1, 3, 5, 5))
    first, second = 2 * 3 * 4 * 25, 2 * 4 * 2 * 25
    assert work.forward_operations == first + second
    assert work.operations == 2 * first + 3 * second
    # Numbers in and out: 3 and 4 of the first, 4 and 2 of the second, at 25 pixels; thrice, but for the first twice.
    assert work.values == 25 * (2 * 7 + 3 * 6)


def test_the_whole_network_as_another_counter_counts_it():
    network = build_network(SMALL, 1, 1)
    with FlopCounterMode(display=False) as counter:
        maps = network(torch.zeros(1, 3, 32, 32))
        forward = counter.get_total_flops()
        sum(part.sum() for part in maps).backward()
    work = stage1_work(SMALL)
    assert work.forward_operations == forward
    assert work.operations == counter.get_total_flops()


def test_counting_leaves_no_hook_behind():
    network = nn.Sequential(nn.Conv2d(3, 4, 1))
    count_work(network, torch.zeros(1, 3, 5, 5))
    assert not network[0]._forward_hooks

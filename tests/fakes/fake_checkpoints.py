"""What stands in the authors' pretrained files (method, section 3), with random weights."""

import numpy as np
import torch

from landmark_discovery.config.training import ModelSettings

# A network of milliseconds: maps of 8 x 8 cells.
SMALL = ModelSettings(input_size_px=32, width=16, depth=1, norm_groups=2, descriptor_dim=8)
BRANCHES = ("b1", "b2", "b3", "b4")


def norm_shapes(name, channels):
    return {f"{name}.weight": (channels,), f"{name}.bias": (channels,)}


def block_shapes(name, inputs, outputs):
    half, quarter = outputs // 2, outputs // 4
    shapes = norm_shapes(f"{name}.bn1", inputs) | {f"{name}.conv1.weight": (half, inputs, 3, 3)}
    shapes |= norm_shapes(f"{name}.bn2", half) | {f"{name}.conv2.weight": (quarter, half, 3, 3)}
    shapes |= norm_shapes(f"{name}.bn3", quarter) | {f"{name}.conv3.weight": (quarter, quarter, 3, 3)}
    if inputs != outputs:
        shapes |= norm_shapes(f"{name}.downsample.0", inputs)
        shapes |= {f"{name}.downsample.2.weight": (outputs, inputs, 1, 1)}
    return shapes


def head_shapes(number, width, channels):
    shapes = block_shapes(f"top_m_{number}", width, width) | norm_shapes(f"bn_end{number}", width)
    shapes |= {f"conv_last{number}.weight": (width, width, 1, 1), f"conv_last{number}.bias": (width,)}
    return shapes | {f"l{number}.weight": (channels, width, 1, 1), f"l{number}.bias": (channels,)}


def network_shapes(width, depth, heads, branches):
    """Spell out the authors' parameters (method, section 3)."""
    shapes = {"conv1.weight": (width // 4, 3, 7, 7), "conv1.bias": (width // 4,)} | norm_shapes("bn1", width // 4)
    shapes |= block_shapes("conv2", width // 4, width // 2) | block_shapes("conv3", width // 2, width // 2)
    shapes |= block_shapes("conv4", width // 2, width) | block_shapes("m0.b2_plus_1", width, width)
    for level in range(1, depth + 1):
        for branch in branches:
            shapes |= block_shapes(f"m0.{branch}_{level}", width, width)
    for number, channels in heads.items():
        shapes |= head_shapes(number, width, channels)
    return shapes


def random_parameters(shapes, seed=0):
    """Draw weights that keep the size of what flows through, and norms whose parts all differ."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=generator)
        is_norm = len(shape) == 1
        state[name] = (0.3 * values + name.endswith("weight")) if is_norm else values / values[0].numel() ** 0.5
    return state


def authors_checkpoint(stage, num_landmarks=3, model=SMALL, branches=BRANCHES, prefix="module."):
    """Make what stands in one of the authors' files, with random weights."""
    heads = {0: 1, 1: model.descriptor_dim if stage == 1 else num_landmarks}
    parameters = random_parameters(network_shapes(model.width, model.depth, heads, branches))
    content = {
        "state_dict": {prefix + name: value for name, value in parameters.items()},
        "optimizer": {"state": {0: {"step": 7, "square_avg": torch.ones(2)}}, "param_groups": [{"lr": 1e-4}]},
        "iteration": 200_000,
    }
    generator = np.random.default_rng(0)
    if stage == 1:
        return content | {"centroid": generator.normal(size=(num_landmarks, heads[1])).astype(np.float32)}
    flips = generator.integers(0, num_landmarks, num_landmarks)
    return content | {"schedualer": {"last_epoch": 3}, "flipppingCorrespondance": flips}

"""Networks that stand for SuperPoint's, and files of its weights."""

import torch
from torch import nn

from landmark_discovery.models.superpoint import SuperPoint


class GivenPoints(nn.Module):
    """Stands for the network: a score of nearly 1 at given pixels, and a direction for each cell."""

    def __init__(self, points):
        super().__init__()
        self.points = points
        self.seen = None

    def forward(self, grey):
        self.seen = grey
        rows, columns = grey.shape[-2] // 8, grey.shape[-1] // 8
        logits = torch.zeros(1, 65, rows, columns)
        logits[:, 64] = 20.0
        for x, y, logit in self.points:
            logits[0, 8 * (y % 8) + x % 8, y // 8, x // 8] = logit
        descriptors = torch.zeros(1, 256, rows, columns)
        for row in range(rows):
            for column in range(columns):
                descriptors[0, (row * columns + column) % 256, row, column] = 1.0
        return logits, descriptors


def random_parameters(seed=0):
    """Draw parameters of SuperPoint's names and shapes, large enough that its maps differ from place to place."""
    generator = torch.Generator().manual_seed(seed)
    parameters = {}
    for name, value in SuperPoint().state_dict().items():
        deviation = (2 / value[0].numel()) ** 0.5 if name.endswith("weight") else 0.1
        parameters[name] = torch.randn(value.shape, generator=generator) * deviation
    return parameters

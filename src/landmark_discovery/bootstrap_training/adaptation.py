"""Homographic adaptation: a detector labels photographs (DeTone, Malisiewicz, Rabinovich 2018, section 5).

What it finds again and again on warps of a photograph is a keypoint of that photograph.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.nn import functional
from tqdm import tqdm

from landmark_discovery.bootstrap_training.homographies import draw_homographies, seen_pixels, warp_images
from landmark_discovery.bootstrap_training.networks import on_device, reduced_precision
from landmark_discovery.config.bootstrap_training import AdaptationSettings
from landmark_discovery.models.superpoint import CELL_PX, SuperPoint, score_map
from landmark_discovery.training.randomness import generator_on

# Streams of the seed before it are the trainings'.
FIRST_STREAM = 2


def label_photographs(
    photographs: NDArray[np.uint8],
    network: SuperPoint,
    settings: AdaptationSettings,
    precision: str,
    seed: int,
    device: torch.device,
) -> NDArray[np.float32]:
    """Find the keypoints of photographs.

    Args:
        photographs: grey, (N, S, S); S divisible by 8.
        network: a trained detector.
        settings: of the adaptation.
        precision: of the network.
        seed: of the warps; those of a photograph depend on nothing else than it and its number.
        device: where the network runs.

    Returns:
        (N, P, 2) in pixels, the surest first, NaN beyond a photograph's last.
    """
    on_device(network, device).eval()
    labels = torch.full((len(photographs), settings.max_keypoints, 2), torch.nan)
    for number, photograph in enumerate(tqdm(photographs, "homographic adaptation", unit="photograph")):
        image = torch.from_numpy(photograph).to(device)[None, None].float() / 255
        score = adapted_score(
            image, network, settings, precision, generator_on(device, seed, stream=FIRST_STREAM + number)
        )
        points = strongest_points(score, settings)
        labels[number, : len(points)] = points.cpu()
    found: NDArray[np.float32] = labels.numpy()
    return found


@torch.inference_mode()
def adapted_score(
    image: Tensor, network: SuperPoint, settings: AdaptationSettings, precision: str, generator: Generator
) -> Tensor:
    """Average the scores of an image (1, 1, S, S) over warps, at every pixel over those that show it: (S, S)."""
    size_px = image.shape[-1]
    maps = draw_homographies(settings.homographies, size_px, size_px, settings.homography, generator)
    maps[0] = torch.eye(3, device=maps.device)
    total = torch.zeros(size_px, size_px, device=image.device)
    count = torch.zeros_like(total)
    for part in torch.split(maps, settings.batch_size):
        views = warp_images(image.expand(len(part), -1, -1, -1), part, size_px)
        with reduced_precision(precision, image.device):
            logits, _ = network(views.contiguous(memory_format=torch.channels_last))
        back = torch.linalg.inv(part)
        # A score near the edge of a warp comes from its black surroundings.
        sound = seen_pixels(part, size_px, size_px, margin_px=CELL_PX // 2)[:, None].float()
        scores = score_map(logits.float())[:, None] * sound
        both = warp_images(torch.cat([scores, sound], dim=1), back, size_px)
        total += both[:, 0].sum(dim=0)
        count += both[:, 1].sum(dim=0)
    # Where few warps look, their word counts less.
    return total / count.clamp(min=settings.homographies / 4)


def strongest_points(score: Tensor, settings: AdaptationSettings) -> Tensor:
    """List the strongest keypoints of a score map (S, S) that keep their distance: (n, 2) in pixels, surest first."""
    side = 2 * settings.min_distance_px + 1
    highest = functional.max_pool2d(score[None, None], side, stride=1, padding=settings.min_distance_px)[0, 0]
    rows, columns = torch.nonzero((score == highest) & (score > settings.threshold), as_tuple=True)
    order = torch.argsort(score[rows, columns], descending=True, stable=True)[: settings.max_keypoints]
    return torch.stack([columns[order], rows[order]], dim=-1).float()

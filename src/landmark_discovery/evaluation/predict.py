"""Landmarks of both stages, predicted in original image pixels (method, section 5)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from landmark_discovery.clustering.detections import detect
from landmark_discovery.clustering.pseudo_groundtruth import Landmarker, name_detections
from landmark_discovery.config.schema import Config
from landmark_discovery.config.training import DetectionSettings
from landmark_discovery.data.store import ImageStore
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.heatmaps.peaks import highest_points
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.acceleration import accelerated, use_fused_layers
from landmark_discovery.training.coordinates import grid_to_image
from landmark_discovery.training.images import StoredImages, stored_images
from landmark_discovery.training.runs import fixed_threshold, landmarker_of
from landmark_discovery.training.runtime import arithmetic, autocast, choose_device
from landmark_discovery.training.views import plain_views
from landmark_discovery.training.weights import channels_last, load_weights


def predict_landmarks(store: ImageStore, weights: Path, stage: int, config: Config) -> Predictions:
    """Predict the landmarks of all images of a store.

    Args:
        store: the prepared data set.
        weights: of the stage.
        stage: 1 or 2.
        config: keys of the step `predict-stage1` or `predict-stage2`.

    Raises:
        UserError: the weights are missing or of the other stage, or a GPU is asked for and none is there.
    """
    device = choose_device(config.device)
    trained = load_weights(weights, stage)
    network = channels_last(trained.network.to(device))
    use_fused_layers(network, trained.model, config.fast, device)
    images = stored_images(store, device, fused=accelerated(config.fast, device))
    indices, size_px = np.arange(len(store)), trained.model.input_size_px
    with arithmetic(config.precision, device):
        if stage == 1:
            points, score = predict_stage1(
                network,
                landmarker_of(trained),
                images,
                indices,
                config.stage1.detection,
                size_px=size_px,
                precision=config.precision,
            )
        else:
            points, score = predict_stage2(
                network,
                trained.extras["flip_map"].numpy(),
                images,
                indices,
                size_px=size_px,
                precision=config.precision,
                subpixel=config.stage2.subpixel,
            )
    landmarks = grid_to_image(store, indices, points, size_px)
    return Predictions(store.names, store.splits, landmarks, score.astype(np.float64))


def predict_stage1(
    network: HourglassNetwork,
    landmarker: Landmarker,
    images: StoredImages,
    indices: NDArray[np.int64],
    detection: DetectionSettings,
    *,
    size_px: int,
    precision: str,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Detect and name landmarks by the nearest centroid.

    Returns:
        Points (N, K, 2) on the grid and scores (N, K); NaN: not found.
    """
    fixed = fixed_threshold(detection, landmarker)
    candidates = detect(network, images, indices, fixed, size_px=size_px, precision=precision, refine=False)
    return name_detections(candidates, landmarker).table(landmarker.num_landmarks)


@torch.inference_mode()
def predict_stage2(
    network: HourglassNetwork,
    flip_map: NDArray[np.int64],
    images: StoredImages,
    indices: NDArray[np.int64],
    *,
    size_px: int,
    precision: str,
    subpixel: bool,
    batch_size: int = 64,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Find the maximum of each heatmap, averaged over the image and its mirror image.

    Pixel centres make mirroring exact, so that nothing has to be shifted (the authors shift by one cell).

    Returns:
        Points (N, K, 2) on the grid and scores (N, K).
    """
    channels = torch.from_numpy(flip_map).to(images.device)
    points, scores = [], []
    for start in tqdm(range(0, len(indices), batch_size), desc="predicting", unit="batch", leave=False):
        batch = torch.from_numpy(indices[start : start + batch_size]).to(images.device)
        views = images.views(batch, plain_views(images.crops[batch], size_px))
        with autocast(precision, images.device):
            (maps,) = network(torch.cat([views, views.flip(3)]))
        found, score = highest_points(_average_with_mirrored(maps, channels), subpixel)
        points.append(found.cpu().numpy())
        scores.append(score.cpu().numpy())
    return np.concatenate(points), np.concatenate(scores)


def _average_with_mirrored(maps: Tensor, flip_map: Tensor) -> Tensor:
    """Average heatmaps with those of the mirror images, which come second, (2 B, K, G, G) -> (B, K, G, G).

    Channel flip_map[k] of a mirror image is landmark k.

    A landmark without a mirror image (-1) keeps its upright heatmap.
    """
    upright, mirrored = maps.chunk(2)
    turned = mirrored.flip(3)[:, flip_map.clamp(min=0)]
    return torch.where((flip_map >= 0).view(1, -1, 1, 1), (upright + turned) / 2, upright)

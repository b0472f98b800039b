"""Landmarks of both stages, predicted in original image pixels (method, section 5)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from landmark_discovery.clustering.detections import detect
from landmark_discovery.clustering.pseudo_groundtruth import Landmarker, name_detections
from landmark_discovery.config.schema import Config
from landmark_discovery.config.training import DetectionSettings
from landmark_discovery.data.store import ImageStore
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.heatmaps.peaks import highest_points
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.coordinates import grid_to_image
from landmark_discovery.training.images import StoredImages, stored_images
from landmark_discovery.training.runs import fixed_threshold, landmarker_of
from landmark_discovery.training.runtime import arithmetic, autocast, choose_device
from landmark_discovery.training.views import plain_views
from landmark_discovery.training.weights import load_weights


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
    network, images = trained.network.to(device), stored_images(store, device)
    indices, size_px = np.arange(len(store)), config.model.input_size_px
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
    candidates = detect(network, images, indices, fixed, size_px=size_px, precision=precision)
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
        upright, mirrored = maps.float().chunk(2)
        # Channel k of the image is channel flip_map[k] of its mirror image.
        found, score = highest_points((upright + mirrored.flip(3)[:, channels]) / 2, subpixel)
        points.append(found.cpu().numpy())
        scores.append(score.cpu().numpy())
    return np.concatenate(points), np.concatenate(scores)

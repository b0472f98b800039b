"""Landmarks of both stages, predicted from files in original image pixels (method, section 5)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from landmark_discovery.config.schema import Config
from landmark_discovery.config.training import DetectionSettings, Stage2Settings
from landmark_discovery.data.store import ImageStore
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.geometry import FloatArray
from landmark_discovery.heatmaps.conventions import CONVENTIONS, PIXEL_CENTRES, PixelConvention
from landmark_discovery.training.acceleration import network_on
from landmark_discovery.training.coordinates import grid_to_image
from landmark_discovery.training.images import stored_images
from landmark_discovery.training.prediction import (
    AUTHORS_DETECTION,
    AUTHORS_STAGE2,
    predict_stage1,
    predict_stage2,
)
from landmark_discovery.training.pseudo_groundtruth_export import landmarker_of
from landmark_discovery.training.runtime import arithmetic, choose_device
from landmark_discovery.training.weights import TrainedWeights, load_weights, require_landmarks


def predict_landmarks(store: ImageStore, weights: Path, stage: int, config: Config) -> Predictions:
    """Predict the landmarks of all images of a store.

    Weights that were converted from the authors' files are read by the authors' rules, whatever `stage1.detection`,
    `stage2.subpixel`, `average_turned_views` and `shape_prior` say: threshold 0.15, suppression of half-side 2 and
    overlap 0.01, whole cells, no turned views, each heatmap alone, and their half-pixel shifts (method, sections 4, 5
    and 9).

    Args:
        store: the prepared data set.
        weights: of the stage.
        stage: 1 or 2.
        config: keys of the step `predict-stage1` or `predict-stage2`.

    Raises:
        UserError: the weights are missing, of the other stage, or lack what names landmarks or the shape that is
            asked for; or a GPU is asked for and none is there.
    """
    device = choose_device(config.device)
    trained = load_weights(weights, stage, CONVENTIONS.values())
    if stage == 1:
        require_landmarks(weights, trained)
        landmarks, score = _stage1_landmarks(trained, store, device, config)
    else:
        decoding = stage2_settings(config, trained.convention)
        require_landmarks(weights, trained, shape=decoding.shape_prior)
        landmarks, score = stage2_landmarks(
            trained,
            store,
            np.arange(len(store)),
            decoding,
            device,
            precision=config.precision,
            fast=config.fast,
            cpu_threads=config.cpu_threads,
            deterministic=config.deterministic,
        )
    return Predictions(store.names, store.splits, landmarks, score, stage)


def stage2_landmarks(
    trained: TrainedWeights,
    store: ImageStore,
    indices: NDArray[np.int64],
    decoding: Stage2Settings,
    device: torch.device,
    *,
    precision: str,
    fast: bool,
    cpu_threads: int,
    deterministic: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """Find the landmarks of images of a store with weights of stage 2.

    Args:
        trained: the weights; their network moves to the device.
        store: the prepared data set.
        indices: positions of its images, (N,).
        decoding: subpixel, average_turned_views and shape_prior count.
        device: of the network.
        precision: of the network on a GPU.
        fast: use fused kernels on a GPU.
        cpu_threads: that share the images on a CPU.
        deterministic: the same bytes each time on a GPU too.

    Returns:
        Landmarks (N, K, 2) in original image pixels, in the convention of the weights, and scores (N, K).
    """
    network = network_on(device, trained, fast)
    with arithmetic(precision, device, deterministic=deterministic):
        points, score = predict_stage2(
            network,
            trained.extras["flip_map"].numpy(),
            stored_images(store, device, fast, cpu_threads),
            indices,
            decoding,
            size_px=trained.model.input_size_px,
            precision=precision,
            convention=trained.convention,
            prior=trained.shape_prior() if decoding.shape_prior else None,
        )
    return _in_originals(trained, store, indices, points), score.astype(np.float64)


def _stage1_landmarks(
    trained: TrainedWeights, store: ImageStore, device: torch.device, config: Config
) -> tuple[FloatArray, FloatArray]:
    network, indices = network_on(device, trained, config.fast), np.arange(len(store))
    with arithmetic(config.precision, device, deterministic=config.deterministic):
        points, score = predict_stage1(
            network,
            landmarker_of(trained),
            stored_images(store, device, config.fast, config.cpu_threads),
            indices,
            _detection(config, trained.convention),
            size_px=trained.model.input_size_px,
            precision=config.precision,
            convention=trained.convention,
        )
    return _in_originals(trained, store, indices, points), score.astype(np.float64)


def _in_originals(
    trained: TrainedWeights, store: ImageStore, indices: NDArray[np.int64], points: NDArray[np.float32]
) -> FloatArray:
    convention = trained.convention
    centres = grid_to_image(store, indices, convention.to_centres(points), trained.model.input_size_px)
    return convention.from_centres(centres)


def _detection(config: Config, convention: PixelConvention) -> DetectionSettings:
    return config.stage1.detection if convention == PIXEL_CENTRES else AUTHORS_DETECTION


def stage2_settings(config: Config, convention: PixelConvention) -> Stage2Settings:
    """Give the settings by which weights of stage 2 are read: the configuration's, or the authors' for their files."""
    return config.stage2 if convention == PIXEL_CENTRES else AUTHORS_STAGE2

"""Landmarks of both stages, predicted from files in original image pixels (method, section 5)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from landmark_discovery.config.schema import Config
from landmark_discovery.config.training import DetectionSettings, Stage2Settings
from landmark_discovery.data.store import ImageStore
from landmark_discovery.evaluation.predictions import Predictions
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
from landmark_discovery.training.runs import landmarker_of
from landmark_discovery.training.runtime import arithmetic, choose_device
from landmark_discovery.training.weights import load_weights, require_landmarks


def predict_landmarks(store: ImageStore, weights: Path, stage: int, config: Config) -> Predictions:
    """Predict the landmarks of all images of a store.

    Weights that were converted from the authors' files are read by the authors' rules, whatever `stage1.detection`,
    `stage2.subpixel` and `stage2.average_turned_views` say: threshold 0.15, suppression of half-side 2 and overlap
    0.01, whole cells, no turned views, and their half-pixel shifts (method, sections 4, 5 and 9).

    Args:
        store: the prepared data set.
        weights: of the stage.
        stage: 1 or 2.
        config: keys of the step `predict-stage1` or `predict-stage2`.

    Raises:
        UserError: the weights are missing, of the other stage or lack what names landmarks, or a GPU is asked for and
            none is there.
    """
    device = choose_device(config.device)
    trained = load_weights(weights, stage, CONVENTIONS.values())
    require_landmarks(weights, trained)
    convention = trained.convention
    network = network_on(device, trained, config.fast)
    images = stored_images(store, device, config.fast)
    indices, size_px = np.arange(len(store)), trained.model.input_size_px
    with arithmetic(config.precision, device, config.cpu_threads):
        if stage == 1:
            points, score = predict_stage1(
                network,
                landmarker_of(trained),
                images,
                indices,
                _detection(config, convention),
                size_px=size_px,
                precision=config.precision,
                convention=convention,
            )
        else:
            points, score = predict_stage2(
                network,
                trained.extras["flip_map"].numpy(),
                images,
                indices,
                stage2_settings(config, convention),
                size_px=size_px,
                precision=config.precision,
                convention=convention,
            )
    landmarks = convention.from_centres(grid_to_image(store, indices, convention.to_centres(points), size_px))
    return Predictions(store.names, store.splits, landmarks, score.astype(np.float64))


def _detection(config: Config, convention: PixelConvention) -> DetectionSettings:
    return config.stage1.detection if convention == PIXEL_CENTRES else AUTHORS_DETECTION


def stage2_settings(config: Config, convention: PixelConvention) -> Stage2Settings:
    """Give the settings by which weights of stage 2 are read: the configuration's, or the authors' for their files."""
    return config.stage2 if convention == PIXEL_CENTRES else AUTHORS_STAGE2

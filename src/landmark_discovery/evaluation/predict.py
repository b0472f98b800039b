"""Landmarks of both stages, predicted from files in original image pixels (method, section 5)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from landmark_discovery.config.schema import Config
from landmark_discovery.data.store import ImageStore
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.training.acceleration import network_on
from landmark_discovery.training.coordinates import grid_to_image
from landmark_discovery.training.images import stored_images
from landmark_discovery.training.prediction import predict_stage1, predict_stage2
from landmark_discovery.training.runs import landmarker_of
from landmark_discovery.training.runtime import arithmetic, choose_device
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
    network = network_on(device, trained, config.fast)
    images = stored_images(store, device, config.fast)
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
                config.stage2,
                size_px=size_px,
                precision=config.precision,
            )
    landmarks = grid_to_image(store, indices, points, size_px)
    return Predictions(store.names, store.splits, landmarks, score.astype(np.float64))

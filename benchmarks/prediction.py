"""What the trained network is used for: predictions of landmarks, and their evaluation."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.conditions import Conditions
from benchmarks.figures import Figure, cost, rate
from benchmarks.timing import repeated_seconds
from benchmarks.workload import SEED
from landmark_discovery.evaluation.evaluate import evaluate_predictions
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.evaluation.protocol import protocol_settings
from landmark_discovery.evaluation.truth import GroundTruth
from landmark_discovery.heatmaps.shape_prior import ShapePrior
from landmark_discovery.training.acceleration import use_fused_layers
from landmark_discovery.training.prediction import predict_stage2
from landmark_discovery.training.runtime import arithmetic
from landmark_discovery.training.stage1 import initial_network
from landmark_discovery.training.stage2 import landmark_network

TRUE_POINTS = 68
MISSING = 0.05
CPU = torch.device("cpu")


def measure_prediction(conditions: Conditions) -> list[Figure]:
    """Measure predictions of stage 2, averaged with those of the mirror images."""
    config, workload, device = conditions.config, conditions.workload, conditions.device
    network = landmark_network(initial_network(config, device), config).to(device).eval()
    use_fused_layers(network, config.model, config.fast, device)
    images, indices = workload.images(config.fast), workload.train[: conditions.size.detected_images]
    prior = _loose_shape(config.num_landmarks, config.model.grid_size) if config.stage2.shape_prior else None

    def predict() -> None:
        predict_stage2(
            network,
            np.arange(config.num_landmarks),
            images,
            indices,
            config.stage2,
            size_px=config.model.input_size_px,
            precision=config.precision,
            prior=prior,
        )

    with arithmetic(config.precision, device):
        seconds = repeated_seconds(predict, device, conditions.budget_s)
    return [rate("prediction of stage 2 with mirror images", "images/s", len(indices), seconds, conditions.variant)]


def _loose_shape(count: int, grid_size: int) -> ShapePrior:
    """Expect each landmark about the middle: reading costs the same whatever is expected."""
    return ShapePrior(
        torch.full((count, 2), grid_size / 2), torch.zeros(2 * count, 2 * count), torch.full((count,), 4.0)
    )


def measure_evaluation(conditions: Conditions) -> list[Figure]:
    """Measure the paper's protocol for error curves, on predictions with all landmarks and with some missing."""
    figures = []
    for name, missing in (("all landmarks found", 0.0), ("5 % of landmarks missing", MISSING)):
        predictions, truth = _random_predictions(conditions, missing)

        def evaluate(predictions: Predictions = predictions, truth: GroundTruth = truth) -> None:
            evaluate_predictions(predictions, truth, protocol_settings("mafl-curves"), SEED)

        seconds = repeated_seconds(evaluate, CPU, conditions.budget_s / 2, warmups=0)
        figures.append(cost(f"evaluation, {name}", "s", seconds))
    return figures


def _random_predictions(conditions: Conditions, missing: float) -> tuple[Predictions, GroundTruth]:
    """Draw true points that move as a whole and one by one, and landmarks near some of them."""
    rng, (train, test) = np.random.default_rng(SEED), conditions.size.evaluated
    count, landmarks = train + test, conditions.config.num_landmarks
    shape, moves = rng.uniform(40, 180, (TRUE_POINTS, 2)), rng.normal(0, 10, (count, 1, 2))
    true = shape + moves + rng.normal(0, 3, (count, TRUE_POINTS, 2))
    found = true[:, :landmarks] + rng.normal(0, 1, (count, landmarks, 2))
    found[rng.random((count, landmarks)) < missing] = np.nan
    names = np.array([f"{index:06d}.png" for index in range(count)])
    split = np.array(["train"] * train + ["test"] * test)
    score = np.where(np.isnan(found[..., 0]), np.nan, 1.0)
    return Predictions(names, split, found, score), GroundTruth(names, split, true)

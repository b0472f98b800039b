import json
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from landmark_discovery.config.documents import explicit_yaml
from landmark_discovery.config.loading import load_config
from landmark_discovery.data.store import ImageStore, dataset_facts, write_store
from landmark_discovery.evaluation.evaluate import evaluate_predictions, write_evaluation
from landmark_discovery.evaluation.predictions import Predictions, write_predictions
from landmark_discovery.evaluation.truth import read_folder_truth
from landmark_discovery.reporting.report.inputs import ReportFiles
from landmark_discovery.training.weights import TrainedWeights, build_network, save_weights

HOSTILE = '<script>alert("x")</script>.png'
CONFIGURATION = {
    "recipe": "short",
    "device": "cpu",
    "num_landmarks": 2,
    "model": {"input_size_px": 32, "width": 16, "depth": 1, "norm_groups": 2, "descriptor_dim": 8},
    "dataset": {"name": "squares", "kind": "folder", "path": "/data/squares"},
    "evaluation": {"normalizer": "0-1", "repeats": 2, "regression_images": 7},
    "report": {"grid_images": 4, "gallery_images": 3},
}
ROUNDS = (
    "round,iteration,threshold,detections_over_threshold,detections_kept,clusters_alive,flip_purity,images_kept,"
    "detector_loss,descriptor_loss\n0,10,0.2,9.0,1.5,2,0.7,8,0.05,0.02\n1,20,0.1,9.5,1.8,2,0.8,8,0.02,0.01\n"
)
STAGE1_LOG = "iteration,loss,detector_loss,descriptor_loss,learning_rate\n5,0.2,0.1,0.1,0.001\n10,0.1,0.05,0.05,0.002\n"
STAGE2_LOG = "iteration,loss,learning_rate\n5,0.2,0.001\n10,0.1,0.0005\n"


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """Write the files of a run: ten training and six test images, three true points, two landmarks near two of them."""
    return write_run(tmp_path_factory.mktemp("run"), True)


@pytest.fixture(scope="session")
def run_without_truth(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("untrue"), False)


@pytest.fixture
def own_run(small_run, tmp_path):
    """Give a copy of the run that a test may spoil."""
    return shutil.copytree(small_run, tmp_path / "own")


@pytest.fixture(scope="session")
def files_of():
    """Name the files of such a run for its report."""

    def files(folder, **changes):
        stages = [folder / f"stage{stage}" for stage in (1, 2)]
        given = {
            "configuration": folder / "config.yaml",
            "stores": (folder / "store",),
            "evaluations": tuple(folder / "evaluation" / stage.name for stage in stages),
            "weights": stages[1] / "weights.safetensors",
            "training": tuple(stages),
            "bootstrap_picture": folder / "bootstrap.png",
            "benchmarks": (folder / "benchmarks" / "train_stage1.tsv", folder / "benchmarks" / "train_stage2.tsv"),
            "provenance": folder / "provenance.json",
        }
        return ReportFiles(**{**given, **changes})

    return files


def write_run(folder, with_truth):
    generator = np.random.default_rng(0)
    true = _true_points(generator)
    names = np.array([f"{index:02d}.png" for index in range(15)] + [HOSTILE])
    splits = np.array(["train"] * 10 + ["test"] * 6)
    store = _store(names, splits, true)
    write_store(folder / "store", store if with_truth else ImageStore(store.images, store.samples, None, store.facts))
    config = load_config(CONFIGURATION)
    (folder / "config.yaml").write_text(explicit_yaml(config), encoding="utf-8")
    truth = read_folder_truth(folder / "store")
    for stage, deviation in ((1, 3.0), (2, 1.0)):
        found = true[:, :2] + generator.normal(0, deviation, (16, 2, 2))
        if stage == 1:
            found[3, 1] = np.nan
        score = np.where(np.isnan(found[..., 0]), np.nan, generator.uniform(0.2, 0.9, (16, 2)))
        predictions = Predictions(names, splits, found, score)
        target = folder / "evaluation" / f"stage{stage}"
        write_evaluation(target, evaluate_predictions(predictions, truth, config.evaluation, config.seed))
        write_predictions(target / "predictions.npz", predictions)
    _write_training(folder, config)
    return folder


def _true_points(generator):
    shape = np.array([[14.0, 16.0], [46.0, 16.0], [30.0, 44.0]])
    turned = generator.normal(0, 0.12, (16, 1)) * (shape - shape.mean(axis=0)).sum(axis=-1)
    return shape + generator.normal(0, 4, (16, 1, 2)) + turned[..., None] + generator.normal(0, 1, (16, 3, 2))


def _store(names, splits, true):
    images = np.full((16, 60, 60, 3), 90, dtype=np.uint8)
    for image, points in zip(images, true, strict=True):
        for x, y in points.round().astype(int):
            cv2.circle(image, (x.item(), y.item()), 3, (200, 180, 60), -1)
    rows = {"image": names, "split": splits, "subject": "", "width": 60, "height": 60}
    for kind, low, high in (("box", 4, 56), ("crop", 0, 60), ("window", 0, 60)):
        rows |= {f"{kind}_x_min": low, f"{kind}_y_min": low, f"{kind}_x_max": high, f"{kind}_y_max": high}
    samples = pd.DataFrame({**rows, "stored_width": 60, "stored_height": 60})
    dropped = [{"image": "<b>broken</b>.png", "reason": "cut off"}]
    return ImageStore(images, samples, true, dataset_facts("squares", "folder", samples, true, dropped=dropped))


def _write_training(folder, config):
    model = config.model
    facts = {"stage": 2, "num_landmarks": 2, "model": model.model_dump(mode="json"), "seed": 1, "version": "0"}
    network = build_network(model, 2, 2).eval()
    save_weights(folder / "stage2" / "weights.safetensors", TrainedWeights(network, _flip_map(), facts))
    (folder / "stage1" / "rounds").mkdir(parents=True)
    (folder / "stage1" / "training_log.csv").write_text(STAGE1_LOG)
    (folder / "stage1" / "rounds.csv").write_text(ROUNDS)
    (folder / "stage2" / "training_log.csv").write_text(STAGE2_LOG)
    for name, shade in (("stage1/rounds/round_00", 80), ("stage1/rounds/round_01", 120), ("bootstrap", 200)):
        cv2.imwrite(str(folder / f"{name}.png"), np.full((40, 60, 3), shade, dtype=np.uint8))
    (folder / "benchmarks").mkdir()
    for step, seconds in (("train_stage1", 100), ("export_pseudo_groundtruth", 5), ("train_stage2", 25)):
        table = f"s\tmax_rss\tmean_load\n{seconds}\t512.5\t180\n"
        (folder / "benchmarks" / f"{step}.tsv").write_text(table)
    record = {
        "code": {"version": "1.2", "revision": "abc", "clean": False},
        "machine": {"gpus": [], "cpu": "<i>fast</i>", "cpu_cores": 2, "memory_gib": 8.0},
        "versions": {"Python": "3.11"},
        "seeds": {"seed": 1993},
        "inputs": [{"path": "facts.json", "bytes": 12, "sha256": "00ff"}],
    }
    (folder / "provenance.json").write_text(json.dumps(record), encoding="utf-8")


def _flip_map():
    return {"flip_map": torch.tensor([1, 0])}

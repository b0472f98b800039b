import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_experiment import CONFIGURATION

from landmark_discovery.inference.package import load_model

ROOT = Path(__file__).parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
COMPARED = (
    "stage1/weights.safetensors",
    "pseudo_groundtruth.npz",
    "stage2/weights.safetensors",
    "evaluation/stage1/metrics.json",
    "evaluation/stage2/predictions.npz",
    "evaluation/stage2/metrics.json",
)

pytestmark = pytest.mark.slow


def run_in(folder):
    """Run the whole workflow and give the folder of its results."""
    (folder / "tiny.yaml").write_text(CONFIGURATION, encoding="utf-8")
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / ".snakemake" / "cache")}
    arguments = ("--snakefile", ROOT / "Snakefile", "--cores", "2", "--configfile", "tiny.yaml")
    result = subprocess.run([SNAKEMAKE, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, (result.stdout + result.stderr)[-4000:]
    return folder / "results" / "tiny"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("first"))


@pytest.mark.parametrize("stage", [1, 2])
def test_the_metrics_say_what_was_measured(results, stage):
    metrics = json.loads((results / "evaluation" / f"stage{stage}" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["num_landmarks"] == 4
    assert (metrics["num_train_images"], metrics["num_test_images"]) == (16, 8)
    assert metrics["normalizer"] == "36-45"
    assert metrics["mean_shape_nme"] > 0
    assert {"forward_nme", "backward_nme", "mean_landmark_nme", "distinct_landmarks"} <= set(metrics)


@pytest.mark.parametrize("stage", [1, 2])
def test_every_image_has_predictions_in_its_own_pixels(results, stage):
    with np.load(results / "evaluation" / f"stage{stage}" / "predictions.npz") as archive:
        assert archive["landmarks"].shape == (24, 4, 2)
        assert archive["score"].shape == (24, 4)
        assert sorted(archive["split"]) == ["test"] * 8 + ["train"] * 16
        found = archive["landmarks"][np.isfinite(archive["landmarks"]).all(axis=-1)]
    assert ((found >= -0.5) & (found <= 63.5)).all()


def test_the_report_holds_figures_and_the_pictures_of_the_rounds(results):
    report = (results / "report.html").read_text(encoding="utf-8")
    metrics = json.loads((results / "evaluation" / "stage2" / "metrics.json").read_text(encoding="utf-8"))
    assert f"{metrics['forward_nme']:.2f}" in report
    assert report.count("data:image/") > 4


def test_the_model_file_stands_with_its_card(results):
    model = load_model(results / "model" / "model.safetensors")
    assert model.num_landmarks == 4
    assert "# 4 landmarks" in (results / "model" / "model_card.md").read_text(encoding="utf-8")


def test_stage_1_leaves_its_log_beside_the_weights(results):
    names = {path.name for path in (results / "stage1").iterdir()}
    assert {"weights.safetensors", "training_log.csv", "rounds.csv"} <= names


def test_the_same_seed_gives_the_same_bytes(results, tmp_path):
    again = run_in(tmp_path)
    differing = [name for name in COMPARED if (results / name).read_bytes() != (again / name).read_bytes()]
    assert differing == []

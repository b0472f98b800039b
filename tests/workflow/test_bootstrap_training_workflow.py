import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from landmark_discovery.bootstrap.weights import load_superpoint_open

ROOT = Path(__file__).parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
CONFIGURATION = """
experiment: tiny
device: cpu
precision: float32
cpu_threads: 1
shapes: {count: 10, size_px: 48}
photographs: {folder: photographs, min_side_px: 64, crop_px: 48, crops_per_photograph: 3, test_share: 0.4}
magicpoint: {input_px: 32, descent: {iterations: 20, batch_size: 2}}
adaptation: {homographies: 2, threshold: 0.0, max_keypoints: 6}
joint: {input_px: 32, points: 16, descent: {iterations: 20, batch_size: 2}}
evaluation: {max_keypoints: 20, pairs_per_image: 1}
"""

pytestmark = pytest.mark.slow


def snakemake(folder, *arguments):
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / ".snakemake" / "cache")}
    snakefile = ROOT / "workflow" / "bootstrap_training" / "Snakefile"
    command = [SNAKEMAKE, "--snakefile", snakefile, "--cores", "1", "--configfile", "tiny.yaml", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def planned_by(folder, *arguments):
    """Give what a dry run says."""
    result = snakemake(folder, *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Train tiny weights from ten noisy pictures."""
    folder = tmp_path_factory.mktemp("bootstrap_training")
    (folder / "photographs").mkdir()
    for number in range(10):
        noise = np.random.default_rng(number).integers(0, 255, (80, 90, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / "photographs" / f"{number}.png"), noise)
    (folder / "tiny.yaml").write_text(CONFIGURATION, encoding="utf-8")
    result = snakemake(folder)
    assert result.returncode == 0, (result.stdout + result.stderr)[-4000:]
    return folder


def test_one_command_goes_from_pictures_to_weights_and_their_figures(folder):
    results = folder / "results" / "bootstrap_training" / "tiny"
    load_superpoint_open(results / "weights" / "superpoint_open.safetensors")
    record = json.loads((results / "weights" / "superpoint_open.json").read_text(encoding="utf-8"))
    assert record["magicpoint"]["iterations"] == record["superpoint"]["iterations"] == 20
    table = pd.read_csv(results / "detectors" / "detectors.csv")
    assert set(table["detector"]) == {"superpoint-open", "sift"}


def test_nothing_runs_twice_and_a_changed_key_runs_what_depends_on_it(folder):
    again = snakemake(folder, "--dry-run")
    assert "Nothing to be done" in again.stdout + again.stderr
    changed = snakemake(folder, "--dry-run", "--config", "joint={points: 20}")
    planned = changed.stdout + changed.stderr
    assert "train_superpoint" in planned
    assert "train_magicpoint" not in planned


def test_a_key_that_does_not_exist_ends_the_run_before_its_first_job(folder):
    result = snakemake(folder, "--config", "jiont=1")
    assert result.returncode != 0
    assert "error: unknown key 'jiont'" in result.stdout + result.stderr


def test_a_key_that_stands_twice_ends_the_run_before_its_first_job(tmp_path):
    (tmp_path / "tiny.yaml").write_text(CONFIGURATION + "device: cuda\n", encoding="utf-8")
    result = snakemake(tmp_path, "--dry-run")
    assert result.returncode == 1
    assert "tiny.yaml: key 'device' stands in line 3 and again in line 12" in result.stdout + result.stderr


def test_material_that_is_not_there_ends_the_run_before_its_first_job(folder):
    result = snakemake(folder, "--config", "faces=nowhere")
    assert result.returncode != 0
    assert "error: nowhere: no such folder; correct faces" in result.stdout + result.stderr


def test_another_number_of_squares_collects_no_photograph_again(folder):
    planned = planned_by(folder, "--dry-run", "--config", "photographs={crops_per_photograph: 4}")
    assert "cut_photographs" in planned
    assert "collect_photographs" not in planned


def test_a_record_that_packaging_needs_and_that_is_gone_is_made_again(folder):
    record = folder / "results" / "bootstrap_training" / "tiny" / "magicpoint" / "record.json"
    content = record.read_bytes()
    record.unlink()
    planned = planned_by(folder, "--dry-run", "--forcerun", "package_bootstrap_weights")
    record.write_bytes(content)
    assert "train_magicpoint" in planned


def test_another_photograph_in_the_folder_is_noticed(folder):
    added = folder / "photographs" / "another.png"
    cv2.imwrite(str(added), np.zeros((80, 90, 3), np.uint8))
    planned = planned_by(folder, "--dry-run")
    added.unlink()
    assert "collect_photographs" in planned

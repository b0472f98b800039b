import cv2
import numpy as np
import pytest
import torch
from fake_superpoint import random_parameters
from safetensors.torch import save_file
from tiny_experiment import FOLDER_CONFIGURATION

from landmark_discovery.bootstrap.keypoints import read_keypoints


@pytest.fixture
def folder(landmarks, tmp_path):
    """Prepare three images, and write weights for both detectors with a network."""
    (tmp_path / "dataset").mkdir()
    for seed in range(3):
        coarse = np.random.default_rng(seed).integers(0, 256, (8, 9, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "dataset" / f"{seed}.png"), cv2.resize(coarse, (48, 40)))
    (tmp_path / "tiny.yaml").write_text(FOLDER_CONFIGURATION, encoding="utf-8")
    prepared = landmarks("prepare", "--config", "tiny.yaml", "--dataset", "dataset", "--output", "store")
    assert prepared.returncode == 0, prepared.stderr
    save_file({name: value.half() for name, value in random_parameters().items()}, tmp_path / "open.safetensors")
    torch.save(random_parameters(), tmp_path / "original.pth", _use_new_zipfile_serialization=False)
    return tmp_path


@pytest.mark.parametrize(
    ("detector", "weights", "threshold"),
    [
        ("superpoint-open", "open.safetensors", "superpoint_open_threshold"),
        ("superpoint", "original.pth", "superpoint_threshold"),
    ],
)
def test_one_key_chooses_whose_weights_detect_and_threads_change_nothing(
    landmarks, folder, monkeypatch, detector, weights, threshold
):
    keys = (f"bootstrap.detector={detector}", f"bootstrap.{threshold}=0.001")
    made = []
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        result = landmarks(
            *("bootstrap", "--config", "tiny.yaml", "--store", "store", "--weights", weights),
            *("--set", keys[0], "--set", keys[1], "--threads", threads, "--output", f"{threads}.npz"),
        )
        assert result.returncode == 0, result.stderr
        made.append((folder / f"{threads}.npz").read_bytes())
    keypoints = read_keypoints(folder / "1.npz")
    assert keypoints.detector == detector
    assert keypoints.counts(2).usable_images > 0
    assert made[0] == made[1]

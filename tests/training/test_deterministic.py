"""With `deterministic: true` a GPU gives the same bytes as a CPU always does: twice, and with a stop anywhere."""

import itertools

import numpy as np
import pytest
import torch
from stopping import StopsAfter

from landmark_discovery.training.checkpoints import CheckpointFolder
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.interruption import Interrupted
from landmark_discovery.training.keypoints import warmup_keypoints
from landmark_discovery.training.prediction import predict_stage2
from landmark_discovery.training.runtime import arithmetic
from landmark_discovery.training.saver import NO_SAVER, Saver
from landmark_discovery.training.stage1 import initial_network, train_stage1
from landmark_discovery.training.stage2 import train_stage2
from landmark_discovery.training.targets import landmark_targets
from landmark_discovery.training.workers import workers_on

TRAIN = np.array([0, 1, 2, 4, 5])
# More than the steps that run one kernel at a time before one is recorded, and a resumed run starts with those anew.
ROUNDS = {"iterations": 14, "warmup_iterations": 6, "round_iterations": 8}
STAGE2_ITERATIONS = 8
STOPS = (1, 3, 5, 7, 13)
ON_GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]
VARIANTS = [
    pytest.param("cpu", "float32", True, id="cpu"),
    *(
        pytest.param("cuda", precision, fast, id=f"{precision}-{'fast' if fast else 'plain'}", marks=ON_GPU)
        for precision in ("float32", "tf32", "bfloat16")
        for fast in (True, False)
    ),
]


@pytest.fixture
def trained(stored, tiny_config):
    """Train both stages on a device, and give their weights, clusters and predictions."""

    def train(device_name, precision, fast, saver_of=lambda _: NO_SAVER):
        device = torch.device(device_name)
        images = StoredImages(
            *(part.to(device) for part in (stored.pixels, stored.crops, stored.stored_size)),
            fast and device.type == "cuda",
            workers_on(device, 2),
        )
        chosen = {"device": device_name, "precision": precision, "fast": fast, "deterministic": True}
        stages = {"stage1": ROUNDS, "stage2": {"iterations": STAGE2_ITERATIONS, "generations": 2}}
        config = tiny_config(**chosen, **stages)
        points = np.random.default_rng(1).uniform(6, 34, (4, 4, 2))
        keypoints = warmup_keypoints(TRAIN[:4], points, device)
        first = _to_the_end(lambda saver: train_stage1(images, TRAIN, keypoints, config, saver=saver), saver_of("1"))
        targets = landmark_targets(
            TRAIN, np.random.default_rng(2).uniform(6, 34, (5, 3, 2)), np.array([1, 0, 2]), device
        )
        start = initial_network(config, device)
        second = _to_the_end(lambda saver: train_stage2(images, targets, start, config, saver=saver), saver_of("2"))
        with arithmetic(precision, device, deterministic=True):
            found = predict_stage2(
                second.network, np.array([1, 0, 2]), images, TRAIN, config.stage2, size_px=32, precision=precision
            )
        weights = [*first.network.state_dict().values(), *second.network.state_dict().values()]
        arrays = [value.cpu().numpy() for value in weights] + [first.landmarker.centroids, *found]
        return [array.tobytes() for array in arrays], [first.log, second.log]

    return train


def _to_the_end(run, saver):
    """Start a run again and again until it isn't interrupted."""
    savers = itertools.repeat(saver) if isinstance(saver, Saver) else saver
    for one in savers:
        try:
            return run(one)
        except Interrupted:
            continue
    raise AssertionError("no saver is left")


@pytest.mark.parametrize(("device", "precision", "fast"), VARIANTS)
def test_two_runs_give_the_same_bytes(trained, device, precision, fast):
    assert trained(device, precision, fast) == trained(device, precision, fast)


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize(("device", "precision", "fast"), VARIANTS)
def test_a_run_that_stops_again_and_again_gives_the_same_bytes(trained, tmp_path, device, precision, fast, stop):
    stops = []

    def savers(stage):
        folder = CheckpointFolder(tmp_path / stage, "key")
        while True:
            stops.append(stage)
            yield Saver(folder, StopsAfter(steps=stop))

    expected = trained(device, precision, fast)
    assert trained(device, precision, fast, savers) == expected
    assert len(stops) > 2

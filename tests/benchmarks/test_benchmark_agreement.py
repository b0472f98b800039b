import json

import pytest
import torch

from benchmarks import agreement
from benchmarks.agreement import agreement_table, losses_of, measure_agreement, relative_difference
from benchmarks.figures import Variant
from benchmarks.workload import SMALL, Workload, draw_store
from landmark_discovery.errors import UserError

CPU = torch.device("cpu")
TINY = {"model": {"width": 16, "depth": 1, "norm_groups": 2, "input_size_px": 32}}


@pytest.fixture(scope="module")
def workload(tmp_path_factory):
    return Workload(draw_store(tmp_path_factory.mktemp("images"), SMALL), SMALL, CPU, TINY)


def test_a_difference_is_the_median_share_of_the_other_loss():
    # Shares of 1/10, 0 and 2/4.
    assert relative_difference([11, 5, 2], [10, 5, 4]) == pytest.approx(0.1)


def test_the_table_relates_each_way_to_the_plain_one_and_to_the_reference():
    losses = {
        Variant("float32", "plain"): [1.0, 2.0],
        Variant("float32", "fast"): [1.0, 2.0],
        Variant("bfloat16", "plain"): [1.1, 2.2],
        Variant("bfloat16", "fast"): [1.21, 2.42],
    }
    rows = [line.strip("| ").split(" | ") for line in agreement_table(losses).splitlines()[2:]]
    assert rows[0] == ["float32, plain", "0.0e+00", "0.0e+00", "0.0e+00", "0.0e+00", "1.50000"]
    assert rows[2] == ["bfloat16, plain", "0.0e+00", "1.0e-01", "0.0e+00", "1.0e-01", "1.65000"]
    assert rows[3] == ["bfloat16, fast", "1.0e-01", "2.1e-01", "1.0e-01", "2.1e-01", "1.81500"]


def test_equal_seeds_choose_equal_samples_and_each_step_changes_the_weights(workload):
    plain = Variant("float32", "plain")
    first = losses_of(workload, plain, 6)
    assert first == losses_of(workload, plain, 6)
    still = Workload(workload.store, SMALL, CPU, {**TINY, "stage1": {"optimizer": {"learning_rate": 1e-30}}})
    unchanged = losses_of(still, plain, 6)
    assert unchanged[0] == first[0]
    assert not set(unchanged[1:]) & set(first[1:])
    other = Workload(workload.store, SMALL, CPU, {**TINY, "seed": 5})
    assert not set(first) & set(losses_of(other, plain, 6))


def test_a_cpu_has_nothing_to_compare(workload, tmp_path):
    with pytest.raises(UserError, match="a CPU has the plain path alone"):
        measure_agreement(workload, 3, tmp_path)


def test_losses_of_all_ways_are_written(workload, tmp_path, monkeypatch):
    class Gpu(Workload):
        @property
        def device(self):
            return torch.device("cuda")

        @device.setter
        def device(self, _):
            pass

    monkeypatch.setattr(agreement, "losses_of", lambda _, variant, count: [len(variant.precision)] * count)
    monkeypatch.setattr(agreement, "machine_facts", lambda _: {"gpu": "none"})
    there = Gpu(workload.store, SMALL, CPU, TINY)
    assert "| bfloat16, fast |" in measure_agreement(there, 3, tmp_path)
    tree = json.loads((tmp_path / "agreement.json").read_text())
    assert tree["losses"]["tf32, plain"] == [4, 4, 4]
    assert len(tree["losses"]) == 6

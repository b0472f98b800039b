import os
import subprocess
import sys
import threading
from itertools import chain

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.training.workers import ALONE, Workers, workers_on


@given(length=st.integers(0, 40), count=st.integers(1, 8))
def test_parts_cover_the_rows_once_in_their_order_and_none_is_empty(length, count):
    rows = list(range(length))
    parts = [rows[part] for part in Workers(count).parts(length)]
    assert list(chain.from_iterable(parts)) == rows
    assert len(parts) <= count
    assert all(parts)


def test_sixteen_rows_are_halved_between_two_workers_and_five_keep_four_busy():
    assert list(Workers(2).parts(16)) == [slice(0, 8), slice(8, 16)]
    assert [part.stop - part.start for part in Workers(4).parts(5)] == [1, 1, 1, 2]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("way", ["map", "stream"])
def test_results_come_in_the_order_of_the_items(way, count):
    assert list(getattr(Workers(count), way)(lambda number: -number, range(10))) == [-number for number in range(10)]


def test_two_workers_work_beside_each_other():
    meeting = threading.Barrier(2, timeout=60)
    assert sorted(Workers(2).map(lambda _: meeting.wait(), range(2))) == [0, 1]


def test_one_worker_is_the_callers_own_thread():
    assert ALONE.map(lambda _: threading.current_thread(), range(1)) == [threading.current_thread()]
    assert list(ALONE.stream(lambda _: threading.current_thread(), range(1))) == [threading.current_thread()]


@pytest.mark.parametrize("way", ["map", "stream"])
def test_an_error_of_a_worker_reaches_the_caller(way):
    with pytest.raises(ZeroDivisionError):
        list(getattr(Workers(2), way)(lambda number: 1 // number, [1, 0]))


def test_a_gpu_is_driven_by_one_thread_and_a_cpu_by_as_many_as_are_asked_for():
    assert workers_on(torch.device("cuda"), 3).count == 1
    assert workers_on(torch.device("cpu"), 3).count == 3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads as Linux does")
@pytest.mark.parametrize("way", ["map", "stream"])
def test_a_convolution_of_a_worker_starts_no_threads_of_its_own(way):
    code = f"""
import os, torch
from landmark_discovery.training.workers import Workers
torch.set_num_threads(1)
images, weight = torch.rand(4, 16, 64, 64), torch.rand(16, 16, 3, 3)
def count_threads():
    return len(os.listdir("/proc/self/task"))
before, workers = count_threads(), Workers(2)
list(workers.{way}(lambda _: torch.conv2d(images, weight).sum(), range(6)))
print(count_threads() - before)
"""
    environment = os.environ | {"OMP_NUM_THREADS": "8"}
    said = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert int(said.stdout) <= 2

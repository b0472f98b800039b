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


def test_sixteen_rows_are_halved_between_two_workers():
    assert list(Workers(2).parts(16)) == [slice(0, 8), slice(8, 16)]


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

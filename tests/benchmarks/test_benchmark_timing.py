import threading
import time

import numpy as np
import pytest
import torch

from benchmarks import peaks, timing
from benchmarks.peaks import PeakWatch, host_peak_gib, start_peaks
from benchmarks.stopwatch import Stopwatch, Watched
from benchmarks.timing import repeated_seconds
from benchmarks.training import logged_seconds

CPU = torch.device("cpu")


class Clock:
    """Time that passes only when told."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


def test_warm_ups_do_not_count(clock):
    durations = iter([50.0, 1.0, 2.0, 3.0])
    assert repeated_seconds(lambda: clock.wait(next(durations)), CPU, budget_s=0) == (1, 2, 3)


def test_work_is_repeated_while_another_repeat_fits_into_the_budget(clock):
    assert repeated_seconds(lambda: clock.wait(2), CPU, budget_s=11, warmups=0) == (2,) * 5
    assert len(repeated_seconds(lambda: clock.wait(2), CPU, budget_s=1e9)) == timing.MOST_REPEATS


def trained(clock, *durations):
    """Give a training whose log gets a row after each duration, and what it left undone."""
    left = list(durations)

    def train(on_log):
        while left:
            clock.wait(left.pop(0))
            on_log({})

    return train, left


def test_the_first_stretch_of_a_training_does_not_count(clock):
    train, left = trained(clock, 60, 1, 2, 3, 4, 5)
    assert logged_seconds(train, budget_s=0) == (1, 2, 3)
    assert left == [4, 5]


def test_a_training_goes_on_while_another_stretch_fits_into_the_budget(clock):
    train, left = trained(clock, 10, *[2] * 8)
    # After 18 seconds, 4 of them stretches that count, another would end at 20.
    assert logged_seconds(train, budget_s=19) == (2,) * 4
    assert len(left) == 4


def test_an_error_of_the_training_is_raised():
    def train(_):
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        logged_seconds(train, budget_s=1)


def test_the_time_of_an_inner_part_is_not_counted_for_the_outer(clock):
    stopwatch = Stopwatch()
    with stopwatch.part("step"):
        clock.wait(1)
        with stopwatch.part("backward"):
            clock.wait(5)
        clock.wait(2)
    clock.wait(100)
    with stopwatch.part("step"):
        clock.wait(4)
    assert stopwatch.seconds == {"step": 7, "backward": 5}


def test_a_part_that_raises_is_counted_and_closed(clock):
    stopwatch = Stopwatch()

    def fail():
        clock.wait(1)
        raise KeyError

    with pytest.raises(KeyError), stopwatch.part("a"):
        fail()
    with stopwatch.part("b"):
        clock.wait(2)
    assert stopwatch.seconds == {"a": 1, "b": 2}


def test_watched_functions_and_methods_do_what_they_did(clock, monkeypatch):
    for name in ("seconds_of", "synchronize"):
        monkeypatch.setattr(timing, name, getattr(timing, name))
    monkeypatch.setattr(Clock, "wait", Clock.wait)
    stopwatch = Stopwatch()
    stopwatch.watch([Watched("benchmarks.timing", "seconds_of", "timing"), Watched(__name__, "Clock.wait", "waiting")])
    assert timing.seconds_of(lambda: clock.wait(3), CPU) == 3
    assert stopwatch.seconds == {"timing": 0, "waiting": 3}


def test_what_other_threads_do_meanwhile_counts_for_the_part_that_waits_for_them(clock, monkeypatch):
    monkeypatch.setattr(Clock, "wait", Clock.wait)
    stopwatch = Stopwatch()
    stopwatch.watch([Watched(__name__, "Clock.wait", "waiting")])
    worker = threading.Thread(target=clock.wait, args=(3,))
    with stopwatch.part("step"):
        worker.start()
        worker.join()
        clock.wait(4)
    assert stopwatch.seconds == {"step": 3, "waiting": 4}


@pytest.mark.skipif(not peaks.CLEAR.exists(), reason="only Linux begins anew with a peak")
def test_a_peak_is_remembered_until_peaks_begin_anew():
    start_peaks(CPU)
    before = host_peak_gib()
    np.ones(2**28, dtype=np.uint8)
    assert host_peak_gib() > before + 0.2
    start_peaks(CPU)
    assert host_peak_gib() < before + 0.1


@pytest.mark.skipif(not peaks.STATUS.exists(), reason="only Linux tells the memory")
def test_a_watch_names_the_line_of_the_package_that_ran_at_the_peak(tmp_path):
    package = tmp_path / "landmark_discovery" / "clustering"
    package.mkdir(parents=True)
    source = "def hold(seen):\n    kept = bytearray(2**27)\n    while not seen():\n        pass\n    return kept\n"
    scope = {}
    exec(compile(source, str(package / "kmeans.py"), "exec"), scope)
    with PeakWatch() as watch:
        scope["hold"](lambda: bool(watch.line))
    assert watch.line in ("clustering/kmeans.py:2", "clustering/kmeans.py:3")
    assert watch.now_gib > 0

import os
import signal

import pytest

from landmark_discovery.training.interruption import Timetable, stopping_on_signals, timetable_of_environment


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_it_is_time_to_save_every_so_many_seconds(clock):
    timetable = Timetable(save_every_s=10, clock=clock)
    clock.now = 9.0
    assert not timetable.should_save
    clock.now = 10.0
    assert timetable.should_save
    timetable.saved()
    assert not timetable.should_save


def test_a_limit_of_time_stops_the_training(clock):
    timetable = Timetable(limit_s=60, clock=clock)
    clock.now = 59.0
    assert not timetable.should_stop
    clock.now = 60.0
    assert timetable.should_stop
    assert timetable.reason == "the limit of time"


def test_the_first_reason_to_stop_is_the_one_that_is_told():
    timetable = Timetable()
    timetable.stop("SIGTERM")
    timetable.stop("SIGINT")
    assert timetable.reason == "SIGTERM"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_asks_for_a_stop_and_the_next_one_acts_as_it_did_before(number):
    seen = []
    before = signal.signal(number, lambda *_: seen.append("before"))
    try:
        with stopping_on_signals(Timetable()) as timetable:
            os.kill(os.getpid(), number)
            assert (timetable.reason, seen) == (number.name, [])
            os.kill(os.getpid(), number)
            assert seen == ["before"]
        os.kill(os.getpid(), number)
        assert seen == ["before", "before"]
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("first", [signal.SIGHUP, signal.SIGUSR2])
def test_signals_of_a_closed_terminal_and_of_a_principal_that_is_gone_only_ask_however_often_they_come(first):
    both = (signal.SIGHUP, signal.SIGUSR2)
    before = [signal.signal(number, lambda *_: pytest.fail("ended")) for number in both]
    try:
        with stopping_on_signals(Timetable()) as timetable:
            for number in (first, signal.SIGHUP, signal.SIGHUP, signal.SIGUSR2, signal.SIGUSR2):
                os.kill(os.getpid(), number)
            assert timetable.should_stop
    finally:
        for number, handler in zip(both, before, strict=True):
            signal.signal(number, handler)


def test_what_is_ignored_stays_ignored_as_under_nohup():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping_on_signals(Timetable()) as timetable:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not timetable.should_stop
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_environment_sets_the_limit(monkeypatch):
    monkeypatch.setenv("LANDMARKS_MAX_MINUTES", "1.5")
    assert timetable_of_environment().limit_s == pytest.approx(90.0, abs=5.0)


@pytest.mark.parametrize("run_by", ["the workflow", "hand"])
def test_what_the_workflow_runs_keeps_its_state_until_the_workflow_has_noted_the_result(monkeypatch, run_by):
    monkeypatch.delenv("LANDMARKS_PRINCIPAL", raising=False)
    if run_by == "the workflow":
        monkeypatch.setenv("LANDMARKS_PRINCIPAL", "elsewhere.example:123")
    assert timetable_of_environment().result_is_noted_later == (run_by == "the workflow")


def test_a_training_that_begins_after_the_deadline_stops_after_its_first_iteration(monkeypatch):
    monkeypatch.setenv("LANDMARKS_DEADLINE", "1000")
    assert timetable_of_environment().should_stop

from datetime import datetime

import pytest

from landmark_discovery.deadline import find_deadline
from landmark_discovery.errors import UserError


def answering(tmp_path, monkeypatch, answer):
    """Put a squeue on the path that gives this answer."""
    command = tmp_path / "squeue"
    command.write_text(f"#!/bin/sh\n{answer}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_without_a_limit_there_is_no_deadline():
    assert find_deadline({}) is None


def test_minutes_count_from_now():
    assert find_deadline({"LANDMARKS_MAX_MINUTES": "1.5"}, now=1000.0) == 1090.0


def test_steps_share_the_deadline_of_their_run():
    assert find_deadline({"LANDMARKS_DEADLINE": "1500", "LANDMARKS_MAX_MINUTES": "60"}, now=1000.0) == 1500.0


def test_a_job_saves_before_its_scheduler_ends_it():
    slurm = {"SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": "37000"}
    assert find_deadline(slurm, now=1000.0) == 37000 - 180
    assert find_deadline(slurm, now=36900.0) == 37000 - 10
    assert find_deadline(slurm, now=38000.0) == 37000


def test_minutes_of_the_user_count_before_those_of_the_scheduler():
    slurm = {"SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": "37000", "LANDMARKS_MAX_MINUTES": "10"}
    assert find_deadline(slurm, now=1000.0) == 1600.0


def test_an_old_slurm_is_asked_for_the_end_of_the_job(tmp_path, monkeypatch):
    answering(tmp_path, monkeypatch, 'echo "2026-11-23T12:00:00"')
    end = datetime(2026, 11, 23, 12).timestamp()
    assert find_deadline({"SLURM_JOB_ID": "7"}, now=end - 1000) == end - 100


@pytest.mark.parametrize("answer", ["echo N/A", "echo", "exit 1"])
def test_a_job_without_a_known_end_has_no_deadline(tmp_path, monkeypatch, answer):
    answering(tmp_path, monkeypatch, answer)
    assert find_deadline({"SLURM_JOB_ID": "7"}) is None


def test_a_job_on_a_machine_without_squeue_has_no_deadline(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_deadline({"SLURM_JOB_ID": "7"}) is None


@pytest.mark.parametrize("variable", ["LANDMARKS_MAX_MINUTES", "LANDMARKS_DEADLINE"])
@pytest.mark.parametrize("minutes", ["soon", "0", "-3", "nan", "inf"])
def test_a_limit_that_is_no_time_is_refused(variable, minutes):
    with pytest.raises(UserError, match=rf"{variable}: .* is no positive number; give "):
        find_deadline({variable: minutes})

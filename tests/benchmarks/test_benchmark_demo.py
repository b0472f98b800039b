import functools
import importlib
import json
from pathlib import Path

import pytest

from benchmarks.demo import STEPS, demo_markdown, profile_demo
from benchmarks.watched_step import WATCHED
from landmark_discovery.cli.main import app
from landmark_discovery.errors import UserError

ROOT = Path(__file__).parents[2]
TWO_FACES = [f"dataset.synthetic.{key}=1" for key in ("train_identities", "test_identities", "images_per_identity")]


def test_the_first_steps_run_and_leave_their_times(tmp_path):
    profile_demo(ROOT / "config.yaml", tmp_path, "prepare", TWO_FACES)
    tree = json.loads((tmp_path / "demo.json").read_text())
    assert [step["step"] for step in tree["steps"]] == ["synthesize", "prepare"]
    for step in tree["steps"]:
        assert set(step["parts"]) == {"start of Python", "rest", "end of Python"}
        assert sum(step["parts"].values()) == pytest.approx(step["seconds"], abs=0.01)
    assert "| prepare |" in (tmp_path / "demo.md").read_text()


def test_a_step_that_fails_is_named_with_its_last_words(tmp_path):
    with pytest.raises(UserError, match=r"synthesize: .*image_size_px"):
        profile_demo(ROOT / "config.yaml", tmp_path, None, ["dataset.synthetic.image_size_px=1"])


def test_an_unknown_step_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"unknown step 'bootstap'.*bootstrap"):
        profile_demo(ROOT / "config.yaml", tmp_path, "bootstap", [])


def test_parts_are_shown_for_watched_steps_the_largest_first():
    parts = {"start of Python": 1.0, "backward": 6.0, "rest": 2.0, "end of Python": 1.0}
    plain = {"start of Python": 1.0, "rest": 8.0, "end of Python": 1.0}
    steps = [{"step": "a", "seconds": 10.0, "parts": plain}, {"step": "b", "seconds": 10.0, "parts": parts}]
    text = demo_markdown({"command": "demo", "machine": {"cpu_count": 2}, "seconds": 20.0, "steps": steps})
    assert "| a | 10.0 | 50 % |" in text
    assert "part of a" not in text
    assert text.split("part of b")[1].splitlines()[2] == "| backward | 6.0 | 60 % |"


def test_each_step_is_a_command_of_the_package():
    commands = {command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands}
    assert {step.arguments.split()[0] for step in STEPS} <= commands
    assert set(WATCHED) <= commands


@pytest.mark.parametrize("command", WATCHED)
def test_what_is_watched_exists(command):
    for function in WATCHED[command]:
        found = functools.reduce(getattr, function.name.split("."), importlib.import_module(function.module))
        assert callable(found)

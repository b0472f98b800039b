import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged_bytes, damaged_text, damaged_tree, fuzz, only_user_errors

from landmark_discovery.config.experiments import load_experiments
from landmark_discovery.config.loading import default_values, load_config, parse_assignments, read_config_file
from landmark_discovery.config.schema import Config
from landmark_discovery.config.steps_json import read_step_settings, step_settings
from landmark_discovery.errors import UserError

WHOLE = default_values() | {"recipe": "short"}
TEXT = """recipe: short
num_landmarks: 5
stage1:
  iterations: 20
  optimizer: {milestones: [3, 4]}
sweep:
  seed: [1]
"""
PIECES = (
    *("{", "}", "[", "]", ": ", "- ", "\n", "\n  ", "&a ", "*a", "<<: *a", "? ", "! ", "|\n", "'", '"', "\t", "#"),
    *("!!int x", "!!float ", "!!bool x", "!!timestamp x", "!!binary x", "!!set ", "!!omap ", "!!pairs ", "!!null x"),
    *("2024-99-99", "1:99:99.5", "0b", "0x_", "0o9", "9" * 5000, "0x" + "f" * 5000, ".inf", ".nan", "1e999", "yes"),
    *("!!python/object/apply:os.system [x]", "!!python/name:os.system", "!x ", "%YAML 9.9\n---\n", "\x85", "\0"),
    *("...", "~", "\ufeff"),
)


@given(st.data())
@fuzz(150)
def test_damaged_configuration_files_are_read_or_refused(tmp_path, data):
    path = tmp_path / "config.yaml"
    text = data.draw(damaged_text(TEXT, PIECES, r"(?<=: )\S+").map(str.encode) | damaged_bytes(TEXT.encode()))
    path.write_bytes(text)

    with only_user_errors():
        load_config(read_config_file(path), where=path)


@given(damaged_tree(WHOLE))
@fuzz(150)
def test_any_value_under_any_key_is_taken_or_refused(tree):
    with only_user_errors():
        load_config(tree if isinstance(tree, dict) else {"num_landmarks": tree})


SWEEP = {
    "dataset": [{"name": "a"}, {"name": "b", "kind": "celeba"}],
    "bootstrap": [{"detector": "sift"}, {"name": "many", "max_keypoints": 50}],
    "seed": [1, 2],
}


@given(damaged_tree({"sweep": SWEEP, "seed": 3}))
@fuzz(60)
def test_any_sweep_is_expanded_or_refused(tree):
    with only_user_errors():
        load_experiments(tree if isinstance(tree, dict) else {}, overrides={}, files=("config.yaml",))


@given(st.lists(st.sampled_from(("seed", "stage1.iterations", "=", ".", "", "a.b", *PIECES)), max_size=5).map("".join))
@fuzz(150)
def test_any_assignment_is_taken_or_refused(text):
    with only_user_errors():
        load_config({}, parse_assignments([text, f"seed={text}", f"dataset={text}"]))


@given(st.data())
@fuzz(100)
def test_damaged_settings_of_a_step_are_read_or_refused(data):
    whole = step_settings(Config(), "train-stage1")
    tree = damaged_tree(json.loads(whole)).map(json.dumps)
    with only_user_errors():
        read_step_settings(data.draw(tree | damaged_text(whole, ("{", "[", '"', "9" * 5000, "NaN", "\0", "null", ":"))))


def test_deeply_nested_settings_of_a_step_are_refused():
    with pytest.raises(UserError, match="not JSON"):
        read_step_settings("[" * 100_000)

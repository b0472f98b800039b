"""The example of a configuration for one's own images loses nothing of the file that it is a copy of."""

import re

from shown_commands import ROOT

from landmark_discovery.config.loading import load_config, read_config_file
from landmark_discovery.config.yaml_text import read_yaml
from landmark_discovery.reporting.changes import changed_keys

PAGE = (ROOT / "docs" / "own-images.md").read_text(encoding="utf-8")
# What the copy changes on purpose, beside its name.
CHOICES = {"num_landmarks", "dataset.name"}


def test_the_example_sets_what_the_file_sets_but_for_the_users_choices():
    example = load_config(read_yaml(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1]))
    copied = load_config(
        read_config_file(ROOT / "config" / "own-images.yaml"), {"dataset": {"path": example.dataset.path}}
    )
    differences = changed_keys(example.model_dump(mode="json"), copied.model_dump(mode="json"))
    assert {key for key, *_ in differences} == CHOICES


def test_what_the_page_says_of_the_small_network_for_photographs_is_so():
    evaluation = read_config_file(ROOT / "config" / "faces-cpu.yaml")["evaluation"]
    for key, value in evaluation.items():
        assert f"`{key}: {value}`" in PAGE

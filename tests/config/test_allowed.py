import pytest

from landmark_discovery.config.allowed import allowed_values, schema_node, section_keys
from landmark_discovery.config.bootstrap_training import BootstrapTrainingConfig
from landmark_discovery.config.schema import Config


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("seed",), "a whole number of at least 0"),
        (("recipe",), "one of paper, short"),
        (("stage1", "detection", "threshold"), "a number from 0 to 1"),
        (("bootstrap", "outliers", "keep_fraction"), "a number above 0, of at most 1"),
        (("model", "width"), "a whole number of at least 16, divisible by 16"),
        (("bootstrap", "superpoint_swap_red_blue"), "true or false"),
        (("dataset", "path"), "text, or null"),
        (("augmentation", "scale"), "a list of 2 numbers"),
        (("evaluation", "points"), "a list of whole numbers of at least 0, or null"),
        (("evaluation", "points", 3), "a whole number of at least 0"),
        (("sweep", "dataset"), "a list of sections"),
        (("stage1",), "a section of keys"),
    ],
)
def test_what_a_key_may_hold_is_said_in_words(path, expected):
    assert allowed_values(schema_node(Config, path)) == expected


def test_every_key_can_be_described():
    def walk(section, path):
        for name, field in section.model_fields.items():
            assert allowed_values(schema_node(Config, (*path, name)))
            assert field.description, f"{'.'.join((*path, name))} has no description"
            if section_keys(Config, (*path, name)):
                walk(field.annotation, (*path, name))

    walk(Config, ())


def test_an_unknown_key_has_no_schema():
    with pytest.raises(KeyError):
        schema_node(Config, ("stage1", "iteratons"))


def test_a_section_of_another_configuration_is_described_by_itself():
    assert "iterations" in section_keys(BootstrapTrainingConfig, ("joint", "descent"))
    described = allowed_values(schema_node(BootstrapTrainingConfig, ("light", "contrast", 1)))
    assert described == "a number above 0"

import json

import pytest
from pydantic import ValidationError

from landmark_discovery.config.photographs import (
    CELL_PX,
    COLLECT_KEYS,
    CUT_KEYS,
    PhotographSettings,
    keys_json,
    source_fault,
)
from landmark_discovery.models import superpoint


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"crop_px": 164}, "multiple of 8"),
        ({"crop_px": 40}, "greater than or equal to 48"),
        ({"crop_px": 488}, "crop_px 488 exceeds min_side_px 480"),
        ({"test_share": 0}, "greater than 0"),
        ({"test_share": 1}, "less than 1"),
        ({"packages": []}, "neither packages nor a folder: name packages of wallpapers"),
        ({"packages": ["--help"]}, "should match pattern"),
        ({"folder": ""}, "folder is empty: name a folder of photographs, or give null"),
        ({"folder": " ", "packages": []}, "folder is empty"),
        ({"crops_per_photograph": 0}, "greater than or equal to 1"),
        ({"min_texture": 1.1}, "less than or equal to 1"),
    ],
)
def test_values_that_no_run_could_use_are_refused_with_words(keys, fault):
    with pytest.raises(ValidationError, match=fault):
        PhotographSettings.model_validate(keys)


def test_a_folder_needs_no_packages():
    assert PhotographSettings(packages=(), folder="mine").folder == "mine"
    assert source_fault((), "mine") == source_fault(("walls",), None) == ""


def test_each_key_is_a_step_s_and_only_the_texture_is_both_steps_():
    assert set(COLLECT_KEYS) | set(CUT_KEYS) == set(PhotographSettings.model_fields)
    assert set(COLLECT_KEYS) & set(CUT_KEYS) == {"min_texture"}


def test_the_keys_of_a_step_are_written_as_one_text_whatever_the_others_are():
    settings = PhotographSettings(folder="mine", crop_px=80)

    assert keys_json(settings, CUT_KEYS) == '{"crop_px":80,"crops_per_photograph":60,"min_texture":0.195}'
    assert keys_json(settings, CUT_KEYS[::-1]) == keys_json(PhotographSettings(crop_px=80), CUT_KEYS)
    collected = json.loads(keys_json(settings, COLLECT_KEYS))
    assert tuple(collected) == tuple(sorted(COLLECT_KEYS))
    assert collected["folder"] == "mine"
    assert collected["packages"] == list(settings.packages)


def test_squares_consist_of_cells_of_the_network():
    assert CELL_PX == superpoint.CELL_PX

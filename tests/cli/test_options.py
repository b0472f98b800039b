import pytest

from landmark_discovery.cli.options import settings_of
from landmark_discovery.config.loading import load_config
from landmark_discovery.config.steps_json import step_settings
from landmark_discovery.errors import UserError


def test_a_file_and_single_keys_lead_to_the_same_settings_as_the_workflow(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("recipe: paper\nstage2: {subpixel: true}\n", encoding="utf-8")
    by_file = settings_of("predict-stage2", None, path, ["num_landmarks=7"])
    whole = load_config({"recipe": "paper", "stage2": {"subpixel": True}, "num_landmarks": 7})
    assert by_file == settings_of("predict-stage2", step_settings(whole, "predict-stage2"), None, None)
    assert (by_file.num_landmarks, by_file.stage2.subpixel) == (7, True)


def test_without_any_option_the_short_recipe_holds():
    assert settings_of("synthesize", None, None, None).dataset.synthetic == load_config({}).dataset.synthetic


def test_both_kinds_of_settings_at_once_are_refused(tmp_path):
    with pytest.raises(UserError, match="--settings says everything"):
        settings_of("evaluate", "{}", tmp_path / "mine.yaml", None)


def test_a_person_is_told_where_the_wrong_key_is(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("sead: 3\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"mine.yaml: unknown key 'sead'"):
        settings_of("evaluate", None, path, None)

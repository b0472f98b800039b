import json

import pytest

from landmark_discovery.config.bootstrap_training import (
    STEP_KEYS,
    BootstrapTrainingConfig,
    bootstrap_step_settings,
    load_bootstrap_training,
    read_bootstrap_training,
    require_material,
)
from landmark_discovery.config.steps_json import read_part
from landmark_discovery.errors import UserError


def test_the_file_beside_the_workflow_holds_the_defaults():
    path = "workflow/bootstrap_training/config.yaml"
    assert read_bootstrap_training(path) == BootstrapTrainingConfig()


@pytest.mark.parametrize("step", STEP_KEYS)
def test_a_step_reads_back_its_own_keys_and_no_others(step):
    config = BootstrapTrainingConfig(seed=7)
    text = bootstrap_step_settings(config, step)
    read = read_part(BootstrapTrainingConfig, text)
    assert set(json.loads(text)) == set(STEP_KEYS[step])
    for key in STEP_KEYS[step]:
        assert getattr(read, key) == getattr(config, key)
    undeclared = set(BootstrapTrainingConfig.model_fields) - set(STEP_KEYS[step])
    for key in undeclared:
        with pytest.raises(AttributeError):
            getattr(read, key)


def test_an_unknown_step_is_refused():
    with pytest.raises(UserError, match="unknown step 'train'"):
        bootstrap_step_settings(BootstrapTrainingConfig(), "train")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"jiont": {}}, "unknown key 'jiont'.*joint"),
        ({"joint": {"piont": 1}}, r"unknown key 'joint\.piont'.*points"),
        ({"joint": {"input_px": 100}}, r"joint\.input_px is 100; allowed: a whole number .*divisible by 8"),
        ({"magicpoint": {"descent": {"learning_rate": 0}}}, r"magicpoint\.descent\.learning_rate"),
        ({"light": {"blur_sigma_px": [0, 5]}}, r"light\.blur_sigma_px.*isn't within 0 and 1.5"),
        (
            {"light": {"noise_deviation": [-0.1, 0.1]}},
            r"light\.noise_deviation\.0 is -0\.1; allowed: .* from 0 to 1",
        ),
        ({"light": {"contrast": [1.5, 0.5]}}, r"light\.contrast.*begins above its end"),
        ({"light": {"shade": [0, 3]}}, r"light\.shade"),
        ({"joint": {"homography": {"perspective": 0.6}}}, r"joint\.homography\.perspective"),
        ({"joint": {"homography": {"scale": [0, 1]}}}, r"joint\.homography\.scale"),
        ({"photographs": {"crop_px": 100}}, r"photographs\.crop_px"),
        ({"seed": -1, "joint": {"piont": 1}}, r"unknown key 'joint\.piont'"),
        ({"photographs": {"test_share": 0}}, r"photographs\.test_share"),
    ],
)
def test_keys_that_do_not_exist_and_values_out_of_range_are_named(given, message):
    with pytest.raises(UserError, match=f"training.yaml: {message}"):
        load_bootstrap_training(given, where="training.yaml")


def test_keys_that_are_not_given_have_their_defaults():
    config = load_bootstrap_training({"joint": {"points": 40}})
    assert (config.joint.points, config.seed) == (40, load_bootstrap_training({}).seed)


@pytest.mark.parametrize("key", ["faces", "superpoint"])
def test_material_that_is_not_there_is_refused_by_its_key(key):
    with pytest.raises(UserError, match=f"nowhere: no such (folder|file); correct {key}"):
        require_material(load_bootstrap_training({key: "nowhere"}))


def test_material_that_is_there_or_not_asked_for_is_accepted(tmp_path):
    require_material(BootstrapTrainingConfig())
    require_material(load_bootstrap_training({"faces": str(tmp_path), "photographs": {"folder": str(tmp_path)}}))

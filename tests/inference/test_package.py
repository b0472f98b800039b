from dataclasses import replace

import numpy as np
import pytest

from landmark_discovery.data.cutting import CutRule
from landmark_discovery.errors import UserError
from landmark_discovery.inference.package import load_model, package_model
from landmark_discovery.training.weights import load_weights, save_weights

CUT = {"crop_rule": "margin", "crop_margin": 0.2, "context": 0.5, "max_crop_px": 64}


@pytest.fixture
def packaged(save_stage, store, tiny_config):
    config = tiny_config(dataset=CUT, stage2={"subpixel": True, "average_turned_views": False, "shape_prior": True})
    return package_model(save_stage(), [store], config, ["celeba"])


@pytest.fixture
def rewritten(packaged, tmp_path):
    """Write a model file with another description of its use."""

    def rewrite(**changes):
        use = {**packaged.facts["use"], **changes}
        save_weights(tmp_path / "other.safetensors", replace(packaged, facts={**packaged.facts, "use": use}))
        return tmp_path / "other.safetensors"

    return rewrite


def test_a_model_file_says_all_that_using_it_needs(packaged, some_shape, tmp_path):
    save_weights(tmp_path / "model.safetensors", packaged)
    model = load_model(tmp_path / "model.safetensors")
    assert model.rule == CutRule("margin", 0.2, 0.5, 64)
    assert (model.num_landmarks, model.size_px, model.frame_px) == (3, 32, (90, 80))
    assert (model.decoding.subpixel, model.decoding.average_turned_views) == (True, False)
    np.testing.assert_array_equal(model.flip_map, [2, 1, 0])
    np.testing.assert_array_equal(model.prior.mean, some_shape.mean)
    assert model.about["licences"] == ["celeba"]
    assert (model.about["data"]["train_images"], model.about["data"]["test_images"]) == (1, 1)


def test_training_images_are_counted_where_they_trained(save_stage, store, tiny_config, build_store):
    pixels = [np.zeros((8, 8, 3), dtype=np.uint8)] * 3
    training = build_store(pixels, [(0, 0, 8, 8)] * 3)
    data = package_model(save_stage(), [training, store], tiny_config(), []).facts["use"]["about"]["data"]
    assert (data["train_images"], data["test_images"]) == (3, 1)
    converted = package_model(save_stage(source={}), [store], tiny_config(), []).facts["use"]["about"]["data"]
    assert (converted["train_images"], converted["test_images"]) == (None, 1)


def test_the_frame_is_that_of_the_images_that_predictions_are_measured_on(save_stage, store, tiny_config, build_store):
    training = build_store([np.zeros((8, 8, 3), dtype=np.uint8)], [(0, 0, 8, 8)])
    assert package_model(save_stage(), [training, store], tiny_config(), []).facts["use"]["frame_px"] == [90, 80]


def test_equal_models_are_equal_files(packaged, tmp_path):
    for name in ("one", "other"):
        save_weights(tmp_path / name, packaged)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_the_authors_weights_are_read_by_the_authors_rules(save_stage, store, tiny_config):
    config = tiny_config(stage2={"subpixel": True, "average_turned_views": True, "shape_prior": True})
    use = package_model(save_stage(convention="authors"), [store], config, []).facts["use"]
    assert use["decoding"] == {"subpixel": False, "average_turned_views": False, "shape_prior": False}


def test_weights_without_a_shape_are_not_packaged_to_be_read_with_one(store, save_stage, tiny_config, tmp_path):
    trained = load_weights(save_stage(), 2)
    save_weights(tmp_path / "none", replace(trained, extras={"flip_map": trained.extras["flip_map"]}))
    with pytest.raises(UserError, match="none: holds no shape of its landmarks; train stage 2 anew, or set stage2"):
        package_model(tmp_path / "none", [store], tiny_config(stage2={"shape_prior": True}), [])


def test_a_model_file_that_lost_its_shape_is_refused(packaged, tmp_path):
    stripped = replace(packaged, extras={"flip_map": packaged.extras["flip_map"]})
    save_weights(tmp_path / "model.safetensors", stripped)
    with pytest.raises(UserError, match=r"model\.safetensors: holds no shape of its landmarks"):
        load_model(tmp_path / "model.safetensors")


def test_files_of_before_there_were_shapes_are_read_without(rewritten):
    model = load_model(rewritten(decoding={"subpixel": True, "average_turned_views": False}))
    assert model.prior is None


def test_a_licence_that_there_is_not_is_refused(save_stage, store, tiny_config):
    with pytest.raises(UserError, match="unknown licence 'celebb'"):
        package_model(save_stage(), [store], tiny_config(), ["celebb"])


def test_weights_alone_are_refused_with_the_file_to_give(save_stage):
    with pytest.raises(UserError, match=r"weights alone.*give model\.safetensors"):
        load_model(save_stage())


def test_weights_of_stage_1_are_refused(save_stage, store, tiny_config):
    path = save_stage(1, threshold=0.2, position_weight=0.0)
    for use in (load_model, lambda path: package_model(path, [store], tiny_config(), [])):
        with pytest.raises(UserError, match="weights of stage 1; give those of stage 2"):
            use(path)


@pytest.mark.parametrize(
    "change",
    [
        {"frame_px": [90]},
        {"frame_px": ["wide", 80]},
        {"decoding": {"subpixel": "perhaps"}},
        {"decoding": 3},
        {"cut": {**CUT, "crop_rule": "none"}},
        {"cut": {}},
        {"about": 7},
    ],
)
def test_a_description_that_cannot_be_read_is_refused(rewritten, change):
    with pytest.raises(UserError, match="its description of how to use it can't be read"):
        load_model(rewritten(**change))

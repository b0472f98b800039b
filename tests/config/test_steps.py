import json

import pytest

from landmark_discovery.config.data import OutlierSettings
from landmark_discovery.config.loading import default_values, load_config, merged
from landmark_discovery.config.steps import (
    STEPS,
    canonical_json,
    shared_name,
    step_keys,
    step_tree,
    training_command,
)
from landmark_discovery.config.steps_json import read_step_settings, step_settings
from landmark_discovery.errors import UserError

SHARED = ("synthesize", "prepare", "bootstrap")


def changed(**sections):
    return load_config(merged(load_config({}).model_dump(mode="json"), sections))


def steps_that_see(**sections):
    before, after = load_config({}), changed(**sections)
    return [step for step in STEPS if step_settings(before, step) != step_settings(after, step)]


def test_settings_are_canonical_json_of_the_keys_of_the_step():
    config = load_config({"dataset": {"synthetic": {"seed": 7, "image_size_px": 96}}})
    text = step_settings(config, "synthesize")
    assert json.loads(text) == {"dataset": {"synthetic": config.dataset.synthetic.model_dump()}}
    assert text.startswith('{"dataset":{"synthetic":{"image_size_px":96,')


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        ({"evaluation": {"repeats": 3}}, ["evaluate", "report"]),
        ({"report": {"grid_images": 3}}, ["draw-pictures", "report"]),
        ({"stage2": {"iterations": 7}}, ["train-stage2", "report"]),
        ({"stage2": {"subpixel": False}}, ["train-stage2", "predict-stage2", "package-model", "report"]),
        (
            {"stage1": {"detection": {"nms_iou": 0.5}}},
            ["train-stage1", "export-pseudo-groundtruth", "predict-stage1", "report"],
        ),
        ({"bootstrap": {"max_keypoints": 9}}, ["bootstrap", "report"]),
        ({"bootstrap": {"superpoint_nms_px": 9}}, ["report"]),
        ({"bootstrap": {"superpoint_open_threshold": 0.5}}, ["bootstrap", "report"]),
        ({"bootstrap": {"sift_contrast_threshold": 0.5}}, ["report"]),
        ({"dataset": {"crop_margin": 0.7}}, ["report"]),
        ({"dataset": {"max_crop_px": 99}}, ["prepare", "package-model", "report"]),
        ({"dataset": {"synthetic": {"seed": 9}}}, ["synthesize", "report"]),
        ({"processes": 2}, ["train-stage1", "train-stage2", "report"]),
        ({"experiment": "other"}, ["report"]),
    ],
)
def test_a_changed_key_is_seen_by_what_depends_on_it_and_by_nothing_else(change, steps):
    assert steps_that_see(**change) == steps


@pytest.mark.parametrize(
    ("detector", "read"),
    [
        ("superpoint-open", ["superpoint_open_threshold", "max_keypoints", "min_distance"]),
        ("superpoint", ["superpoint_threshold", "superpoint_nms_px", "superpoint_swap_red_blue"]),
        ("sift", ["sift_contrast_threshold", "max_keypoints", "min_distance"]),
    ],
)
def test_a_detector_depends_on_its_own_keys_and_only_a_network_on_where_it_runs(detector, read):
    keys = step_keys(changed(bootstrap={"detector": detector}), "bootstrap")
    network = ["device", "deterministic"] if detector != "sift" else []
    shared = ["detector", "min_keypoints", *(f"outliers.{name}" for name in OutlierSettings.model_fields)]
    assert set(keys) == {*(f"bootstrap.{name}" for name in [*shared, *read]), "model.input_size_px", *network}


def test_every_key_that_matters_to_results_belongs_to_a_step():
    config = changed(
        dataset={"kind": "folder", "path": "x", "crop_rule": "margin"}, bootstrap={"detector": "superpoint"}
    )
    without_network = changed(bootstrap={"detector": "sift"})
    others = load_config({}), without_network, changed(dataset={"kind": "celeba"})
    seen = {key for step in STEPS if step != "report" for one in (config, *others) for key in step_keys(one, step)}
    rest = set(step_keys(config, "report")) - seen
    # Paths and downloads are inputs of the workflow, names are in the paths, and the workflow reads the rest.
    assert rest == {
        *("experiment", "recipe", "pretrained", "accept_licences", "dataset.path", "container", "bind"),
        *("downloads.folder", "downloads.lock", "downloads.sources", "downloads.offline"),
        *("sweep.num_landmarks", "sweep.seed", "sweep.dataset", "sweep.bootstrap"),
    }


@pytest.mark.parametrize("step", STEPS)
def test_settings_come_back_as_they_were(step):
    config = load_config({"num_landmarks": 90, "model": {"input_size_px": 48, "depth": 2}})
    settings = read_step_settings(step_settings(config, step))
    assert canonical_json(settings.model_dump(mode="json")) == step_settings(config, step)


def test_a_step_cannot_read_a_key_that_it_does_not_declare():
    settings = read_step_settings(step_settings(load_config({}), "predict-stage2"))
    assert settings.stage2.subpixel is True
    assert settings.model.grid_size == 64
    with pytest.raises(AttributeError):
        _ = settings.seed
    with pytest.raises(AttributeError):
        _ = settings.stage2.iterations


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[", "not JSON"),
        ("3", "not a JSON object"),
        ('{"sead": 3}', "unknown key 'sead'; did you mean 'seed'?"),
        ('{"seed": "x"}', "seed is 'x'"),
        ('{"stage2": {"iterations": 0}}', "iterations is 0"),
    ],
)
def test_settings_that_the_workflow_cannot_have_written_are_refused(text, fault):
    with pytest.raises(UserError) as caught:
        read_step_settings(text)
    assert f"--settings: {fault}" in str(caught.value)


def test_an_unknown_step_is_refused():
    with pytest.raises(UserError, match="did you mean 'evaluate'"):
        step_tree(load_config({}), "evaluat")


@pytest.mark.parametrize(
    ("change", "renamed"),
    [
        ({"dataset": {"synthetic": {"seed": 9}}}, SHARED),
        ({"dataset": {"max_crop_px": 99}}, ("prepare", "bootstrap")),
        ({"model": {"input_size_px": 128}}, ("bootstrap",)),
        ({"seed": 3, "stage1": {"iterations": 5000}}, ()),
    ],
)
def test_a_shared_result_has_a_new_name_where_anything_before_it_changed(change, renamed):
    before, after = load_config({}), changed(**change)
    assert tuple(step for step in SHARED if shared_name(before, step) != shared_name(after, step)) == renamed


def test_the_name_of_a_shared_result_depends_on_the_folder_of_images():
    names = {
        shared_name(changed(dataset={"kind": "folder", "path": path, "name": "cats"}), "prepare") for path in ("a", "b")
    }
    assert len(names) == 2
    assert all(name.startswith("cats-") and len(name) == len("cats-") + 10 for name in names)


def test_the_defaults_name_every_section():
    assert set(step_tree(load_config({}), "report")) == set(default_values())


def test_training_starts_by_torchrun_where_several_processes_share_it():
    assert training_command(load_config({})) == "landmarks"
    several = training_command(load_config({"processes": 4}))
    assert several == "torchrun --standalone --nproc-per-node 4 -m landmark_discovery"

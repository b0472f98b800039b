import pytest

from landmark_discovery.config.experiments import expand_experiments, load_experiments
from landmark_discovery.config.loading import load_config
from landmark_discovery.errors import UserError


def expanded(**given):
    return expand_experiments(load_config(given))


def test_without_a_sweep_there_is_one_experiment_under_its_own_name():
    config = load_config({"experiment": "mine"})
    assert expand_experiments(config) == {"mine": config}


def test_only_the_swept_axes_are_appended_to_the_name():
    experiments = expanded(experiment="demo", sweep={"num_landmarks": [10, 30], "seed": [1, 2]})
    assert list(experiments) == ["demo-k10-seed1", "demo-k10-seed2", "demo-k30-seed1", "demo-k30-seed2"]
    last = experiments["demo-k30-seed2"]
    assert (last.experiment, last.num_landmarks, last.seed) == ("demo-k30-seed2", 30, 2)
    assert last.sweep.seed == ()


def test_a_swept_data_set_changes_only_the_keys_that_it_names():
    experiments = expanded(
        dataset={"max_crop_px": 99},
        sweep={"dataset": [{"name": "drawn"}, {"name": "cats", "kind": "folder", "path": "cats"}], "seed": [1993]},
    )
    assert list(experiments) == ["demo-drawn-seed1993", "demo-cats-seed1993"]
    assert [config.dataset.kind for config in experiments.values()] == ["synthetic", "folder"]
    assert [config.dataset.max_crop_px for config in experiments.values()] == [99, 99]


def test_an_expanded_experiment_stands_alone():
    experiments = expanded(sweep={"seed": [4]})
    again = load_config(experiments["demo-seed4"].model_dump(mode="json"))
    assert expand_experiments(again) == experiments


@pytest.mark.parametrize(
    ("sweep", "fault"),
    [
        ({"seed": [1, 1]}, "sweep names 'demo-seed1' twice"),
        ({"dataset": [{"kind": "folder"}]}, "has no name"),
        ({"dataset": [{"name": "x", "pth": "y"}]}, "unknown key 'dataset.pth'; did you mean 'path'?"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(sweep, fault):
    with pytest.raises(UserError, match=fault):
        expanded(sweep=sweep)


def test_a_recipe_is_not_changed_over_a_file_that_sets_every_key():
    with pytest.raises(UserError, match=r"config.yaml: recipe changes nothing here.*recipe: paper"):
        load_experiments({"recipe": "paper"}, overrides={"recipe": "paper"}, files=())
    experiments = load_experiments({"recipe": "paper"}, overrides={"recipe": "paper"}, files=("mine.yaml",))
    assert experiments["demo"].stage1.iterations == 200_000


def test_a_missing_folder_of_images_is_refused_before_anything_runs(tmp_path):
    dataset = {"kind": "folder", "path": str(tmp_path / "none")}
    with pytest.raises(UserError, match=r"mine.yaml: dataset.path is '.*none', which is no folder"):
        load_experiments({"dataset": dataset}, overrides={}, files=("config/mine.yaml",))
    dataset["path"] = str(tmp_path)
    assert list(load_experiments({"dataset": dataset}, overrides={}, files=())) == ["demo"]

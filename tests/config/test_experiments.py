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


def test_a_swept_bootstrap_is_called_by_its_detector():
    experiments = expanded(
        bootstrap={"max_keypoints": 9},
        sweep={"bootstrap": [{"detector": "sift"}, {"detector": "superpoint-open"}], "seed": [1, 2]},
    )
    names = ["demo-sift-seed1", "demo-sift-seed2", "demo-superpoint-open-seed1", "demo-superpoint-open-seed2"]
    assert list(experiments) == names
    assert [config.bootstrap.detector for config in experiments.values()] == [*2 * ["sift"], *2 * ["superpoint-open"]]
    assert {config.bootstrap.max_keypoints for config in experiments.values()} == {9}
    assert {config.sweep.bootstrap for config in experiments.values()} == {()}


def test_changes_of_one_detector_get_names_of_their_own():
    few, many = {"name": "few", "max_keypoints": 5}, {"name": "many", "max_keypoints": 50}
    experiments = expanded(sweep={"bootstrap": [few, many], "dataset": [{"name": "drawn"}], "num_landmarks": [4]})
    assert list(experiments) == ["demo-drawn-few-k4", "demo-drawn-many-k4"]
    assert [config.bootstrap.max_keypoints for config in experiments.values()] == [5, 50]


def test_a_sweep_of_the_command_line_may_be_text():
    experiments = expanded(sweep="{bootstrap: [{detector: sift}, {detector: superpoint}], seed: [1, 2, 3]}")
    assert len(experiments) == 6


def test_an_expanded_experiment_stands_alone():
    experiments = expanded(sweep={"seed": [4]})
    again = load_config(experiments["demo-seed4"].model_dump(mode="json"))
    assert expand_experiments(again) == experiments


@pytest.mark.parametrize(
    ("sweep", "fault"),
    [
        ({"seed": [1, 1]}, "sweep names 'demo-seed1' twice"),
        ({"dataset": [{"kind": "folder"}]}, "has no name"),
        ({"bootstrap": [{"max_keypoints": 3}]}, "has neither a detector nor a name; give it a name"),
        (
            {"bootstrap": [{"detector": "sift"}, {"detector": "sift", "max_keypoints": 9}]},
            "sweep names 'demo-sift' twice",
        ),
        ({"bootstrap": [{"detector": "shift"}]}, "bootstrap.detector is 'shift'; allowed: one of superpoint-open"),
        ({"bootstrap": [{"detector": "sift", "name": "a/b"}]}, "experiment is 'demo-a/b'"),
        ({"bootstrap": [{"detector": "sift", "max_keypoint": 9}]}, "did you mean 'max_keypoints'"),
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


def test_a_key_that_stands_twice_in_a_file_that_snakemake_read_is_refused(tmp_path, monkeypatch):
    mine = tmp_path / "mine.yaml"
    mine.write_text("dataset: {kind: folder}\nseed: 1\ndataset: {max_crop_px: 64}\n")
    with pytest.raises(UserError, match=r"mine\.yaml: key 'dataset' stands in line 1 and again in line 3"):
        load_experiments({"seed": 1}, overrides={}, files=("other.yaml", mine))
    monkeypatch.chdir(tmp_path)
    mine.rename("config.yaml")
    with pytest.raises(UserError, match=r"config\.yaml: key 'dataset' stands in line 1"):
        load_experiments({"seed": 1}, overrides={}, files=())


def test_a_file_that_snakemake_reads_otherwise_than_we_do_is_left_to_it(tmp_path):
    mine = tmp_path / "mine.json"
    mine.write_text('{\n\t"seed": 1\n}')
    assert load_experiments({"seed": 1}, overrides={}, files=(mine,))["demo"].seed == 1


def test_a_missing_folder_of_images_is_refused_before_anything_runs(tmp_path):
    dataset = {"kind": "folder", "path": str(tmp_path / "none")}
    with pytest.raises(UserError, match=r"mine.yaml: dataset.path is '.*none', which is no folder"):
        load_experiments({"dataset": dataset}, overrides={}, files=("config/mine.yaml",))
    dataset["path"] = str(tmp_path)
    assert list(load_experiments({"dataset": dataset}, overrides={}, files=())) == ["demo"]

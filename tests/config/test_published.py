from pathlib import Path

import pytest

from landmark_discovery.config.experiments import expand_experiments, experiments_beside
from landmark_discovery.config.loading import load_config, read_config_file
from landmark_discovery.config.published import (
    checkpoint_download,
    dataset_downloads,
    needed_downloads,
    published_experiment,
)
from landmark_discovery.config.steps import shared_name
from landmark_discovery.downloads.sources import read_sources
from landmark_discovery.errors import UserError

FOLDER = Path(__file__).parents[2] / "config"
PAPER = [f"{kind}_k{count}{form}" for kind in ("celeba", "ls3d") for count in (10, 30) for form in ("", "_short")]
AUTHORS = ["pretrained_celeba", "pretrained_ls3d"]


def experiments_of(name):
    path = FOLDER / f"{name}.yaml"
    return expand_experiments(load_config(read_config_file(path), where=path), where=path)


def test_drawn_faces_and_a_folder_need_no_download():
    assert needed_downloads(load_config({"recipe": "short"})) == ()
    assert needed_downloads(load_config({"recipe": "short", "dataset": {"kind": "folder", "path": "x"}})) == ()


@pytest.mark.parametrize("detector", ["superpoint-open", "sift"])
def test_what_comes_with_the_package_is_no_download(detector):
    assert needed_downloads(load_config({"bootstrap": {"detector": detector}})) == ()


def test_superpoint_needs_its_weights():
    assert needed_downloads(load_config({"bootstrap": {"detector": "superpoint"}})) == ("superpoint_v1.pth",)


def test_pretrained_weights_need_neither_bootstrap_nor_training_data_of_another_kind():
    config = load_config({"pretrained": True, "num_landmarks": 30, "dataset": {"kind": "ls3d"}})
    assert needed_downloads(config) == (*dataset_downloads(config), "ls3d_k30_stage1.pth", "ls3d_k30_stage2.pth")


@pytest.mark.parametrize("name", [*PAPER, *AUTHORS])
def test_all_that_an_experiment_of_the_paper_needs_is_in_the_table_of_downloads(name):
    for config in experiments_of(name).values():
        assert set(needed_downloads(config)) <= set(read_sources())


@pytest.mark.parametrize("name", PAPER)
def test_an_experiment_of_the_paper_is_named_after_what_it_is_judged_by(name):
    ((experiment, config),) = experiments_of(name).items()
    assert experiment == name
    assert published_experiment(config) == name.removesuffix("_short")
    assert config.recipe == ("short" if name.endswith("_short") else "paper")
    assert config.headline is not None


def test_a_folder_of_the_users_is_judged_by_nothing():
    assert published_experiment(load_config({"dataset": {"kind": "folder", "path": "x"}})) is None


@pytest.mark.parametrize("name", AUTHORS)
def test_the_authors_weights_are_measured_with_10_and_30_landmarks(name):
    configs = experiments_of(name).values()
    assert [config.num_landmarks for config in configs] == [10, 30]
    assert all(config.pretrained for config in configs)
    assert checkpoint_download(next(iter(configs)), 2) == f"{name.removeprefix('pretrained_')}_k10_stage2.pth"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"num_landmarks": 12}, "num_landmarks is 12; valid: 10, 30"),
        ({"dataset": {"kind": "synthetic"}}, "dataset.kind is synthetic; valid: celeba, ls3d"),
    ],
)
def test_weights_that_nobody_published_cannot_be_asked_for(change, fault):
    with pytest.raises(UserError, match=fault):
        load_config({"pretrained": True, "dataset": {"kind": "celeba"}, **change})


def test_another_archive_of_celeba_is_another_data_set():
    names = {
        shared_name(load_config({"dataset": {"kind": "celeba", "archive": archive}}), "prepare")
        for archive in ("celeba.zip", "img_align_celeba.zip")
    }
    assert len(names) == 2


def test_experiments_beside_the_main_one_take_licences_from_it_and_the_rest_from_the_command_line():
    main = load_config({"device": "cpu", "precision": "float32", "seed": 5, "accept_licences": ["celeba"]})
    overrides = {"evaluation": "{repeats: 3}", "dataset": {"path": "mine"}, "seed": 5}
    beside = experiments_beside(main, FOLDER / "pretrained_celeba.yaml", overrides)
    assert list(beside) == ["pretrained_celeba-k10", "pretrained_celeba-k30"]
    for config in beside.values():
        assert (config.device, config.precision, config.accept_licences) == ("auto", "tf32", ("celeba",))
        assert (config.seed, config.evaluation.repeats, config.dataset.path) == (1993, 3, None)
    on_cpu = experiments_beside(main, FOLDER / "pretrained_celeba.yaml", {"device": "cpu"})
    assert {config.device for config in on_cpu.values()} == {"cpu"}

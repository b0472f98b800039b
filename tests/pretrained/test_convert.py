import hashlib

import numpy as np
import pytest
import torch

from landmark_discovery import __version__
from landmark_discovery.config.training import ModelSettings
from landmark_discovery.errors import UserError
from landmark_discovery.heatmaps.conventions import AUTHORS_PIXELS, CONVENTIONS
from landmark_discovery.pretrained.convert import convert_checkpoint
from landmark_discovery.training.pseudo_groundtruth_export import landmarker_of
from landmark_discovery.training.weights import load_weights, save_weights

KNOWN = {"address": "somewhere", "licence": "MIT"}


@pytest.fixture
def convert(small_model):
    def run(path, stage, num_landmarks=3, **changes):
        model = ModelSettings(**(small_model.model_dump() | changes))
        return convert_checkpoint(path, stage, num_landmarks, model, KNOWN)

    return run


def with_parameters(change):
    """Change the parameters of a file's content, by their names in the file."""
    return lambda content: content | {"state_dict": change(dict(content["state_dict"]))}


@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize("branches", [("b1", "b2", "b3", "b4"), ("b1", "b2", "b3")])
@pytest.mark.parametrize("prefix", ["module.", ""])
def test_parameters_arrive_by_name_and_those_that_nothing_reads_are_left_out(
    authors_file, authors_content, convert, stage, branches, prefix
):
    converted = convert(authors_file(stage, branches=branches, prefix=prefix), stage).network.state_dict()
    written = authors_content(stage, branches=branches, prefix="")["state_dict"]
    for name, value in converted.items():
        assert torch.equal(value, written[name]), name
    unread = {name.split(".")[0] if stage == 2 else name.split("_")[0] for name in set(written) - set(converted)}
    heads = {"top_m_0", "conv_last0", "bn_end0", "l0"} if stage == 2 else set()
    assert unread == heads | ({"m0" if stage == 2 else "m0.b4"} if "b4" in branches else set())


def test_a_file_of_stage_2_needs_no_head_of_stage_1(authors_file, convert):
    def without_first_head(parameters):
        unread = ("module.top_m_0", "module.conv_last0", "module.bn_end0", "module.l0")
        return {name: value for name, value in parameters.items() if not name.startswith(unread)}

    assert convert(authors_file(2, with_parameters(without_first_head)), 2).network.head_numbers == (1,)


def test_the_landmarker_of_stage_1_names_by_all_centroids_from_the_published_threshold(
    authors_file, authors_content, convert
):
    landmarker = landmarker_of(convert(authors_file(1), 1))
    np.testing.assert_array_equal(landmarker.centroids, authors_content(1)["centroid"])
    assert landmarker.selected.tolist() == [0, 1, 2]
    assert landmarker.flip_map.tolist() == [-1, -1, -1]
    assert (landmarker.threshold, landmarker.position_weight) == (0.15, 0.0)


def test_stage_2_keeps_the_flip_map_alone(authors_file, authors_content, convert):
    extras = convert(authors_file(2), 2).extras
    assert {name: value.tolist() for name, value in extras.items()} == {
        "flip_map": authors_content(2)["flipppingCorrespondance"].tolist()
    }


@pytest.mark.parametrize("stage", [1, 2])
def test_the_facts_say_where_the_weights_come_from(authors_file, convert, small_model, stage):
    path = authors_file(stage)
    facts = convert(path, stage).facts
    assert facts["source"] == {
        "address": "somewhere",
        "licence": "MIT",
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "iteration": 200_000,
    }
    assert (facts["stage"], facts["num_landmarks"], facts["convention"]) == (stage, 3, "authors")
    assert (facts["model"], facts["version"]) == (small_model.model_dump(mode="json"), __version__)
    assert ("threshold" in facts) == (stage == 1)


@pytest.mark.parametrize("stage", [1, 2])
def test_converted_weights_are_saved_and_loaded_like_ours_with_their_convention(authors_file, convert, tmp_path, stage):
    converted, path = convert(authors_file(stage), stage), tmp_path / "weights.safetensors"
    save_weights(path, converted)
    loaded = load_weights(path, stage, CONVENTIONS.values())
    assert loaded.facts == converted.facts
    assert loaded.convention == AUTHORS_PIXELS
    assert not loaded.network.training
    for name, value in converted.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], value), name


def test_equal_files_give_equal_bytes(authors_file, convert, tmp_path):
    for name in ("first", "second"):
        save_weights(tmp_path / name, convert(authors_file(1), 1))
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize("stage", [1, 2])
def test_another_number_of_landmarks_is_refused(authors_file, convert, stage):
    with pytest.raises(UserError, match="has 3 landmarks, not 10; set num_landmarks to 3"):
        convert(authors_file(stage), stage, num_landmarks=10)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"width": 32}, "its network has width 16, not 32; set model.width to 16"),
        ({"depth": 3}, "its network has depth 1, not 3; set model.depth to 1"),
        ({"descriptor_dim": 16}, "its network has descriptor_dim 8, not 16; set model.descriptor_dim to 8"),
    ],
)
def test_a_network_of_another_size_is_told_by_its_sizes(authors_file, convert, changes, reason):
    with pytest.raises(UserError, match=reason):
        convert(authors_file(1), 1, **changes)


@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda found: {name: value for name, value in found.items() if not name.startswith("module.bn_end1")},
            "2 parameters are missing, 'bn_end1.weight' first",
        ),
        (lambda found: {"module.conv1.weight": found["module.conv1.weight"]}, "its network has depth 0"),
        (lambda _: {}, "its network has depth 0"),
        (lambda found: found | {"module.fc.bias": torch.ones(2)}, "1 parameters are unknown, 'fc.bias' first"),
        (lambda found: found | {"module.bn1.weight": torch.ones(5)}, r"'bn1.weight' has the shape \(5,\), not \(4,\)"),
        (
            lambda found: found | {"module.m0.b4_1.bn1.bias": torch.ones(5)},
            r"'m0.b4_1.bn1.bias' has the shape \(5,\), not \(16,\)",
        ),
        (
            lambda found: found | {"module.l1.weight": torch.ones(7, 16, 1, 1)},
            r"'l1.weight' has the shape \(7, 16, 1, 1\), not \([83], 16, 1, 1\)",
        ),
        (lambda found: {f"module.{name}": value for name, value in found.items()}, "its network has depth 0"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(authors_file, convert, stage, change, reason):
    path = authors_file(stage, with_parameters(change))
    with pytest.raises(UserError, match=reason) as error:
        convert(path, stage)
    assert str(error.value).startswith(f"{path}: ")


def test_a_network_without_its_first_layer_is_missing_it(authors_file, convert):
    def without_first_layer(parameters):
        return {name: value for name, value in parameters.items() if not name.startswith("module.conv1")}

    with pytest.raises(UserError, match=r"2 parameters are missing, 'conv1\.weight' first"):
        convert(authors_file(1, with_parameters(without_first_layer)), 1)

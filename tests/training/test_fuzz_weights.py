"""Weights and checkpoints that others wrote, or that were damaged."""

import json
import struct

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged_bytes, damaged_tree, fuzz, only_user_errors
from safetensors.torch import save, save_file

from landmark_discovery.config.training import ModelSettings
from landmark_discovery.digests import digest_of
from landmark_discovery.errors import UserError
from landmark_discovery.heatmaps.conventions import CONVENTIONS
from landmark_discovery.training.checkpoints import Checkpoint, CheckpointFolder
from landmark_discovery.training.pseudo_groundtruth_export import landmarker_of
from landmark_discovery.training.weights import (
    FORMAT,
    NETWORK,
    TrainedWeights,
    build_network,
    load_weights,
    require_landmarks,
    save_weights,
)

MODEL = ModelSettings(input_size_px=32, width=16, depth=1, norm_groups=2, descriptor_dim=8)
FACTS = {
    "stage": 1,
    "num_landmarks": 3,
    "model": MODEL.model_dump(mode="json"),
    "threshold": 0.1,
    "position_weight": 0.0,
    "convention": "authors",
}
EXTRAS = {
    "centroids": torch.ones(4, 8),
    "selected": torch.tensor([0, 1, 3]),
    "flip_map": torch.tensor([1, 0, -1]),
}
NETWORK_TENSORS = {NETWORK + name: tensor for name, tensor in build_network(MODEL, 1, 3).state_dict().items()}
WHOLE = save(NETWORK_TENSORS | EXTRAS, metadata={FORMAT: json.dumps(FACTS)})
HEADER_END = 8 + struct.unpack_from("<Q", WHOLE)[0]
ODD_TENSORS = (
    torch.tensor(1),
    torch.zeros(0),
    torch.zeros(3),
    torch.zeros(3, dtype=torch.int64),
    torch.full((3,), 99),
    torch.full((3,), -5),
    torch.full((4, 8), torch.nan),
    torch.ones(4, 10),
    torch.ones(3, dtype=torch.bool),
    torch.ones(4, 8, dtype=torch.complex64),
    torch.ones(4, 8, dtype=torch.int8),
    torch.ones(4, 8, dtype=torch.bfloat16),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("weights") / "weights.safetensors"


def read_all(path):
    weights = load_weights(path, 1, CONVENTIONS.values())
    require_landmarks(path, weights)
    landmarker = landmarker_of(weights)
    assert landmarker.centroids[landmarker.selected].shape[0] == len(landmarker.flip_map) == 3
    assert weights.convention.name in CONVENTIONS


@given(start=damaged_bytes(WHOLE[:HEADER_END]))
@fuzz(150)
def test_weights_with_a_damaged_header_are_read_or_refused(path, start):
    path.write_bytes(start + WHOLE[HEADER_END:])
    with only_user_errors():
        read_all(path)


@given(header=damaged_tree(json.loads(WHOLE[8:HEADER_END])))
@fuzz(150)
def test_weights_with_another_header_are_read_or_refused(path, header):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + WHOLE[HEADER_END:])
    with only_user_errors():
        read_all(path)


@given(facts=damaged_tree(FACTS))
@fuzz(200)
def test_weights_with_another_description_are_read_or_refused(path, facts):
    save_file(NETWORK_TENSORS | EXTRAS, path, metadata={FORMAT: json.dumps(facts)})
    with only_user_errors():
        read_all(path)


@given(
    name=st.sampled_from(sorted(EXTRAS) + sorted(NETWORK_TENSORS)[:3]), tensor=st.none() | st.sampled_from(ODD_TENSORS)
)
@fuzz(100)
def test_weights_with_another_tensor_are_read_or_refused(path, name, tensor):
    tensors = {other: value for other, value in (NETWORK_TENSORS | EXTRAS).items() if other != name}
    save_file(tensors if tensor is None else {**tensors, name: tensor}, path, metadata={FORMAT: json.dumps(FACTS)})
    with only_user_errors():
        read_all(path)


def test_the_whole_file_is_read(path):
    path.write_bytes(WHOLE)
    read_all(path)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "3", "{}", '{"stage": ' + "9" * 5000 + "}"])
def test_a_description_that_is_no_json_of_ours_is_refused(path, text):
    save_file(NETWORK_TENSORS, path, metadata={FORMAT: text})
    with pytest.raises(UserError, match="its description can't be read"):
        load_weights(path, 1)


@pytest.mark.parametrize("change", [{"width": 2**20}, {"descriptor_dim": 2**40}, {"depth": 2**40}, {"width": 2**62}])
def test_a_network_that_would_fill_the_memory_is_never_built(tmp_path, change):
    path = tmp_path / "weights.safetensors"
    facts = FACTS | {"model": FACTS["model"] | change | {"norm_groups": 1}}
    save_file(NETWORK_TENSORS | EXTRAS, path, metadata={FORMAT: json.dumps(facts)})
    with pytest.raises(UserError, match=r"description|can't be built"):
        load_weights(path, 1, CONVENTIONS.values())


@pytest.mark.parametrize("name", sorted(EXTRAS))
def test_weights_without_what_names_landmarks_are_refused_by_prediction(tmp_path, name):
    extras = {other: tensor for other, tensor in EXTRAS.items() if other != name}
    save_weights(tmp_path / "weights.safetensors", TrainedWeights(build_network(MODEL, 1, 3), extras, FACTS))
    loaded = load_weights(tmp_path / "weights.safetensors", 1, CONVENTIONS.values())
    with pytest.raises(UserError, match=r"weights\.safetensors: what names its landmarks is missing"):
        require_landmarks(tmp_path / "weights.safetensors", loaded)


def checkpoint(order):
    return Checkpoint({"weights.0": torch.ones(3)}, {"order": order, "iteration": order, "log": []})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Save two checkpoints."""
    folder = CheckpointFolder(tmp_path_factory.mktemp("training") / "checkpoints", "abc")
    folder.save(checkpoint(1))
    folder.save(checkpoint(2))
    return folder


@pytest.fixture(scope="module")
def newest(folder):
    """Give the path of the newest checkpoint and its whole content."""
    path = max(folder.folder.glob("*.safetensors"))
    return path, path.read_bytes()


@given(data=st.data())
@fuzz(150)
def test_a_damaged_checkpoint_is_passed_over_even_where_its_digest_fits(folder, newest, data):
    path, whole = newest
    facts = damaged_tree({"order": 2, "iteration": 2, "log": []}).map(
        lambda tree: save({"a": torch.ones(1)}, metadata={"landmark-discovery-checkpoint": json.dumps(tree)})
    )
    path.write_bytes(data.draw(damaged_bytes(whole) | facts))
    path.with_suffix(".sha256").write_text(f"{digest_of(path, 'sha256').value}  {path.name}\n")
    found = folder.latest()
    assert isinstance(found.facts["order"], int)
    assert isinstance(found.facts["iteration"], int)


@given(digest=damaged_bytes(b"0" * 64 + b"  000000002.safetensors\n"))
@fuzz(60)
def test_a_checkpoint_with_a_damaged_digest_is_passed_over(folder, newest, digest):
    path, whole = newest
    path.write_bytes(whole)
    path.with_suffix(".sha256").write_bytes(digest)
    assert folder.latest().facts["order"] == 1

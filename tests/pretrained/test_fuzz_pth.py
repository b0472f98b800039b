"""Files of torch that others wrote, or that were damaged: SuperPoint's weights and the authors' checkpoints."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_checkpoints import SMALL, authors_checkpoint
from hypothesis import given
from hypothesis import strategies as st
from mutations import Trap, damaged_bytes, damaged_tree, fuzz, only_user_errors, run_in_memory, trap_pickle

from landmark_discovery.bootstrap.weights import load_superpoint, load_superpoint_open
from landmark_discovery.downloads.torch_files import refuse_packed
from landmark_discovery.errors import UserError
from landmark_discovery.models.superpoint import SuperPoint
from landmark_discovery.pretrained.checkpoint import read_checkpoint
from landmark_discovery.pretrained.convert import convert_checkpoint

STAGES = {stage: authors_checkpoint(stage) for stage in (1, 2)}
ODD = (
    *(None, 5, -1, 2**70, 0.5, "x", [], {}, [1, 0, 2], [[1.0] * 8] * 3, ["x"], [[[0]]], {"a": 1}, {5: torch.ones(1)}),
    *(torch.tensor(1), torch.zeros(0), torch.full((3, 8), torch.nan), torch.ones(1).expand(10**6, 10**6)),
    *(torch.ones(3, dtype=torch.complex64), torch.eye(3).to_sparse(), torch.empty(3, device="meta")),
    *(torch.tensor([1, 0, 2]), torch.tensor([9, 0, 1]), torch.ones(3, requires_grad=True), np.ones((3, 8)), np.ones(0)),
    *(np.array([1, 0, 2]), np.array([5.5, 0, 1]), np.float64(3), np.int64(3), np.array([True, False, True])),
)


def saved(content, **options):
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def nested(depth):
    """Nest lists that share their parts: 10 to the power of `depth` numbers in a few bytes."""
    part = [1] * 10
    for _ in range(depth - 1):
        part = [part] * 10
    return part


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("weights") / "weights.pth"


def read(path, stage):
    convert_checkpoint(path, stage, 3, SMALL, {})


WHOLE = {(stage, zipped): saved(STAGES[stage], _use_new_zipfile_serialization=zipped)
         for stage in STAGES for zipped in (True, False)}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@given(data=st.data(), stage=st.sampled_from((1, 2)), zipped=st.booleans())
@fuzz(150)
def test_a_damaged_checkpoint_is_read_or_refused(path, stage, zipped, data):
    whole = WHOLE[stage, zipped]
    part = data.draw(st.sampled_from((slice(0, 4_000), slice(len(whole) - 4_000, None))))
    damaged = data.draw(damaged_bytes(whole[part]))
    path.write_bytes(damaged + whole[4_000:] if part.start == 0 else whole[:-4_000] + damaged)
    with only_user_errors():
        read(path, stage)


@given(data=st.data(), stage=st.sampled_from((1, 2)))
@fuzz(150)
def test_a_checkpoint_that_holds_anything_else_is_read_or_refused(path, stage, data):
    content = data.draw(damaged_tree(STAGES[stage], ODD))
    path.write_bytes(saved(content))
    with only_user_errors():
        read(path, stage)


@given(content=st.dictionaries(st.sampled_from(("conv1a.bias", "x", 5, None)), st.sampled_from(ODD), max_size=2))
@fuzz(40)
def test_weights_of_superpoint_that_hold_anything_else_are_refused(path, content):
    path.write_bytes(saved(SuperPoint().state_dict() | content))
    with only_user_errors():
        load_superpoint(path)


@pytest.mark.filterwarnings("ignore")
@given(damaged=damaged_bytes(saved(SuperPoint().state_dict(), _use_new_zipfile_serialization=False)[:3_000]))
@fuzz(40)
def test_damaged_weights_of_superpoint_are_refused(path, damaged):
    path.write_bytes(damaged)
    with pytest.raises(UserError):
        load_superpoint(path)


READERS = {
    "superpoint": load_superpoint,
    "superpoint-open": load_superpoint_open,
    "stage 1": lambda path: read(path, 1),
    "stage 2": lambda path: read(path, 2),
}


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("form", ["pickle", "zip", "old"])
def test_nothing_in_a_file_is_run(tmp_path, reader, form):
    path, sprung = tmp_path / "weights.pth", tmp_path / "sprung"
    trap = {"state_dict": Trap(sprung), "centroid": Trap(sprung), "flipppingCorrespondance": Trap(sprung)}
    path.write_bytes(
        trap_pickle(sprung) if form == "pickle" else saved(trap, _use_new_zipfile_serialization=form == "zip")
    )
    with pytest.raises(UserError):
        READERS[reader](path)
    assert not sprung.exists()


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_compressed_is_refused_before_it_is_unpacked(tmp_path, reader):
    packed = tmp_path / "weights.pth"
    whole = zipfile.ZipFile(io.BytesIO(saved({"a": torch.zeros(10_000)})))
    with whole, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in whole.infolist():
            archive.writestr(member.filename, whole.read(member))
    with pytest.raises(ValueError, match="would unpack to 40,"):
        refuse_packed(packed)
    with pytest.raises(UserError):
        READERS[reader](packed)


READ_ALL = """
from landmark_discovery.errors import UserError
from landmark_discovery.pretrained.checkpoint import read_checkpoint
for path, stage in files:
    try:
        read_checkpoint(path, stage)
    except UserError as error:
        print(error)
"""


def test_numbers_that_would_fill_the_memory_are_never_counted_out(tmp_path):
    files = []
    for stage, key in ((1, "centroid"), (2, "flipppingCorrespondance")):
        for value in (torch.ones(1).expand(10**6, 10**6), nested(9), [[1.0] * 1000] * 100_000):
            files.append((str(tmp_path / f"{len(files)}.pth"), stage))
            Path(files[-1][0]).write_bytes(saved(STAGES[stage] | {key: value}))
    ended = run_in_memory(f"files = {files!r}{READ_ALL}", 3 * 2**29)
    assert ended.returncode == 0, ended.stderr
    for path, stage in files:
        key = "centroid" if stage == 1 else "flipppingCorrespondance"
        assert f"{path}: not one of the authors' checkpoints ('{key}' is no array of numbers" in ended.stdout


def test_an_iteration_of_more_than_64_bits_is_none(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(saved(STAGES[1] | {"iteration": 2**100}))
    assert read_checkpoint(path, 1).iteration is None

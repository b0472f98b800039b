import os
import zipfile

import numpy as np
import pytest
import torch

from landmark_discovery.errors import UserError
from landmark_discovery.pretrained.checkpoint import read_checkpoint


def one_line(error):
    message = str(error.value)
    assert "\n" not in message
    return message


def with_key(key, value):
    return lambda content: content | {key: value}


def without_key(key):
    return lambda content: {name: value for name, value in content.items() if name != key}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("prefix", ["module.", ""])
def test_a_file_of_stage_1_gives_parameters_by_our_names_and_centroids(
    authors_file, authors_content, prefix, zipped, small_model
):
    checkpoint = read_checkpoint(authors_file(1, prefix=prefix, zipped=zipped), 1)
    written = authors_content(1, prefix="")
    assert set(checkpoint.parameters) == set(written["state_dict"])
    for name, value in written["state_dict"].items():
        assert torch.equal(checkpoint.parameters[name], value), name
    np.testing.assert_array_equal(checkpoint.centroids, written["centroid"])
    assert checkpoint.centroids.shape == (3, small_model.descriptor_dim)
    assert checkpoint.flip_map.tolist() == [-1, -1, -1], "stage 1 doesn't know it"
    assert (checkpoint.num_landmarks, checkpoint.iteration) == (3, 200_000)


@pytest.mark.parametrize("flips", [np.array([1, 0, 2, 2]), [1, 0, 2, 2], torch.tensor([1, 0, 2, 2]), (1.0, 0.0, 2, 2)])
def test_a_file_of_stage_2_gives_the_flip_map_whatever_holds_its_numbers(authors_file, flips):
    path = authors_file(2, with_key("flipppingCorrespondance", flips), num_landmarks=4)
    checkpoint = read_checkpoint(path, 2)
    assert checkpoint.flip_map.tolist() == [1, 0, 2, 2]
    assert checkpoint.flip_map.dtype == np.int64
    assert checkpoint.num_landmarks == 4


@pytest.mark.parametrize("centroids", [np.ones((2, 8)), torch.ones(2, 8), np.ones((2, 8), np.float32)])
def test_centroids_are_float32_whatever_they_were(authors_file, centroids):
    assert read_checkpoint(authors_file(1, with_key("centroid", centroids)), 1).centroids.dtype == np.float32


def test_single_numbers_of_numpy_are_numbers(authors_file):
    change = with_key("flipppingCorrespondance", list(np.array([2, 1, 0])))
    path = authors_file(2, lambda content: change(content) | {"iteration": np.int64(5)})
    checkpoint = read_checkpoint(path, 2)
    assert (checkpoint.flip_map.tolist(), checkpoint.iteration) == ([2, 1, 0], 5)


def renamed(content):
    """Name NumPy's module as releases before 2.0 did; the pickles of torch hold names as lines of text."""
    assert b"numpy._core.multiarray" in content
    return content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


@pytest.mark.parametrize("zipped", [True, False])
def test_arrays_that_an_old_numpy_wrote_are_read(authors_file, zipped):
    path = authors_file(1, zipped=zipped)
    expected = read_checkpoint(path, 1).centroids
    if zipped:
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, renamed(content) if name.endswith("data.pkl") else content)
    else:
        path.write_bytes(renamed(path.read_bytes()))
    np.testing.assert_array_equal(read_checkpoint(path, 1).centroids, expected)


class Payload:
    """Call a function when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("key", ["state_dict", "optimizer", "centroid", "anything"])
def test_what_would_run_is_not_run_but_named(authors_file, tmp_path, key, zipped):
    marker = tmp_path / "ran"
    path = authors_file(1, with_key(key, Payload(os.system, f"touch {marker}")), zipped=zipped)
    with pytest.raises(UserError, match=r"asks for '(posix|nt)\.system'.*; it was blocked") as error:
        read_checkpoint(path, 1)
    assert not marker.exists()
    message = one_line(error)
    assert message.startswith(f"{path}: ")
    assert not [hint for hint in ("weights_only", "safe_globals", "allowlist") if hint in message]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Payload(eval, "1 / 0"), "eval"),
        (Payload(np.load, "other.npy"), "numpy.load"),
        (Payload(torch.load, "other.pth"), "torch.serialization.load"),
        (np.array([None, "text"], dtype=object), "numpy.dtypes.ObjectDType"),
        (np.array(["text"]), "numpy.dtypes.StrDType"),
    ],
)
def test_only_arrays_of_numbers_may_be_rebuilt(authors_file, value, name):
    path = authors_file(1, with_key("centroid", value))
    with pytest.raises(UserError, match=f"asks for '{name.replace('.', '[.]')}'"):
        read_checkpoint(path, 1)


def test_reading_a_file_allows_nothing_for_other_readers(authors_file):
    before = set(torch.serialization.get_safe_globals())
    read_checkpoint(authors_file(1), 1)
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.parametrize("page", ["<!DOCTYPE html><html>Quota exceeded</html>", "\n  <html></html>"])
def test_a_web_page_under_the_name_is_told(tmp_path, page):
    path = tmp_path / "celeba_k10_stage1.pth"
    path.write_text(page)
    with pytest.raises(UserError, match=r"a web page saved under its name.*fetch the file anew"):
        read_checkpoint(path, 1)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.3, 0.9, 0.999])
def test_half_a_file_is_refused(authors_file, share, zipped):
    path = authors_file(1, zipped=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match="damaged, cut short, or of another format") as error:
        read_checkpoint(path, 1)
    assert one_line(error).startswith(f"{path}: not one of the authors' checkpoints")


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(UserError, match=r"can't be read \(No such file"):
        read_checkpoint(tmp_path / "nowhere.pth", 1)
    with pytest.raises(UserError, match="can't be read"):
        read_checkpoint(tmp_path, 2)


@pytest.mark.parametrize(("written", "asked"), [(1, 2), (2, 1)])
def test_a_file_of_the_other_stage_is_refused(authors_file, written, asked):
    with pytest.raises(UserError, match=f"a file of stage {written}; give that of stage {asked}"):
        read_checkpoint(authors_file(written), asked)


def test_a_file_from_the_end_of_warm_up_is_refused(authors_file):
    with pytest.raises(UserError, match=r"no centroids: it is from the end of warm-up, .* stage 1 need them"):
        read_checkpoint(authors_file(1, with_key("centroid", None)), 1)


@pytest.mark.parametrize(
    ("stage", "change", "reason"),
    [
        (1, without_key("state_dict"), "'state_dict' is missing; it has optimizer, iteration, centroid"),
        (1, without_key("centroid"), "'centroid' is missing"),
        (2, without_key("flipppingCorrespondance"), "'flipppingCorrespondance' is missing"),
        (1, lambda content: content["state_dict"], "'state_dict' is missing; it has module.conv1.weight"),
        (1, lambda _: [1, 2], "it holds a list, not a dictionary"),
        (1, lambda _: {}, "'state_dict' is missing; it has nothing"),
        (1, with_key("state_dict", [torch.ones(2)]), "'state_dict' holds something else than named tensors"),
        (1, with_key("state_dict", {"conv1.weight": 3}), "'state_dict' holds something else than named tensors"),
        (1, with_key("centroid", np.ones(8)), "'centroid' is no array of numbers with 2 axes"),
        (1, with_key("centroid", torch.empty(0, 8)), "'centroid' is no array of numbers with 2 axes"),
        (1, with_key("centroid", "text"), "'centroid' is no array of numbers with 2 axes"),
        (1, with_key("centroid", [[1.0], [2.0, 3.0]]), "'centroid' is no array of numbers with 2 axes"),
        (1, with_key("centroid", np.full((3, 8), np.nan)), "'centroid' has numbers that aren't finite"),
        (2, with_key("flipppingCorrespondance", {0: 1}), "'flipppingCorrespondance' is no array of numbers"),
        (2, with_key("flipppingCorrespondance", [0, 1, 3]), "numbers that are no landmark of 0 to 2"),
        (2, with_key("flipppingCorrespondance", [0, 1, -1]), "numbers that are no landmark of 0 to 2"),
        (2, with_key("flipppingCorrespondance", [0, 1, 0.5]), "numbers that are no landmark of 0 to 2"),
    ],
)
def test_other_content_is_refused_with_a_reason(authors_file, stage, change, reason):
    with pytest.raises(UserError, match=reason) as error:
        read_checkpoint(authors_file(stage, change), stage)
    assert "give one of the authors' files" in one_line(error)


def test_a_file_that_does_not_say_its_iteration_is_read_all_the_same(authors_file):
    assert read_checkpoint(authors_file(1, without_key("iteration")), 1).iteration is None

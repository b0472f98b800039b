import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged_bytes, damaged_json, damaged_text, fuzz, npz_bomb, only_user_errors, trap_pickle

from landmark_discovery.data.digest_list import LIST
from landmark_discovery.data.store import CORNERS, RECTANGLES, ImageStore, read_store, write_store
from landmark_discovery.errors import UserError

FILES = ("images.npy", "samples.csv", "landmarks.csv", "facts.json")
ROW = {"split": "train", "subject": "", "width": 6, "height": 4, "stored_width": 6, "stored_height": 4}
ROW |= {f"{kind}_{corner}": 2 + index for kind in RECTANGLES for index, corner in enumerate(CORNERS)}
PIECES = (
    *(
        ",",
        "\n",
        '"',
        "",
        "x",
        "-1",
        "0",
        "0.5",
        "7",
        "1e400",
        "1e308",
        "nan",
        "inf",
        "9" * 400,
        "9" * 5000,
        "NA",
        "True",
    ),
    *("\0", "\r", "\ufeff", "train", "image", "x0", "stored_width", "2024-01-01", "0x10", "1_0", " "),
)


@pytest.fixture
def folder(tmp_path):
    """Write a store of two images of 6 x 4 pixels, without the digests that tell at once what was changed."""
    samples = pd.DataFrame([{"image": "a.png", **ROW}, {"image": "b.png", **ROW, "split": "test"}])
    store = ImageStore(np.full((2, 4, 6, 3), 7, np.uint8), samples, np.ones((2, 3, 2)), {"name": "toy", "images": 2})
    write_store(tmp_path / "store", store)
    (tmp_path / "store" / LIST).unlink()
    return tmp_path / "store"


@pytest.fixture
def whole(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def read_all(folder):
    store = read_store(folder)
    assert store.images.shape == (len(store), *store.images.shape[1:3], 3)
    assert (store.stored_size <= store.images.shape[2:0:-1]).all()
    assert len(store.names) == len(store.splits) == len(store.rectangle("window"))
    assert store.images.sum() >= 0
    store.crop_in_store()


@pytest.mark.filterwarnings("ignore")
@given(data=st.data())
@fuzz(120)
def test_a_damaged_store_is_read_or_refused(folder, whole, data):
    name = data.draw(st.sampled_from(FILES))
    strategy = damaged_bytes(whole[name])
    if name.endswith(".csv"):
        strategy |= damaged_text(whole[name].decode(), PIECES).map(str.encode)
    if name == "facts.json":
        strategy |= damaged_json(json.loads(whole[name]))
    for other in FILES:
        (folder / other).write_bytes(whole[other])
    (folder / name).write_bytes(data.draw(strategy))

    with only_user_errors():
        read_all(folder)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 4, 6, 3)),
        np.zeros((2, 4, 6), np.uint8),
        np.zeros((2, 4, 6, 4), np.uint8),
        np.zeros((2, 4, 5, 3), np.uint8),
        np.uint8(3),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
def test_images_of_another_shape_or_type_are_refused(folder, images):
    np.save(folder / "images.npy", images)
    with pytest.raises(UserError, match="not a prepared data set"):
        read_store(folder)


def test_a_header_that_promises_more_than_there_is_is_refused(folder):
    header = {"descr": "|u1", "fortran_order": False, "shape": (10**9, 4, 6, 3)}
    with (folder / "images.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(UserError, match="not a prepared data set"):
        read_store(folder)


def test_images_that_are_an_archive_or_objects_are_refused_and_nothing_is_unpickled(folder, tmp_path):
    npz_bomb(folder / "bomb.npz", {}, "images", 2**17)
    objects = np.lib.format.magic(1, 0) + b"\x76\x00" + b"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }"
    for content in (
        (folder / "bomb.npz").read_bytes(),
        trap_pickle(tmp_path / "sprung"),
        objects.ljust(127) + b"\n" + trap_pickle(tmp_path / "sprung"),
    ):
        (folder / "images.npy").write_bytes(content)
        with pytest.raises(UserError, match="not a prepared data set"):
            read_store(folder)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("text", ["[1]", "3", "null", "[" * 100_000, '{"a": ' + "9" * 5000 + "}", "{", "\udc80"])
def test_facts_that_are_no_json_object_are_refused(folder, text):
    (folder / "facts.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=r"not a prepared data set .*facts\.json"):
        read_store(folder)

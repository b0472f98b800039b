import cv2
import numpy as np
import pytest

from landmark_discovery.config.data import DatasetSettings
from landmark_discovery.data.annotate import annotate_store
from landmark_discovery.data.prepare import prepare_store
from landmark_discovery.errors import UserError

SETTINGS = DatasetSettings(kind="folder", name="mine")
POINTS = "image,x0,y0,x1,y1\n0.png,1,2,3,4\n2.png,5,6,,\n"


@pytest.fixture
def folder(tmp_path):
    """Write four images with true points on two of them."""
    folder = tmp_path / "images"
    folder.mkdir()
    for index in range(4):
        noise = np.random.default_rng(index).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), noise)
    (folder / "landmarks.csv").write_text(POINTS)
    (folder / "landmarks_1.csv").write_text("image,x0,y0\n1.png,1,2\n")
    return folder


def content_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def bare(tmp_path, folder):
    """Prepare the images without their points."""
    prepare_store(folder, SETTINGS, tmp_path / "bare", points=False)
    return tmp_path / "bare"


def test_points_added_later_make_the_same_store_as_points_that_were_there(tmp_path, folder, bare):
    prepare_store(folder, SETTINGS, tmp_path / "whole")
    annotate_store(bare, folder, tmp_path / "annotated")
    assert content_of(tmp_path / "annotated") == content_of(tmp_path / "whole")


def test_a_store_without_points_is_the_same_whatever_points_there_are(tmp_path, folder, bare):
    for path in folder.glob("landmarks*.csv"):
        path.unlink()
    prepare_store(folder, SETTINGS, tmp_path / "again")
    assert content_of(tmp_path / "again") == content_of(bare)


def test_the_images_take_room_once(tmp_path, folder, bare):
    annotate_store(bare, folder, tmp_path / "annotated")
    assert (tmp_path / "annotated" / "images.npy").samefile(bare / "images.npy")


def test_a_file_system_without_links_gets_a_copy(tmp_path, folder, bare, monkeypatch):
    monkeypatch.setattr("pathlib.Path.hardlink_to", lambda *_: (_ for _ in ()).throw(PermissionError))
    store = annotate_store(bare, folder, tmp_path / "annotated")
    assert not (tmp_path / "annotated" / "images.npy").samefile(bare / "images.npy")
    assert store.facts["images_with_points"] == 2


def test_a_faulty_table_is_named_by_either_step(tmp_path, folder, bare):
    (folder / "landmarks.csv").write_text("image,x0,y0\nnone.png,1,2\n")
    said = r"landmarks\.csv, line 2: landmarks for 'none\.png', which isn't there"
    with pytest.raises(UserError, match=said):
        annotate_store(bare, folder, tmp_path / "annotated")
    with pytest.raises(UserError, match=said):
        prepare_store(folder, SETTINGS, tmp_path / "again", points=False)


def test_points_far_outside_that_are_added_later_are_said(tmp_path, folder, bare, capsys):
    (folder / "landmarks.csv").write_text("image,x0,y0\n2.png,-1000,5\n")
    capsys.readouterr()
    annotate_store(bare, folder, tmp_path / "annotated")
    said = capsys.readouterr().err
    assert "check landmarks.csv: true points farther outside their images" in said
    assert "1, in 1 of 4 images, 2.png first" in said

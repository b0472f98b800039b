"""The data set on disk: its form, its split, and bytes that depend on the seed alone."""

import hashlib

import cv2
import numpy as np
import pandas as pd
import pytest

from landmark_discovery.config.data import SyntheticSettings
from landmark_discovery.data.synthetic import dataset
from landmark_discovery.data.synthetic.dataset import list_pictures, write_synthetic_dataset
from landmark_discovery.errors import UserError

SMALL = SyntheticSettings(train_identities=3, test_identities=2, images_per_identity=2, image_size_px=64, seed=11)


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def points_of(folder):
    table = pd.read_csv(folder / "landmarks.csv")
    return table["image"], table.drop(columns="image").to_numpy().reshape(len(table), 68, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "synthetic"
    write_synthetic_dataset(SMALL, path)
    return path


def test_the_folder_has_the_form_of_any_other_data_set(folder):
    samples = pd.read_csv(folder / "samples.csv")
    assert list(samples.columns) == ["image", "split", "subject", "x_min", "y_min", "x_max", "y_max"]
    assert samples["image"].tolist() == [f"images/{index:05d}.jpg" for index in range(10)]
    header = (folder / "landmarks.csv").read_text().splitlines()[0].split(",")
    assert header[:5] == ["image", "x0", "y0", "x1", "y1"]
    assert header[-2:] == ["x67", "y67"]
    assert points_of(folder)[0].tolist() == samples["image"].tolist()


def test_images_are_colour_pictures_of_the_size_asked_for(folder):
    for path in sorted((folder / "images").iterdir()):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert image.shape == (64, 64, 3)
        assert image.std() > 5


def test_colours_are_stored_in_the_right_order(folder):
    picture = list_pictures(SMALL)[4]
    drawn, _ = dataset.draw_picture(picture, SMALL.seed, 64)
    stored = cv2.imread(str(folder / picture.name))[..., ::-1]
    assert np.abs(drawn.astype(int) - stored).mean() < 6


def test_no_person_is_in_both_splits(folder):
    samples = pd.read_csv(folder / "samples.csv")
    people = samples.groupby("split")["subject"].agg(set)
    assert len(people["train"]) == 3
    assert len(people["test"]) == 2
    assert not people["train"] & people["test"]
    assert (samples["split"] == "train").sum() == 6


def test_boxes_are_tight_around_the_points(folder):
    samples = pd.read_csv(folder / "samples.csv")
    box = samples[["x_min", "y_min", "x_max", "y_max"]].to_numpy()
    points = points_of(folder)[1]
    np.testing.assert_allclose(box[:, :2], points.min(axis=1), atol=1e-9)
    np.testing.assert_allclose(box[:, 2:], points.max(axis=1), atol=1e-9)
    assert box.min() >= 0
    assert box.max() <= 63


def test_the_same_settings_give_the_same_bytes(folder, tmp_path):
    write_synthetic_dataset(SMALL, tmp_path / "again")
    assert digests(tmp_path / "again") == digests(folder)


def test_another_seed_gives_other_pictures(folder, tmp_path):
    write_synthetic_dataset(SMALL.model_copy(update={"seed": 12}), tmp_path / "other")
    ours, others = digests(folder), digests(tmp_path / "other")
    assert all(ours[name] != others[name] for name in ours)


def test_several_workers_give_the_same_bytes(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "_PICTURES_A_WORKER", 5)
    monkeypatch.setattr(dataset, "cpu_count", lambda: 2)
    write_synthetic_dataset(SMALL, tmp_path / "workers")
    assert digests(tmp_path / "workers") == digests(folder)


def test_a_picture_does_not_depend_on_how_many_are_drawn():
    few, many = list_pictures(SMALL), list_pictures(SMALL.model_copy(update={"train_identities": 5}))
    named = {(picture.split, picture.identity, picture.take): picture for picture in many}
    for picture in (few[1], few[7]):
        twin = named[picture.split, picture.identity, picture.take]
        first, second = (dataset.draw_picture(which, 3, 64) for which in (picture, twin))
        np.testing.assert_array_equal(first[0], second[0])


def test_the_number_of_pictures_is_people_times_pictures():
    pictures = list_pictures(SyntheticSettings())
    assert len(pictures) == 1250
    assert [picture.index for picture in pictures] == list(range(1250))
    assert len({picture.name for picture in pictures}) == 1250


def test_one_person_looks_alike_in_all_pictures():
    pictures = list_pictures(SMALL)
    assert dataset._person(pictures[0], 3).identity == dataset._person(pictures[1], 3).identity
    assert dataset._person(pictures[0], 3).identity != dataset._person(pictures[2], 3).identity


def test_train_and_test_people_of_one_number_differ():
    pictures = list_pictures(SMALL)
    assert dataset._person(pictures[0], 3).identity != dataset._person(pictures[6], 3).identity


def test_a_landmark_cannot_be_read_off_the_pixel_grid():
    settings = SyntheticSettings(train_identities=40, test_identities=20, images_per_identity=1, image_size_px=48)
    drawn = [(picture.split, dataset.draw_picture(picture, 0, 48)[1]) for picture in list_pictures(settings)]
    mean = np.mean([points for split, points in drawn if split == "train"], axis=0)
    errors = []
    for split, points in drawn:
        if split == "test":
            between_eyes = np.hypot(*(points[36] - points[45]))
            errors.append(np.mean([np.hypot(*(points[k] - mean[k])) for k in range(68)]) / between_eyes)
    assert 100 * np.mean(errors) >= 20


def test_a_folder_that_cannot_be_made_is_a_users_error_and_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="can't be written"):
        write_synthetic_dataset(SMALL, tmp_path / "file" / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

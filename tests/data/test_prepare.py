import errno
import json

import cv2
import numpy as np
import pytest

from landmark_discovery.config.data import DatasetSettings
from landmark_discovery.data import store
from landmark_discovery.data.images import read_image
from landmark_discovery.data.prepare import prepare_store
from landmark_discovery.errors import UserError

BOXES = "image,split,subject,x_min,y_min,x_max,y_max\n"


def settings(**changes):
    return DatasetSettings(name="toy", kind="folder", **changes)


def test_without_a_box_the_whole_image_is_box_crop_and_window(tmp_path, make_folder):
    root = make_folder()
    prepared = prepare_store(root, settings(), tmp_path / "store")

    assert prepared.names.tolist() == ["a.png", "b.png", "c.png"]
    for kind in ("box", "crop", "window"):
        assert prepared.rectangle(kind).tolist() == [[0, 0, 12, 10]] * 3
    assert prepared.images.shape == (3, 10, 12, 3)
    assert np.array_equal(prepared.images[1], read_image(root / "b.png"))


def test_crop_and_window_of_the_paper_rule_by_hand(tmp_path, make_folder):
    # d = 0.25 * ((1.2*60 - 40) + (2*70 - 40)) = 33, so the padding is int(2.64) = 2; the crop is 24 x 34, and half of
    # that is added on each side.
    root = make_folder(samples=BOXES + "a.png,train,,40,40,60,70\nb.png,test,,,,,\n", size=(100, 90))
    prepared = prepare_store(root, settings(context=0.5), tmp_path / "store")

    assert prepared.rectangle("crop").tolist() == [[38, 38, 62, 72], [0, 0, 100, 90]]
    assert prepared.rectangle("window").tolist() == [[26, 21, 74, 89], [0, 0, 100, 90]]
    assert prepared.stored_size.tolist() == [[48, 68], [100, 90]]
    assert np.array_equal(prepared.images[0, :68, :48], read_image(root / "a.png")[21:89, 26:74])
    assert (prepared.images[0, 68:, :48] == prepared.images[0, 67, :48]).all()
    assert (prepared.images[0, :, 48:] == prepared.images[0, :, 47:48]).all()


def test_crop_of_the_margin_rule_by_hand(tmp_path, make_folder):
    # The longer side is 40: a tenth of it is 4; above, the image ends.
    root = make_folder(samples=BOXES + "a.png,train,,40,2,60,42\nb.png,test,,,,,\n", size=(100, 90))
    prepared = prepare_store(root, settings(crop_rule="margin", crop_margin=0.1, context=0), tmp_path / "store")

    assert prepared.rectangle("crop")[0].tolist() == [36, 0, 64, 46]
    assert prepared.rectangle("window")[0].tolist() == [36, 0, 64, 46]


def test_a_huge_image_among_small_ones_is_shrunk_to_the_limit(tmp_path, make_folder):
    root = make_folder(["a.png", "b.png"])
    cv2.imwrite(str(root / "huge.png"), np.full((1600, 3000, 3), 50, dtype=np.uint8))
    prepared = prepare_store(root, settings(max_crop_px=32), tmp_path / "store")

    assert prepared.stored_size.tolist() == [[12, 10], [12, 10], [32, 17]]
    assert prepared.images.shape == (3, 17, 32, 3)
    assert (prepared.images[2] == 50).all()
    assert prepared.samples.loc[2, ["width", "height"]].tolist() == [3000, 1600]


def test_boxes_are_in_pixels_of_the_image_as_it_is_seen(tmp_path, make_folder):
    root = make_folder(["b.png"], samples="image,split\na.jpg,train\nb.png,test\n")
    jpeg = cv2.imencode(".jpg", np.zeros((16, 32, 3), dtype=np.uint8))[1].tobytes()
    turned = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    (root / "a.jpg").write_bytes(jpeg[:2] + b"\xff\xe1" + (len(turned) + 2).to_bytes(2, "big") + turned + jpeg[2:])
    prepared = prepare_store(root, settings(), tmp_path / "store")

    assert prepared.samples.loc[0, ["width", "height"]].tolist() == [16, 32]
    assert prepared.stored_size[0].tolist() == [16, 32]


def test_the_given_split_is_kept_with_subjects_and_landmarks(tmp_path, make_folder):
    root = make_folder(
        samples="image,split,subject\nc.png,test,ü\na.png,train,x\nb.png,train,x\n",
        landmarks="image,x0,y0\nc.png,1.25,2\n",
    )
    prepared = prepare_store(root, settings(), tmp_path / "store")

    assert prepared.splits.tolist() == ["train", "train", "test"]
    assert prepared.samples["subject"].tolist() == ["x", "x", "ü"]
    assert prepared.landmarks[2].tolist() == [[1.25, 2]]
    assert prepared.facts["split"] == "given"
    assert (prepared.facts["points"], prepared.facts["images_with_points"]) == (1, 1)


def test_tables_that_stand_apart_may_hold_training_images_alone(tmp_path, make_folder):
    root = make_folder(samples=BOXES + "a.png,train,,,,,\nb.png,test,,,,,\nc.png,test,,,,,\n")
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "samples.csv").write_text("image,split\nb.png,train\nc.png,train\n")
    (tables / "landmarks.csv").write_text("image,x0,y0\nc.png,1,2\n")
    (tables / "landmarks_2.csv").write_text("image,x0,y0,x1,y1\nb.png,3,4,5,6\n")
    prepared = prepare_store(root, settings(), tmp_path / "store", tables=tables)

    assert prepared.names.tolist() == ["b.png", "c.png"]
    assert np.array_equal(prepared.images[0], read_image(root / "b.png"))
    assert (prepared.facts["train_images"], prepared.facts["test_images"]) == (2, 0)
    assert prepared.landmarks[1].tolist() == [[1, 2]]
    assert prepared.more_landmarks["landmarks_2"][0].tolist() == [[3, 4], [5, 6]]
    assert np.isnan(prepared.more_landmarks["landmarks_2"][1]).all()


def test_every_table_of_points_goes_into_the_store(tmp_path, make_folder):
    root = make_folder(landmarks="image,x0,y0\na.png,1,2\n")
    (root / "landmarks_b.csv").write_text("image,x0,y0\nb.png,3,4\n")
    (root / "a.png").write_bytes(b"")
    prepared = prepare_store(root, settings(on_bad_image="skip"), tmp_path / "store")

    assert prepared.names.tolist() == ["b.png", "c.png"]
    assert np.isnan(prepared.landmarks).all()
    assert prepared.more_landmarks["landmarks_b"][0].tolist() == [[3, 4]]
    assert (tmp_path / "store/landmarks_b.csv").read_text().splitlines() == ["image,x0,y0", "b.png,3.0,4.0", "c.png,,"]


def test_a_split_is_made_and_stored_where_none_is_given(tmp_path, make_folder):
    root = make_folder([f"{index}.png" for index in range(10)])
    prepared = prepare_store(root, settings(test_fraction=0.3, split_seed=5), tmp_path / "store")

    assert sorted(prepared.splits) == ["test"] * 3 + ["train"] * 7
    assert prepared.facts["split"] == "made"
    assert prepared.facts["points"] is None


def test_drawn_images_are_prepared_like_any_folder(tmp_path, make_folder):
    prepared = prepare_store(make_folder(), DatasetSettings(name="drawn", kind="synthetic"), tmp_path / "store")

    assert (prepared.facts["name"], prepared.facts["kind"]) == ("drawn", "synthetic")


def test_the_same_bytes_with_any_number_of_threads(tmp_path, make_folder):
    root = make_folder([f"{index}.png" for index in range(40)])
    for threads in (1, 3):
        prepare_store(root, settings(), tmp_path / str(threads), threads=threads)

    for name in ("images.npy", "samples.csv", "facts.json"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "3" / name).read_bytes()


def test_progress_is_shown_on_stderr(tmp_path, make_folder, capsys):
    prepare_store(make_folder(), settings(), tmp_path / "store")
    out, err = capsys.readouterr()

    assert out == ""
    assert "checking images: 100%" in err
    assert "cutting images: 100%" in err


def break_image(path, how):
    data = path.read_bytes()
    if how == "cut":
        path.write_bytes(data[:-20])
    else:  # found by the decoder alone: the checksum of the pixels is wrong
        path.write_bytes(data[:60] + bytes([data[60] ^ 255]) + data[61:])


@pytest.mark.parametrize("how", ["cut", "changed"])
def test_a_bad_image_stops_the_run_and_leaves_nothing(tmp_path, make_folder, how):
    root = make_folder()
    break_image(root / "b.png", how)

    with pytest.raises(UserError, match=r"b\.png: .*on_bad_image: skip"):
        prepare_store(root, settings(), tmp_path / "out" / "store")
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("how", ["cut", "changed"])
def test_a_bad_image_is_named_counted_and_left_out(tmp_path, make_folder, capsys, how):
    root = make_folder(["a.png", "b.png", "c.png", "d.png"], landmarks="image,x0,y0\nb.png,1,2\nc.png,3,4\n")
    break_image(root / "b.png", how)
    prepared = prepare_store(root, settings(on_bad_image="skip"), tmp_path / "store")

    assert prepared.names.tolist() == ["a.png", "c.png", "d.png"]
    assert prepared.landmarks[1].tolist() == [[3, 4]]
    assert [entry["image"] for entry in prepared.facts["dropped"]] == ["b.png"]
    assert f"left out: {root}/b.png: " in capsys.readouterr().err
    assert json.loads((tmp_path / "store/facts.json").read_text())["images"] == 3

    (root / "b.png").unlink()
    (root / "landmarks.csv").write_text("image,x0,y0\nc.png,3,4\n")
    without = prepare_store(root, settings(), tmp_path / "without")
    assert np.array_equal(without.images, prepared.images)
    assert without.samples.equals(prepared.samples)


def test_when_all_images_are_bad_there_is_an_error(tmp_path, make_folder):
    root = make_folder()
    for name, content in (("a.png", b"text"), ("b.png", b""), ("c.png", b"")):
        (root / name).write_bytes(content)

    counts = (
        r"none of the 3 images can be read \(2: the file is empty, 1: not a JPEG, .*\); the first: a\.png: not a JPEG"
    )
    with pytest.raises(UserError, match=counts):
        prepare_store(root, settings(on_bad_image="skip"), tmp_path / "store")


@pytest.mark.parametrize(
    ("samples", "message"),
    [(None, "one image can't be split"), ("image,split\na.png,train\nb.png,test\nc.png,test\n", "no test images")],
)
def test_too_few_images_left_is_an_error(tmp_path, make_folder, samples, message):
    root = make_folder(samples=samples)
    for name in ("b.png", "c.png"):
        (root / name).write_bytes(b"")

    with pytest.raises(UserError, match=message):
        prepare_store(root, settings(on_bad_image="skip"), tmp_path / "store")


@pytest.mark.parametrize("box", ["500,500,600,600", "-30,2,-10,8", "0,0,12,25", "8,0,17,9"])
def test_a_box_outside_the_image_is_named_with_its_line(tmp_path, make_folder, box):
    root = make_folder(samples=BOXES + f"b.png,test,,,,,\na.png,train,,{box}\n")

    with pytest.raises(UserError) as caught:
        prepare_store(root, settings(), tmp_path / "store")
    assert f"samples.csv, line 3: the box {box.replace(',', ', ')} of 'a.png' lies by half" in str(caught.value)
    assert "of 12 x 10 pixels" in str(caught.value)
    assert not (tmp_path / "store").exists()


def test_a_box_that_sticks_out_a_little_is_clipped(tmp_path, make_folder):
    root = make_folder(samples=BOXES + "b.png,test,,,,,\na.png,train,,-2,-2,10,9\n")
    prepared = prepare_store(root, settings(), tmp_path / "store")

    assert prepared.rectangle("box")[0].tolist() == [-2, -2, 10, 9]
    assert prepared.rectangle("crop")[0].tolist() == [0, 0, 11, 9]


def test_a_box_without_a_pixel_is_refused(tmp_path, make_folder):
    root = make_folder(samples=BOXES + "b.png,test,,,,,\na.png,train,,5.2,5.2,5.6,5.6\n")

    with pytest.raises(UserError, match=r"line 3: the box of 'a\.png' leaves no pixel to crop"):
        prepare_store(root, settings(crop_rule="margin", crop_margin=0), tmp_path / "store")


@pytest.mark.parametrize("box", ["0.1,0.2,0.8,0.9", "0,0,1,1"])
def test_a_box_in_shares_of_the_image_is_refused(tmp_path, make_folder, box):
    root = make_folder(samples=BOXES + f"b.png,test,,,,,\na.png,train,,{box}\n")

    with pytest.raises(
        UserError, match=r"line 3: the box .* of 'a\.png' lies within 0 and 1, .*; give pixels: multiply"
    ):
        prepare_store(root, settings(), tmp_path / "store")


def test_a_box_of_less_than_a_pixel_elsewhere_is_not_taken_for_shares(tmp_path, make_folder):
    root = make_folder(samples=BOXES + "b.png,test,,,,,\na.png,train,,0.5,0.5,1.5,1.5\n")
    assert prepare_store(root, settings(), tmp_path / "store").rectangle("box")[0].tolist() == [0.5, 0.5, 1.5, 1.5]


def test_a_full_disk_is_said_in_one_line_and_leaves_nothing(tmp_path, make_folder, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "_write_images", full)
    with pytest.raises(UserError, match=r"store: can't be written \(No space left on device\); free space there"):
        prepare_store(make_folder(), settings(), tmp_path / "out" / "store")
    assert not list((tmp_path / "out").iterdir())

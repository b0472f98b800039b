import numpy as np
import pytest

from landmark_discovery.data.folder import list_images, read_folder
from landmark_discovery.errors import UserError


def test_images_are_found_at_any_depth_in_the_order_of_their_names(make_folder):
    root = make_folder(["b.png", "a/2.PNG", "a/10.jpg", "ü ß.webp", ".hidden.png", ".cache/c.png"])
    (root / "notes.txt").write_text("no image")
    folder = read_folder(root)

    assert folder.samples["image"].tolist() == ["a/10.jpg", "a/2.PNG", "b.png", "ü ß.webp"]
    assert folder.paths[0] == root / "a/10.jpg"
    assert folder.samples["split"].tolist() == [""] * 4
    assert folder.samples["x_min"].isna().all()
    assert folder.landmarks is None
    assert len(folder) == 4


def test_a_hidden_folder_above_the_data_set_hides_nothing(make_folder):
    root = make_folder()
    hidden = root.rename(root.with_name(".dataset"))

    assert list_images(hidden) == ["a.png", "b.png", "c.png"]


def test_samples_say_which_images_belong(make_folder):
    root = make_folder(samples="image,subject\nc.png,Zoë\na.png,\n")
    folder = read_folder(root)

    assert folder.samples["image"].tolist() == ["a.png", "c.png"]
    assert folder.samples["subject"].tolist() == ["", "Zoë"]
    assert folder.where(1) == f"{root}/samples.csv, line 2"


def test_landmarks_come_in_the_order_of_the_images(make_folder):
    folder = read_folder(make_folder(landmarks="image,x0,y0\nc.png,5,6\na.png,1,2\n"))

    assert folder.landmarks.shape == (3, 1, 2)
    assert folder.landmarks[[0, 2], 0].tolist() == [[1, 2], [5, 6]]
    assert np.isnan(folder.landmarks[1]).all()


def test_landmarks_of_an_image_that_is_not_listed_are_passed_over(make_folder):
    folder = read_folder(make_folder(samples="image\na.png\nb.png\n", landmarks="image,x0,y0\nc.png,5,6\nb.png,1,2\n"))

    assert folder.landmarks[1].tolist() == [[1, 2]]
    assert np.isnan(folder.landmarks[0]).all()


def test_tables_of_points_beside_the_first_come_in_the_same_order(make_folder):
    root = make_folder(landmarks="image,x0,y0\na.png,1,2\n")
    (root / "landmarks_5.csv").write_text("image,x0,y0,x1,y1\nc.png,1,2,3,4\nb.png,5,6,7,8\n")
    (root / "landmarks_of last week.csv").write_text("no table")
    folder = read_folder(root)
    turned = folder.take(np.array([2, 1]))

    assert folder.landmarks[0].tolist() == [[1, 2]]
    assert list(folder.more_landmarks) == ["landmarks_5"]
    assert np.isnan(folder.more_landmarks["landmarks_5"][0]).all()
    assert turned.more_landmarks["landmarks_5"].tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


def test_tables_may_stand_apart_from_the_images(make_folder, tmp_path):
    root = make_folder(samples="image\nnone.png\n", landmarks="no table")
    tables = tmp_path / "elsewhere"
    tables.mkdir()
    (tables / "samples.csv").write_text("image\nb.png\na.png\n")
    (tables / "landmarks.csv").write_text("image,x0,y0\nc.png,5,6\nb.png,1,2\n")
    (tables / "landmarks_1.csv").write_text("image,x0,y0\na.png,3,4\n")
    folder = read_folder(root, tables)

    assert folder.paths == [root / "a.png", root / "b.png"]
    assert folder.where(0) == f"{tables}/samples.csv, line 3"
    assert folder.landmarks[1].tolist() == [[1, 2]]
    assert folder.more_landmarks["landmarks_1"][0].tolist() == [[3, 4]]


def test_a_fault_of_tables_apart_is_named_where_it_stands(make_folder, tmp_path):
    root = make_folder()
    tables = tmp_path / "elsewhere"
    with pytest.raises(UserError, match=r"elsewhere: no samples\.csv in this folder; list the images there"):
        read_folder(root, tables)

    tables.mkdir()
    (tables / "samples.csv").write_text("image\na.png\nx.png\n")
    with pytest.raises(UserError, match=r"elsewhere/samples\.csv, line 3: image 'x\.png' isn't there"):
        read_folder(root, tables)
    (tables / "samples.csv").write_text("image\na.png\nb.png\n")
    (tables / "landmarks_5.csv").write_text("image,x0,y0\nx.png,1,2\n")
    with pytest.raises(UserError, match=r"elsewhere/landmarks_5\.csv, line 2: landmarks for 'x\.png'"):
        read_folder(root, tables)


def test_a_split_of_training_images_alone_where_both_sides_are_not_needed(make_folder):
    alone = make_folder(samples="image,split\na.png,train\nb.png,train\n")
    assert read_folder(alone, both_sides=False).samples["split"].tolist() == ["train", "train"]

    (alone / "samples.csv").write_text("image,split\na.png,test\nb.png,test\n")
    with pytest.raises(UserError, match=r"samples\.csv: no training images"):
        read_folder(alone, both_sides=False)


def test_taking_images_takes_their_landmarks(make_folder):
    folder = read_folder(make_folder(landmarks="image,x0,y0\nb.png,5,6\nc.png,7,8\n")).take(np.array([2, 1]))

    assert folder.samples["image"].tolist() == ["c.png", "b.png"]
    assert folder.landmarks.tolist() == [[[7, 8]], [[5, 6]]]


@pytest.mark.parametrize(
    ("names", "samples", "landmarks", "message"),
    [
        ([], None, None, "dataset: no images in this folder; put images there (.bmp .jpeg"),
        (["a.png"], None, None, "dataset: only one image, 'a.png'; give at least two, one to train on"),
        (["a.png", "b.png"], "image\n", None, "samples.csv: the table has a header and no rows; give a row"),
        (["a.png", "b.png"], "image\nb.png\n", None, "only one image, 'b.png'"),
        (["a.png", "b.png"], "image\na.png\nx.png\n", None, "samples.csv, line 3: image 'x.png' isn't there"),
        (["a.png", "b.png"], "image\na.png\nb.gif\n", None, "line 3: 'b.gif' isn't an image by its name"),
        (["a.png", "b.png"], None, "image,x0,y0\nx.png,1,2\n", "landmarks.csv, line 2: landmarks for 'x.png'"),
        (["a.png", "b.png"], "image,split\na.png,train\nb.png,train\n", None, "samples.csv: no test images"),
        (["a.png", "b.png"], "image,split\na.png,test\nb.png,test\n", None, "samples.csv: no training images"),
        (["a.png", "b.png"], "image,split\nb.png,test\na.png,\n", None, "line 3: the split is empty"),
    ],
)
def test_a_fault_of_the_data_set_is_named(make_folder, names, samples, landmarks, message):
    with pytest.raises(UserError) as caught:
        read_folder(make_folder(names, samples, landmarks))

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_or_no_folder(make_folder):
    root = make_folder()
    with pytest.raises(UserError, match=r"none: no such folder; set `dataset\.path`"):
        read_folder(root / "none")
    with pytest.raises(UserError, match=r"a\.png: not a folder"):
        read_folder(root / "a.png")


def test_a_name_that_is_no_utf8_is_refused(make_folder):
    root = make_folder()
    try:
        (root / "\udcff.png").touch()
    except OSError:
        pytest.skip("this file system allows no such names")

    with pytest.raises(UserError, match="isn't UTF-8; rename the file"):
        read_folder(root)

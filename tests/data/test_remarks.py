import shutil

import pytest

from landmark_discovery.config.data import DatasetSettings
from landmark_discovery.data.prepare import prepare_store


@pytest.fixture
def prepared(tmp_path, capsys):
    """Give facts of a prepared folder, and what was said meanwhile beside bars of progress."""

    def prepare(root, **changes):
        settings = DatasetSettings(name="toy", kind="folder", **changes.pop("settings", {}))
        facts = prepare_store(root, settings, tmp_path / "store", **changes).facts
        said = [line for line in capsys.readouterr().err.replace("\r", "\n").splitlines() if line and "%|" not in line]
        return facts, said

    return prepare


def test_images_that_the_table_does_not_list_are_counted(make_folder, prepared):
    root = make_folder(["a.png", "b.png", "c.png", "sub/d.png"], samples="image\nb.png\na.png\n")
    (root / "notes.txt").write_text("not an image, and none was asked for")
    facts, said = prepared(root)

    assert (facts["images"], facts["unlisted_images"], facts["other_files"]) == (2, 2, 0)
    assert said == ["left out: images that aren't listed in samples.csv: 2, c.png first"]


def test_files_that_are_no_images_are_counted_by_their_endings(make_folder, prepared):
    root = make_folder(landmarks="image,x0,y0\na.png,1,2\n")
    for name in ("a.GIF", "b.gif", "c.heic", "README", ".hidden", "landmarks of last week.csv"):
        (root / name).write_text("x")
    facts, said = prepared(root)

    assert (facts["images"], facts["unlisted_images"], facts["other_files"]) == (3, 0, 5)
    counts = "5 (2 .gif, 1 .csv, 1 .heic, 1 no ending)"
    assert said == [f"passed over: files that are no images by their names: {counts}"]


def test_nothing_is_said_where_everything_is_taken(make_folder, prepared):
    assert prepared(make_folder())[1] == []
    facts, said = prepared(make_folder(samples="image\na.png\nb.png\nc.png\n"))
    assert said == []
    assert (facts["unlisted_images"], facts["other_files"]) == (0, 0)


POINTS = "image,x0,y0,x1,y1\na.png,-1000,5,3,4\nb.png,-6,15,18,-5\nc.png,,,3,16\n"


def test_true_points_far_outside_their_images_are_counted(make_folder, prepared):
    # Images of 12 x 10 pixels: up to 6 pixels beside them and 5 above and below may be.
    root = make_folder(landmarks=POINTS)
    (root / "landmarks_b.csv").write_text("image,x0,y0\nb.png,18.1,5\n")
    facts, said = prepared(root)

    words = "true points farther outside their images than half of these are wide or high"
    assert said == [
        f"check landmarks.csv: {words}: 2, in 2 of 3 images, a.png first",
        f"check landmarks_b.csv: {words}: 1, in 1 of 3 images, b.png first",
    ]
    assert facts["images_with_points"] == 3


def test_test_images_that_are_training_images_too_are_counted(make_folder, prepared):
    names = ["a.png", "b.png", "c.png", "d.png"]
    root = make_folder(names, samples="image,split\na.png,train\nb.png,test\nc.png,test\nd.png,test\n")
    for copy in ("c.png", "d.png"):
        shutil.copy(root / "a.png", root / copy)
    facts, said = prepared(root)

    assert facts["test_images_equal_to_training"] == 2
    assert said == ["check the split: test images whose pixels are those of a training image: 2"]


def test_what_other_tables_of_the_pipeline_hold_is_not_missed(make_folder, prepared, tmp_path):
    tables = tmp_path / "training"
    tables.mkdir()
    (tables / "samples.csv").write_text("image,split\na.png,train\nb.png,train\n")
    facts, said = prepared(make_folder(samples="image\nb.png\nc.png\n"), tables=tables)
    assert said == []
    assert "unlisted_images" not in facts

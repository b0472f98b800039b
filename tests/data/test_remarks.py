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


def test_what_other_tables_of_the_pipeline_hold_is_not_missed(make_folder, prepared, tmp_path):
    tables = tmp_path / "training"
    tables.mkdir()
    (tables / "samples.csv").write_text("image,split\na.png,train\nb.png,train\n")
    facts, said = prepared(make_folder(samples="image\nb.png\nc.png\n"), tables=tables)
    assert said == []
    assert "unlisted_images" not in facts

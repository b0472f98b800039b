import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged_bytes, damaged_text, fuzz, only_user_errors

from landmark_discovery.config.data import DatasetSettings
from landmark_discovery.data.folder import read_folder
from landmark_discovery.data.prepare import prepare_store
from landmark_discovery.data.store import read_store
from landmark_discovery.data.tables import read_landmark_table, read_sample_table
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.truth import read_truth

SAMPLES = """image,split,subject,x_min,y_min,x_max,y_max
a.png,train,s1,1,1,9,8
b.png,test,s2,0,0,12,10
c.png,train,s1,2,2,7,7
"""
LANDMARKS = "image,x0,y0,x1,y1\na.png,1,2,3,4\nb.png,,,5.5,6\nc.png,0,0,0,0\n"
PIECES = (
    *(",", ",,", "\n", "\r", '"', '""', ";", "\t", "image", "split", "x0", "x_min", "train", "2024", "=1+1", "", "9"),
    *("1e400", "1e308", "-1e308", "nan", "inf", "NA", "0x10", "1_0", "9" * 400, "9" * 5000, "-", ".", "٣", "True"),
    *(
        "a.png",
        "../b.png",
        "/a.png",
        ".",
        "/",
        "\\",
        "a.png/b.png",
        "x" * 300 + ".png",
        "y/" * 3000 + ".png",
        "z" * 300,
    ),
    *("\0", "a\0.png", "\ufeff", "\x85", "\u2028", "é", "\U0001f600", "a.png\0", "x" * 200_000),
)


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """Write a table under a name."""
    folder = tmp_path_factory.mktemp("tables")

    def write(name, content):
        path = folder / name
        path.write_bytes(content)
        return path

    return write


def damaged(table):
    text = damaged_text(table, PIECES).map(str.encode)
    return damaged_bytes(table.encode()) | text | text | text


@given(content=damaged(SAMPLES))
@fuzz(300)
def test_a_damaged_table_of_samples_is_read_or_refused(write, content):
    path = write("samples.csv", content)
    for read in (read_sample_table, lambda path: read_truth(path, None)):
        with only_user_errors():
            read(path)


@given(content=damaged(LANDMARKS))
@fuzz(300)
def test_a_damaged_table_of_landmarks_is_read_or_refused(write, content):
    path, samples = write("landmarks.csv", content), write("samples.csv", SAMPLES.encode())
    for read in (read_landmark_table, lambda path: read_truth(samples, path), lambda path: read_truth(None, path)):
        with only_user_errors():
            read(path)


@given(content=damaged(SAMPLES), points=damaged(LANDMARKS), both=st.booleans())
@fuzz(100)
def test_a_folder_with_damaged_tables_is_prepared_or_refused(make_folder, tmp_path, content, points, both):
    folder = make_folder()
    (folder / "samples.csv").write_bytes(content)
    (folder / "landmarks.csv").write_bytes(points if both else LANDMARKS.encode())
    with only_user_errors():
        store = prepare_store(folder, DatasetSettings(kind="folder", path=str(folder)), tmp_path / "store", threads=1)
        read_store(tmp_path / "store")
        assert len(store) == 3


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "y/" * 3000 + "b.png", "a\0.png", "a.png/b.png"])
def test_a_name_that_no_file_can_have_is_not_there(make_folder, name):
    for tables in ({"samples": f"image\n{name}\na.png\n"}, {"landmarks": f"image,x0,y0\n{name},1,2\n"}):
        folder = make_folder(**tables)
        with pytest.raises(UserError, match="isn't there"):
            read_folder(folder)
        for table in folder.glob("*.csv"):
            table.unlink()

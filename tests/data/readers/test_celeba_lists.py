import pytest
from fake_archives import FIVE_POINTS_HEADER

from landmark_discovery.data.readers.celeba_lists import read_five_points, read_names, read_partition
from landmark_discovery.errors import UserError

ROW = "000001.jpg  69  109  106  113   77  142   73  152  108  154"


@pytest.fixture
def save(tmp_path):
    def write(text):
        path = tmp_path / "list.txt"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.mark.parametrize("text", ["000001.jpg 0\n000007.jpg 2\n", "000001.jpg 0\r\n000007.jpg 2\r\n\r\n"])
def test_the_partition_of_each_image(save, text):
    assert read_partition(save(text)) == {"000001.jpg": 0, "000007.jpg": 2}


def test_names_come_in_the_order_of_the_file_and_need_no_last_line_break(save):
    assert read_names(save("000007.jpg\n000001.jpg")) == ["000007.jpg", "000001.jpg"]


def test_five_points_of_each_image(save):
    points = read_five_points(save(f"1\n{FIVE_POINTS_HEADER} \n{ROW}\n"))

    assert points["000001.jpg"].tolist() == [[69, 109], [106, 113], [77, 142], [73, 152], [108, 154]]


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_partition, "", r"line 1: it is ''; a line is the name of an image and 0, 1 or 2"),
        (read_partition, "000001.jpg 0\n000002.jpg 3\n", r"line 2: it is '000002\.jpg 3'"),
        (read_partition, "000001.jpg 0\n000002.jpg\n", "line 2: "),
        (read_partition, "000001.jpg 0\n\n000002.jpg 1\n", "line 2: it is ''"),
        (read_partition, "000001.jpg 0\n000001.jpg 1\n", r"line 2: '000001\.jpg' stands twice"),
        (read_partition, "../000001.jpg 0\n", "line 1: .* a line starts with the name of an image"),
        (read_partition, "a/000001.jpg 0\n", "line 1: "),
        (read_partition, ".jpg 0\n", "line 1: "),
        (read_names, "", "line 1: it is ''; a line is the name of an image: fetch it anew"),
        (read_names, "<!DOCTYPE html>\n", "line 1: it is '<!DOCTYPE html>'"),
        (read_names, "000001.jpg\n000002.exe\n", "line 2: "),
        (read_names, "000001.jpg\n000001.jpg\n", "stands twice"),
        (read_names, b"\xff\xfe\0\0", "not a text file"),
        (read_five_points, "", "line 1: it is ''; the first line is the number of images"),
        (read_five_points, "many\n", "line 1: it is 'many'"),
        (read_five_points, "1\n", "line 2: it is ''; the second line names x and y of five points"),
        (read_five_points, f"1\n{ROW}\n", "line 2: "),
        (read_five_points, f"2\n{FIVE_POINTS_HEADER}\n{ROW}\n", "1 images where line 1 says 2"),
        (read_five_points, f"0\n{FIVE_POINTS_HEADER}\n", "no image in it"),
        (read_five_points, f"1\n{FIVE_POINTS_HEADER}\n{ROW[:-4]}\n", "line 3: .* 10 whole numbers"),
        (read_five_points, f"1\n{FIVE_POINTS_HEADER}\n{ROW[:-4]} 1e5\n", "line 3: "),
        (read_five_points, f"1\n{FIVE_POINTS_HEADER}\n{ROW} 1\n", "line 3: "),
    ],
)
def test_a_fault_is_named_with_its_line(save, read, text, message):
    with pytest.raises(UserError, match=message) as caught:
        read(save(text))
    assert "list.txt" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"none\.txt: no such file"):
        read_names(tmp_path / "none.txt")
    with pytest.raises(UserError, match="can't be read"):
        read_names(tmp_path)

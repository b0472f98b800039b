import base64
import re

import cv2
import numpy as np
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.reporting.colors import landmark_colors
from landmark_discovery.reporting.data_uris import data_uri, data_uri_of_file
from landmark_discovery.reporting.marks import hex_color, landmark_mark, plot_symbol


def decoded(uri):
    content = base64.b64decode(uri.removeprefix("data:image/webp;base64,"))
    return cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_a_page_has_the_colours_of_the_pictures():
    colors = ["#" + bytes(color.tolist()).hex() for color in landmark_colors(30)]
    assert [hex_color(landmark) for landmark in range(30)] == colors
    assert all(color in landmark_mark(landmark) for landmark, color in enumerate(colors))


def test_another_shape_comes_after_every_ten_landmarks():
    assert [plot_symbol(landmark) for landmark in (0, 9, 10, 20, 30)] == [
        "circle",
        "circle",
        "square",
        "diamond",
        "triangle-up",
    ]
    shapes = [re.search(r"<(circle|rect|path)", landmark_mark(landmark))[1] for landmark in (0, 10, 20)]
    assert shapes == ["circle", "rect", "path"]


def test_a_picture_survives_its_data_uri():
    picture = np.zeros((32, 48, 3), dtype=np.uint8)
    picture[:, 24:] = (200, 40, 90)
    back = decoded(data_uri(picture))
    assert back.shape == picture.shape
    assert np.abs(back[:, 30:].astype(int) - (200, 40, 90)).max() < 12
    assert data_uri(picture) == data_uri(picture.copy())


def test_a_wide_file_is_shrunk_and_a_narrow_one_is_not(tmp_path):
    cv2.imwrite(str(tmp_path / "wide.png"), np.full((100, 400, 3), 99, dtype=np.uint8))
    assert decoded(data_uri_of_file(tmp_path / "wide.png", 200)).shape == (50, 200, 3)
    assert decoded(data_uri_of_file(tmp_path / "wide.png", 900)).shape == (100, 400, 3)


@pytest.mark.parametrize(("content", "fault"), [(None, "can't be read"), (b"", "not a picture"), (b"x", "not a pict")])
def test_a_file_that_is_no_picture_is_named(tmp_path, content, fault):
    if content is not None:
        (tmp_path / "round.png").write_bytes(content)
    with pytest.raises(UserError, match=rf"round\.png: {fault}"):
        data_uri_of_file(tmp_path / "round.png", 100)

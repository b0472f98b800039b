import cv2
import numpy as np
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.reporting.drawing import (
    blank,
    draw_cross,
    draw_marker,
    draw_ring,
    draw_text,
    stack,
    text_mask,
    tile,
    write_picture,
)

RED = (200, 0, 0)


def grey(height=40, width=60):
    return np.full((height, width, 3), 128, dtype=np.uint8)


def changed(picture):
    return np.argwhere((picture != 128).any(axis=-1))


@pytest.mark.parametrize("shape", ["disc", "square", "diamond", "triangle"])
def test_a_marker_has_its_colour_at_its_point_then_a_light_and_a_dark_rim(shape):
    picture = grey()
    draw_marker(picture, (30, 20), RED, 5, shape)
    assert tuple(picture[20, 30]) == RED
    upwards = picture[:20, 30].astype(int).sum(axis=-1)
    assert upwards.max() > 550, "a light rim"
    assert upwards.min() < 150, "a dark rim"


def test_a_disc_is_centred_on_its_point():
    picture = grey()
    draw_marker(picture, (30, 20), RED, 5)
    assert changed(picture).mean(axis=0) == pytest.approx([20, 30], abs=0.1)


@pytest.mark.parametrize("draw", [draw_marker, draw_cross, draw_ring])
def test_a_missing_point_leaves_no_mark(draw):
    picture = grey()
    draw(picture, (np.nan, np.nan), RED, 5)
    assert len(changed(picture)) == 0


@pytest.mark.parametrize("draw", [draw_marker, draw_cross, draw_ring])
@pytest.mark.parametrize("point", [(0, 0), (59, 39), (-3, 20)])
def test_a_mark_at_the_border_is_cut_off(draw, point):
    picture = grey()
    draw(picture, point, RED, 5)
    assert 0 < len(changed(picture)) < 300


@pytest.mark.parametrize("point", [(-1000, 5), (5, 1000)])
def test_a_mark_far_outside_leaves_the_picture_alone(point):
    picture = grey()
    draw_marker(picture, point, RED, 5)
    assert len(changed(picture)) == 0


def test_a_ring_leaves_visible_what_it_marks():
    picture = grey()
    draw_ring(picture, (30, 20), RED, 8)
    assert (picture[17:24, 27:34] == 128).all()
    assert tuple(picture[20, 38]) == RED


def test_words_are_as_high_as_asked_and_wider_when_longer():
    assert text_mask("7", 20).shape[0] == 28
    assert text_mask("77", 20).shape[1] > text_mask("7", 20).shape[1]
    assert text_mask("", 20).max() == 0


def test_an_o_is_open():
    mask = text_mask("o", 40)
    rows, columns = np.argwhere(mask > 0.9).T
    assert mask[(rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2] == 0


def test_words_may_leave_the_picture():
    picture = grey(10, 10)
    draw_text(picture, (-4, -4), "88", 20, (0, 0, 0))
    assert 0 < len(changed(picture)) < 100


def test_a_halo_surrounds_light_words_with_dark():
    picture = grey()
    draw_text(picture, (10, 5), "8", 20, (255, 255, 255), halo=True)
    assert picture.min() < 60
    assert picture.max() == 255


def test_tiles_stand_row_by_row_with_gaps_all_around():
    pictures = [np.full((2, 3, 3), value, dtype=np.uint8) for value in (10, 20, 30)]
    sheet = tile(pictures, columns=2, gap_px=1)
    assert sheet[..., 0].tolist() == [
        [255, 255, 255, 255, 255, 255, 255, 255, 255],
        [255, 10, 10, 10, 255, 20, 20, 20, 255],
        [255, 10, 10, 10, 255, 20, 20, 20, 255],
        [255, 255, 255, 255, 255, 255, 255, 255, 255],
        [255, 30, 30, 30, 255, 255, 255, 255, 255],
        [255, 30, 30, 30, 255, 255, 255, 255, 255],
        [255, 255, 255, 255, 255, 255, 255, 255, 255],
    ]


def test_fewer_pictures_than_columns_leave_no_empty_column():
    assert tile([blank(2, 3)], columns=6, gap_px=1).shape == (4, 5, 3)


def test_stacked_pictures_get_the_widest_width():
    sheet = stack([grey(1, 2), grey(1, 1)])
    assert sheet[..., 0].tolist() == [[128, 128], [128, 255]]


def test_a_written_picture_reads_back_in_red_green_blue_and_has_the_same_bytes_again(tmp_path):
    picture = grey(3, 4)
    picture[0, 0] = (1, 2, 3)
    write_picture(tmp_path / "a.png", picture)
    write_picture(tmp_path / "b.png", picture)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png"))[..., ::-1], picture)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_picture_under_a_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't be written"):
        write_picture(tmp_path / "file" / "a.png", grey())

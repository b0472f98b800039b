import numpy as np
import pytest

from landmark_discovery.data.image_headers import parse_header
from landmark_discovery.data.images import read_image
from landmark_discovery.inference.detector import DetectedShot, FoundObject
from landmark_discovery.inference.overlays import draw_objects, overlay_of_video, write_overlay
from landmark_discovery.inference.shots import Shot
from landmark_discovery.reporting.colors import landmark_colors

GREY = np.full((120, 160, 3), 128, dtype=np.uint8)
WHOLE = [0, 0, 160, 120]


def object_at(*points, box=WHOLE):
    return FoundObject("a", np.array(box, dtype=np.float64), np.array(points, dtype=np.float64), np.ones(len(points)))


def test_each_landmark_has_its_colour_in_every_object():
    picture = draw_objects(GREY, [object_at((20, 30), (60, 30)), object_at((20, 90), (60, 90))])
    first, second = landmark_colors(2).tolist()
    assert picture[30, 20].tolist() == picture[90, 20].tolist() == first
    assert picture[30, 60].tolist() == picture[90, 60].tolist() == second


def test_the_image_itself_stays_as_it_is():
    draw_objects(GREY, [object_at((20, 30))])
    assert (GREY == 128).all()


def test_landmarks_that_were_not_found_or_lie_outside_draw_nothing():
    picture = draw_objects(GREY, [object_at((np.nan, np.nan), (-50, 20), (20, 500))])
    assert np.array_equal(picture, GREY)


def test_a_box_is_drawn_where_it_is_smaller_than_the_image():
    assert np.array_equal(draw_objects(GREY, [object_at()]), GREY)
    picture = draw_objects(GREY, [object_at(box=[40, 30, 101, 91])])
    assert picture[30, 40:101].tolist() == picture[90, 40:101].tolist() == [[255, 255, 255]] * 61
    assert (picture[50, 60] == 128).all()


def test_more_landmarks_than_colours_are_numbered():
    points = [(12 + 14 * index % 140, 20 + 9 * index) for index in range(11)]
    few, many = draw_objects(GREY, [object_at(*points[:10])]), draw_objects(GREY, [object_at(*points)])
    assert (many != GREY).sum() > 1.5 * (few != GREY).sum()


def test_nothing_found_is_the_image():
    assert np.array_equal(draw_objects(GREY, []), GREY)


@pytest.mark.parametrize("name", ["a.png", "sub/ü ' \" b.JPG", "c.jpeg", "d.tif", "e.TIFF", "f.bmp", "g.webp"])
def test_an_overlay_has_the_name_and_kind_of_its_image(tmp_path, name):
    detected = DetectedShot(Shot(name, GREY), (160, 120), [object_at((20, 30), (60, 90))])
    assert write_overlay(detected, tmp_path) is detected
    difference = read_image(tmp_path / name).astype(int) - draw_objects(GREY, detected.objects)
    assert abs(difference).mean() < 0.5
    kind = parse_header((tmp_path / name).read_bytes()).format
    assert kind.lower()[:3] == (tmp_path / name).suffix.lower()[1:4].replace("jpg", "jpe")


def test_labelled_videos_are_mp4_and_keep_their_names_apart(tmp_path):
    assert overlay_of_video(tmp_path, "a/clip.mp4") == tmp_path / "a/clip.mp4"
    assert overlay_of_video(tmp_path, "clip.MP4") == tmp_path / "clip.MP4"
    assert overlay_of_video(tmp_path, "clip.avi") == tmp_path / "clip.avi.mp4"

import os

import pytest

from landmark_discovery.data.folder import list_images
from landmark_discovery.errors import UserError
from landmark_discovery.inference.inputs import find_inputs, frame_name, frame_of, is_video_name, overlay_name


@pytest.fixture
def touch(tmp_path):
    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return make


def names_of(files):
    return [file.name for file in files]


def test_a_folder_is_searched_at_any_depth_in_the_order_of_a_data_set(touch):
    root = touch("in/b.png", "in/a/2.PNG", "in/a/10.jpg", "in/ü ß 'x' \"y\".webp", "in/a.png", "in/a-b.png")
    found = find_inputs([root / "in"], root / "out")
    assert names_of(found.images) == list_images(root / "in")
    assert found.images[0].path == root / "in" / found.images[0].name


def test_images_videos_and_other_files_are_told_apart(touch):
    root = touch("in/a.png", "in/b.MP4", "in/c/d.webm", "in/notes.txt", "in/z.csv", "in/.hidden.png", "in/.git/x.png")
    found = find_inputs([root / "in"], root / "out")
    assert (names_of(found.images), names_of(found.videos)) == (["a.png"], ["b.MP4", "c/d.webm"])
    assert (found.others, found.first_other) == (2, root / "in/notes.txt")


def test_single_files_go_by_their_base_names_in_the_order_given(touch):
    root = touch("one/b.png", "two/a.png", "three/clip.mp4", "four/c.png")
    found = find_inputs([root / "one/b.png", root / "four", root / "two/a.png", root / "three/clip.mp4"], root / "out")
    assert names_of(found.images) == ["b.png", "c.png", "a.png"]
    assert names_of(found.videos) == ["clip.mp4"]


@pytest.mark.parametrize("paths", [("one/a.png", "two/a.png"), ("one", "two/a.png"), ("one/a.png", "one/a.png")])
def test_two_inputs_of_one_name_are_refused(touch, paths):
    root = touch("one/a.png", "two/a.png")
    with pytest.raises(UserError, match=r"two inputs are called 'a\.png': .*a\.png and .*a\.png; give the folder"):
        find_inputs([root / path for path in paths], root / "out")


@pytest.mark.parametrize("names", [("in/clip.avi", "in/clip.avi.mp4"), ("in/clip.avi.mp4", "other/clip.avi")])
def test_two_videos_whose_labelled_ones_would_have_one_name_are_refused(touch, names):
    root = touch(*names)
    paths = sorted({(root / name).parent for name in names})
    with pytest.raises(UserError, match=r"clip\.avi.* and .*clip\.avi.* would both be called 'clip\.avi\.mp4'; rename"):
        find_inputs(paths, root / "out")
    assert len(find_inputs(paths, root / "out", overlays=False).videos) == 2


def test_names_that_differ_by_their_folders_are_no_twins(touch):
    root = touch("in/one/a.png", "in/two/a.png")
    assert names_of(find_inputs([root / "in"], root / "out").images) == ["one/a.png", "two/a.png"]


def test_earlier_results_within_the_folder_are_no_inputs(touch):
    root = touch("in/a.png", "in/out/overlays/a.png", "in/out/landmarks.csv")
    found = find_inputs([root / "in"], root / "in/out")
    assert (names_of(found.images), found.others) == (["a.png"], 0)
    assert names_of(find_inputs([root / "in"], root / "elsewhere").images) == ["a.png", "out/overlays/a.png"]


@pytest.mark.parametrize("given", ["out", "out/overlays", "out/overlays/a.png", "out/../out/"])
def test_results_never_take_the_place_of_their_inputs(touch, given):
    root = touch("out/overlays/a.png")
    with pytest.raises(UserError, match=r"out: the results would take the place of .*; write into another folder"):
        find_inputs([root / given], root / "out")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("none", "none: no such file or folder"),
        ("in/notes.txt", "notes.txt: neither image nor video by its name; valid images: .bmp"),
        ("in/empty", "empty: neither image nor video in it; give images: .bmp"),
        ("in/pipe.png", "pipe.png: not a file but a pipe"),
    ],
)
def test_what_holds_nothing_to_look_at_is_refused(touch, given, words):
    root = touch("in/notes.txt", "in/empty/notes.txt")
    os.mkfifo(root / "in/pipe.png")
    with pytest.raises(UserError) as caught:
        find_inputs([root / given], root / "out")
    assert words in str(caught.value)


def test_a_name_that_is_no_text_is_refused(touch):
    root = touch("in/a.png")
    try:
        (root / "in" / os.fsdecode(b"\xff.png")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    with pytest.raises(UserError, match=r"the name '\\udcff\.png' isn't UTF-8; rename the file"):
        find_inputs([root / "in"], root / "out")


def test_labelled_videos_are_mp4():
    assert [overlay_name(name) for name in ("a/b.mp4", "b.MP4", "b.avi")] == ["a/b.mp4", "b.MP4", "b.avi.mp4"]


def test_frames_are_named_after_their_videos():
    assert frame_name("a/clip.mp4", 12) == "a/clip.mp4#000012"
    assert frame_of("a/clip.mp4#000012") == ("a/clip.mp4", 12)
    assert frame_of("a#b.mp4#1234567") == ("a#b.mp4", 1_234_567)
    assert [frame_of(name) for name in ("clip.mp4", "clip.mp4#12", "#000012", "clip.mp4#00001x")] == [None] * 4


def test_a_name_is_known_if_it_is_of_an_image_a_video_or_its_frame(touch):
    root = touch("in/a.png", "in/clip.mp4")
    found = find_inputs([root / "in"], root / "out")
    assert [found.has(name) for name in ("a.png", "clip.mp4", "clip.mp4#000099")] == [True] * 3
    assert [found.has(name) for name in ("b.png", "a.png#000001", "b.mp4#000001")] == [False] * 3
    assert [found.has(name) for name in ("clip.mp4#0000001", "clip.mp4#1000001")] == [False, True]
    assert is_video_name("X.MOV")
    assert not is_video_name("mp4")

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.inference.videos import VideoFacts, VideoFile, measure_video, read_frames

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def brightness(frames):
    return [round(float(frame.mean())) for frame in frames]


def grey(level, size=(48, 40)):
    return np.full((size[1], size[0], 3), level, dtype=np.uint8)


@pytest.mark.parametrize(("name", "code"), [("a.avi", "MJPG"), ("a.mp4", "mp4v"), ("a.mkv", "mp4v")])
def test_frames_come_in_their_order_as_rgb(make_video, name, code):
    path = make_video(name, frames=8, code=code)
    assert measure_video(path) == VideoFacts(12.5, 8)
    frames = list(read_frames(path))
    assert [frame.shape for frame in frames] == [(40, 48, 3)] * 8
    np.testing.assert_allclose(brightness(frames), [10 + 20 * number for number in range(8)], atol=6)


def test_red_is_the_first_channel(tmp_path):
    red = grey(0)
    red[..., 0] = 250
    with VideoFile(tmp_path / "red.mp4", 25) as video:
        video.add(red)
    means = next(read_frames(tmp_path / "red.mp4")).mean(axis=(0, 1))
    assert means[0] > 200
    assert means[2] < 60


@pytest.mark.parametrize("name", ["späß ' \" 日本.avi", "a:b.avi", "a%02d.avi", "-a.avi"])
def test_any_name_will_do_for_reading_and_writing(make_video, tmp_path, monkeypatch, name):
    make_video(name, frames=3)
    monkeypatch.chdir(tmp_path)
    frames = list(read_frames(Path(name)))
    with VideoFile(Path("out") / f"{name}.mp4", 25) as video:
        for frame in frames:
            video.add(frame)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{name}.mp4"]
    assert len(list(read_frames(tmp_path / "out" / f"{name}.mp4"))) == 3


def test_of_a_video_that_breaks_off_the_frames_before_are_kept(make_video):
    path = make_video("torn.avi", frames=40, share=0.5)
    facts, frames = measure_video(path), len(list(read_frames(path)))
    assert 5 < frames < 30
    assert facts.frames == 40
    assert facts.breaks_off_after(frames)


@pytest.mark.parametrize(
    ("announced", "frames", "broken"),
    [(None, 3, False), (100, 100, False), (100, 98, False), (100, 97, True), (1000, 990, False), (13, 14, False)],
)
def test_a_few_frames_less_than_the_duration_says_are_no_break(announced, frames, broken):
    assert VideoFacts(25, announced).breaks_off_after(frames) is broken


def test_what_is_no_video_is_refused(make_video, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty.mp4").touch()
    os.mkfifo(tmp_path / "pipe.mp4")
    headless = make_video("headless.mp4", code="mp4v", share=0.5)
    for path in (tmp_path / "text.mp4", tmp_path / "empty.mp4", headless):
        with pytest.raises(UserError, match=r"not a video that can be read.*; replace or remove the file, or leave"):
            measure_video(path)
    for path in (tmp_path / "pipe.mp4", tmp_path / "none.mp4", tmp_path):
        with pytest.raises(UserError, match="not a file"):
            measure_video(path)


def test_a_video_without_frames_is_refused(make_video, tmp_path):
    whole = make_video("whole.avi", frames=2).read_bytes()
    # The headers, up to where the frames begin.
    (tmp_path / "none.avi").write_bytes(whole[: whole.index(b"movi") + 4])
    for path in (tmp_path / "none.avi", make_video("none.mp4", frames=0, code="mp4v")):
        with pytest.raises(UserError, match="a video"):
            measure_video(path)


def test_a_written_video_has_the_rate_and_size_of_the_first(tmp_path):
    with VideoFile(tmp_path / "sub/out.mp4", 12.5) as video:
        for level in (50, 100, 150):
            video.add(grey(level, (50, 30)))
    assert measure_video(tmp_path / "sub/out.mp4") == VideoFacts(12.5, 3)
    frames = list(read_frames(tmp_path / "sub/out.mp4"))
    assert frames[0].shape == (30, 50, 3)
    np.testing.assert_allclose(brightness(frames), [50, 100, 150], atol=4)


@pytest.mark.parametrize(
    ("fps", "written_fps"),
    [
        (59.997, 59.997),
        (65.536, 65.54),
        (75.123, 75.12),
        (119.973, 119.97),
        (239.758, 239.76),
        (655.367, 655.4),
        (999.999, 1000),
    ],
)
def test_a_rate_that_mpeg_4_cannot_hold_is_rounded(tmp_path, fps, written_fps):
    with VideoFile(tmp_path / "out.mp4", fps) as video:
        video.add(grey(50))
        video.add(grey(99))
    assert measure_video(tmp_path / "out.mp4").fps == pytest.approx(written_fps, abs=1e-4)


def test_of_odd_sizes_the_last_row_and_column_are_lost(tmp_path):
    with VideoFile(tmp_path / "odd.mp4", 25) as video:
        video.add(grey(50, (51, 31)))
    assert next(read_frames(tmp_path / "odd.mp4")).shape == (30, 50, 3)


def test_no_frames_make_no_file(tmp_path):
    with VideoFile(tmp_path / "out.mp4", 25):
        pass
    assert list(tmp_path.iterdir()) == []


def write_video(path, frames):
    with VideoFile(path, 25) as video:
        for frame in frames:
            video.add(frame)


def test_an_error_leaves_no_file(tmp_path):
    def frames():
        yield grey(9)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "out.mp4", frames())
    assert list(tmp_path.iterdir()) == []


def test_frames_that_did_not_arrive_are_noticed(tmp_path):
    # OpenCV drops a frame of another size without a word, as it does on a full disk.
    with pytest.raises(UserError, match=r"out\.mp4: the labelled video can't be written whole; free space"):
        write_video(tmp_path / "out.mp4", [grey(9), grey(9, (20, 20))])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_begun_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2.VideoWriter, "isOpened", lambda _: False, raising=False)
    with pytest.raises(UserError, match=r"can't be begun; .*--no-overlays"):
        write_video(tmp_path / "a.mp4", [grey(9)])

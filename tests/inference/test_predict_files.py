import json
import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from landmark_discovery.data.prepare import prepare_store
from landmark_discovery.errors import UserError
from landmark_discovery.inference import predict as module
from landmark_discovery.inference.dataset import predict_landmarks
from landmark_discovery.inference.detector import LandmarkDetector
from landmark_discovery.inference.package import package_model
from landmark_discovery.inference.predict import predict_files
from landmark_discovery.inference.videos import measure_video, read_frames
from landmark_discovery.training.weights import save_weights

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
HEADER = "image,x_min,y_min,x_max,y_max\n"


def table(folder):
    return pd.read_csv(folder / "landmarks.csv", keep_default_na=False)


def summary(folder):
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def tree(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def landmarks_of(rows):
    return np.stack([rows[[f"x{index}", f"y{index}"]].to_numpy(dtype=np.float64) for index in range(3)], axis=1)


def test_a_folder_of_a_data_set_gets_the_pipelines_figures_to_the_last_bit(
    tmp_path, make_images, save_stage, tiny_config
):
    names = [f"{number:02d}.png" for number in range(66)]
    folder = make_images(names)
    rows = [
        f"{name},{number % 9},{number % 7}.25,{30 + number % 11},{33.5 - number % 5}\n"
        for number, name in enumerate(names)
    ]
    (folder / "samples.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    config = tiny_config(dataset={"crop_rule": "paper", "context": 0.5, "max_crop_px": 32})
    store = prepare_store(folder, config.dataset, tmp_path / "store")
    save_weights(tmp_path / "model.safetensors", package_model(save_stage(), [store], config, []))
    expected = predict_landmarks(store, save_stage(), 2, config)
    detector = LandmarkDetector(tmp_path / "model.safetensors", device="cpu")
    predict_files(detector, [folder], tmp_path / "out", boxes=folder / "samples.csv")
    found = table(tmp_path / "out")
    assert found["image"].tolist() == expected.image.tolist() == names
    np.testing.assert_array_equal(landmarks_of(found), expected.landmarks)
    np.testing.assert_array_equal(found[["score0", "score1", "score2"]].to_numpy(), expected.score)


def test_images_videos_and_folders_make_one_result(tmp_path, detector, make_images, make_video, capsys):
    folder = make_images(["b.png", "sub/ü ' \" ,a.jpg"])
    (folder / "notes.txt").touch()
    make_video("photos/clip.avi", frames=3)
    single = make_images(["z.png"], "elsewhere") / "z.png"
    result = predict_files(detector, [folder, single], tmp_path / "out")
    assert tree(tmp_path / "out") == [
        "coco_keypoints.json",
        "landmarks.csv",
        "overlays/b.png",
        "overlays/clip.avi.mp4",
        "overlays/sub/ü ' \" ,a.jpg",
        "overlays/z.png",
        "summary.json",
    ]
    frames = [f"clip.avi#00000{frame}" for frame in range(3)]
    assert table(tmp_path / "out")["image"].tolist() == ["b.png", "sub/ü ' \" ,a.jpg", "z.png", *frames]
    assert (result.images, result.frames, result.objects, result.other_files) == (3, 3, 6, 1)
    assert f"passed over: 1 file, neither image nor video, {folder}/notes.txt first" in capsys.readouterr().err
    coco = json.loads((tmp_path / "out/coco_keypoints.json").read_text(encoding="utf-8"))
    assert [image["file_name"] for image in coco["images"]] == table(tmp_path / "out")["image"].tolist()
    assert (coco["images"][4]["video"], coco["images"][4]["frame"]) == ("clip.avi", 1)


def test_a_labelled_video_has_the_frames_size_and_rate_of_the_original(tmp_path, detector, make_video):
    video = make_video("clip.mp4", frames=70, code="mp4v", fps=12.5)
    result = predict_files(detector, [video], tmp_path / "out")
    assert measure_video(tmp_path / "out/overlays/clip.mp4") == measure_video(video)
    frames = list(read_frames(tmp_path / "out/overlays/clip.mp4"))
    assert frames[0].shape == (40, 48, 3)
    assert result.videos == [
        {"name": "clip.mp4", "fps": 12.5, "frames": 70, "frames_announced": 70, "breaks_off": False}
    ]
    rows, expected = table(tmp_path / "out"), detector.predict(list(read_frames(video)))
    np.testing.assert_array_equal(landmarks_of(rows), np.stack([one.landmarks for one in expected]))


def test_without_overlays_there_are_only_figures(tmp_path, detector, make_images, make_video):
    make_video("photos/clip.avi", frames=2)
    predict_files(detector, [make_images(["a.png"])], tmp_path / "out", overlays=False)
    assert tree(tmp_path / "out") == ["coco_keypoints.json", "landmarks.csv", "summary.json"]
    assert len(table(tmp_path / "out")) == 3


def test_boxes_decide_how_many_objects_an_image_has(tmp_path, detector, make_images):
    (tmp_path / "boxes.csv").write_text(HEADER + "b.png,1,2,30,30\nb.png,10,5,40,35\nc.png,,,,\n", encoding="utf-8")
    folder = make_images(["a.png", "b.png", "c.png"])
    result = predict_files(detector, [folder], tmp_path / "out", boxes=tmp_path / "boxes.csv")
    rows = table(tmp_path / "out")
    assert rows[["image", "object"]].to_numpy().tolist() == [["b.png", 0], ["b.png", 1], ["c.png", 0]]
    assert rows["x_max"].tolist() == [30, 40, 48]
    assert (result.images, result.objects, result.empty_images) == (3, 3, 1)
    assert (tmp_path / "out/overlays/a.png").is_file()


@pytest.mark.parametrize("earlier", ["landmarks.csv", "coco_keypoints.json"])
def test_results_are_boxes_of_the_next_run(tmp_path, detector, make_images, make_video, earlier):
    make_video("photos/clip.avi", frames=2)
    lines = "a.png,1,2,30,30\na.png,10,5,40,35\nclip.avi,3,3,40,38\n"
    (tmp_path / "boxes.csv").write_text(HEADER + lines, encoding="utf-8")
    folder = make_images(["a.png"])
    predict_files(detector, [folder], tmp_path / "one", boxes=tmp_path / "boxes.csv")
    predict_files(detector, [folder], tmp_path / "two", boxes=tmp_path / "one" / earlier)
    assert (tmp_path / "one/landmarks.csv").read_bytes() == (tmp_path / "two/landmarks.csv").read_bytes()


def test_an_earlier_result_is_replaced_and_gives_the_same_bytes(tmp_path, detector, make_images):
    folder, contents = make_images(["a.png", "b.png"]), []
    for _ in range(2):
        predict_files(detector, [folder], tmp_path / "out")
        contents.append([(tmp_path / "out" / name).read_bytes() for name in tree(tmp_path / "out")])
        (tmp_path / "out/overlays/stray.txt").touch()
    assert contents[0] == contents[1]


def test_results_may_lie_inside_the_folder_of_the_images(detector, make_images):
    folder = make_images(["a.png"])
    for _ in range(2):
        assert predict_files(detector, [folder], folder / "out").images == 1


def test_a_folder_of_something_else_is_left_alone(detector, make_images):
    folder, other = make_images(["a.png"]), make_images(["precious.png"], "precious")
    with pytest.raises(UserError, match="precious: holds what isn't known for an earlier result of this command"):
        predict_files(detector, [folder], other)
    assert tree(other) == ["precious.png"]


def test_results_land_where_a_link_leads_and_the_link_stays(tmp_path, detector, make_images):
    folder, link = make_images(["a.png"]), tmp_path / "link"
    link.symlink_to("disk/out")
    for _ in range(2):
        predict_files(detector, [folder], link)
        assert link.is_symlink()
        assert (tmp_path / "disk/out/landmarks.csv").is_file()
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == ["out"]


def test_a_link_that_leads_nowhere_is_refused(tmp_path, detector, make_images):
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(UserError, match="link: a link that leads back to itself; choose a new folder"):
        predict_files(detector, [make_images(["a.png"])], tmp_path / "link")


@pytest.mark.parametrize("output", [".", "", "../here", "overlays/.."])
@pytest.mark.parametrize("earlier", [True, False])
def test_the_folder_that_the_user_works_in_is_left_alone(tmp_path, detector, make_images, monkeypatch, output, earlier):
    folder, here = make_images(["a.png"]), tmp_path / "here"
    if earlier:
        predict_files(detector, [folder], here)
    here.mkdir(exist_ok=True)
    monkeypatch.chdir(here)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match="would take the place of the folder you work in; name a new folder, such as"):
        predict_files(detector, [folder], Path(output))
    assert sorted(tmp_path.rglob("*")) == before


def test_results_above_the_folder_that_the_user_works_in_are_left_alone(tmp_path, detector, make_images, monkeypatch):
    folder = make_images(["a.png"])
    predict_files(detector, [folder], tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out/overlays")
    with pytest.raises(UserError, match="would take the place of the folder you work in"):
        predict_files(detector, [folder], Path(".."))


def test_a_way_up_is_followed(tmp_path, detector, make_images):
    predict_files(detector, [make_images(["a.png"])], tmp_path / "out/sub/..")
    assert (tmp_path / "out/landmarks.csv").is_file()


def test_bad_inputs_end_the_run_before_the_work_and_leave_nothing(tmp_path, detector, make_images, monkeypatch):
    folder = make_images(["a.png", "b.png"])
    (folder / "c.jpg").write_bytes(b"no image")
    monkeypatch.setattr(LandmarkDetector, "detect", lambda *_: pytest.fail("work has begun"))
    with pytest.raises(UserError, match=r"c\.jpg: not a JPEG.*--on-bad-image skip"):
        predict_files(detector, [folder], tmp_path / "made/out")
    assert not (tmp_path / "made").exists()


def test_bad_inputs_are_named_and_left_out_where_the_user_wants_so(tmp_path, detector, make_images, capsys):
    folder = make_images(["a.png", "b.png", "c.png"])
    (folder / "bad.jpg").write_bytes(b"no image")
    (folder / "bad.mp4").write_bytes(b"no video")
    (tmp_path / "boxes.csv").write_text(HEADER + "a.png,1,1,9,9\nb.png,90,90,99,99\nc.png,1,1,9,9\n", encoding="utf-8")
    result = predict_files(detector, [folder], tmp_path / "out", boxes=tmp_path / "boxes.csv", skip_bad=True)
    assert table(tmp_path / "out")["image"].tolist() == ["a.png", "c.png"]
    assert [entry["reason"][:20] for entry in summary(tmp_path / "out")["left_out"]] == [
        "not a video that can",
        "the box 90, 90, 99, ",
        "not a JPEG, PNG, BMP",
    ]
    assert "3 left out" in str(result)
    assert f"left out: {folder}/bad.jpg: not a JPEG" in capsys.readouterr().err


def test_nothing_but_bad_inputs_is_refused(tmp_path, detector, make_images):
    (make_images([], "photos")).mkdir()
    (tmp_path / "photos/bad.jpg").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"none of the 1 input can be used; the first: .*bad\.jpg: not a JPEG"):
        predict_files(detector, [tmp_path / "photos"], tmp_path / "made/out", skip_bad=True)
    assert list((tmp_path / "made").iterdir()) == []


def test_a_video_that_breaks_off_is_kept_up_to_there_and_it_is_said(tmp_path, detector, make_video, capsys):
    video = make_video("torn.avi", frames=40, share=0.5)
    result = predict_files(detector, [video], tmp_path / "out")
    assert f"warning: {video}: breaks off: {result.frames} of 40 frames can be read" in capsys.readouterr().err
    assert result.videos[0]["breaks_off"]
    assert summary(tmp_path / "out")["videos"] == result.videos
    assert (
        len(table(tmp_path / "out")) == result.frames == len(list(read_frames(tmp_path / "out/overlays/torn.avi.mp4")))
    )


def test_a_frame_whose_box_cannot_be_used_stays_in_the_labelled_video(tmp_path, detector, make_video, capsys):
    video = make_video("clip.avi", frames=4)
    lines = "clip.avi,1,1,30,30\nclip.avi#000002,60,60,70,70\nclip.avi#000009,1,1,5,5\n"
    (tmp_path / "boxes.csv").write_text(HEADER + lines, encoding="utf-8")
    with pytest.raises(
        UserError, match=r"boxes\.csv, line 3: the box 60, 60, 70, 70 of 'clip\.avi#000002' lies outside"
    ):
        predict_files(detector, [video], tmp_path / "out", boxes=tmp_path / "boxes.csv")
    result = predict_files(detector, [video], tmp_path / "out", boxes=tmp_path / "boxes.csv", skip_bad=True)
    assert (result.frames, result.objects, result.empty_images, len(result.left_out)) == (4, 3, 1, 1)
    assert measure_video(tmp_path / "out/overlays/clip.avi.mp4").frames == 4
    assert "there are boxes up to frame 9, and frames up to 3" in capsys.readouterr().err


def test_boxes_of_unknown_images_are_refused_before_the_work(tmp_path, detector, make_images):
    (tmp_path / "boxes.csv").write_text(HEADER + "x.png,1,2,3,4\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"boxes\.csv, line 2: a box of 'x\.png', which isn't among the images"):
        predict_files(detector, [make_images(["a.png"])], tmp_path / "out", boxes=tmp_path / "boxes.csv")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("overlays", [True, False])
def test_an_interruption_leaves_nothing_and_no_thread_writes_on(
    tmp_path, detector, make_images, make_video, monkeypatch, overlays
):
    make_video("photos/clip.avi", frames=9)
    folder, added = make_images([f"{number}.png" for number in range(9)]), []

    def interrupted(self, shot, **facts):
        added.append(shot.shot.name)
        if shot.shot.name == "clip.avi#000004":
            raise KeyboardInterrupt
        add(self, shot, **facts)

    add = module.ResultFiles.add
    monkeypatch.setattr(module.ResultFiles, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        predict_files(detector, [folder], tmp_path / "made/out", overlays=overlays)
    assert added[-1] == "clip.avi#000004"
    assert list((tmp_path / "made").iterdir()) == []


def test_overlays_show_the_landmarks_on_the_image(tmp_path, detector, make_images, draw):
    folder = make_images(["a.png"], width=160, height=120)
    predict_files(detector, [folder], tmp_path / "out")
    drawn = cv2.imread(str(tmp_path / "out/overlays/a.png"))[..., ::-1]
    changed = (drawn != draw(0, 160, 120)).any(axis=2)
    (points,) = landmarks_of(table(tmp_path / "out"))
    assert all(changed[round(y), round(x)] for x, y in points)
    assert 0 < changed.mean() < 0.05

import hashlib
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from landmark_discovery.downloads.sources import COLUMNS

CONTENT = b"000001.jpg 69 109\n"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Publish two small files on loopback, one under a licence; give the table of their sources."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    published = tmp_path.with_name(f"{tmp_path.name}_published")
    published.mkdir()
    for name in ("list.txt", "points.txt"):
        (published / name).write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=published)) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        rows = (
            f"list.txt,names,{address}/list.txt,,{len(CONTENT)},,sha256:{hashlib.sha256(CONTENT).hexdigest()},,",
            f"points.txt,points,{address}/gone.txt,{address}/points.txt,,,,celeba,",
        )
        (published / "sources.csv").write_text("\n".join([",".join(COLUMNS), *rows]), encoding="utf-8")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield published / "sources.csv"
        server.shutdown()
        thread.join()


def test_a_download_is_fetched_into_its_folder(landmarks, table, tmp_path):
    result = landmarks("download", "list.txt", "--sources", table)
    assert (result.returncode, result.stdout) == (0, "resources/downloads/list.txt\n")
    assert (tmp_path / "resources" / "downloads" / "list.txt").read_bytes() == CONTENT
    assert not (tmp_path / "downloads.lock").exists()


def test_a_digest_beside_it_says_that_it_is_there_and_right(landmarks, table, tmp_path):
    result = landmarks("download", "list.txt", "--sources", table, "--output", "mine/list.txt.sha256")
    assert (result.returncode, result.stdout) == (0, "mine/list.txt\n")
    told = subprocess.run(["sha256sum", "--check", "list.txt.sha256"], cwd=tmp_path / "mine", capture_output=True)
    assert (told.returncode, told.stdout) == (0, b"list.txt: OK\n")


def test_the_folder_need_not_be_that_of_the_digest(landmarks, table, tmp_path):
    options = ("--sources", table, "--folder", "mine", "--output", "logs/list.sha256")
    assert landmarks("download", "list.txt", *options).returncode == 0
    assert (tmp_path / "mine" / "list.txt").exists()
    assert (tmp_path / "logs" / "list.sha256").exists()


def test_a_digest_that_cannot_be_written_is_told_before_anything_is_fetched(landmarks, table, tmp_path):
    (tmp_path / "file").touch()
    result = landmarks("download", "list.txt", "--sources", table, "--folder", "mine", "--output", "file/list.sha256")
    assert result.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_licence_is_shown_and_accepted_on_the_command_line(landmarks, table, tmp_path):
    options = ("points.txt", "--folder", "mine", "--sources", table, "--lock", "my.lock", "--output", "points.sha256")
    result = landmarks("download", *options)
    assert result.returncode == 2
    assert "--accept celeba" in result.stderr
    assert list(tmp_path.iterdir()) == []
    result = landmarks("download", *options, "--accept", "celeba")
    assert result.returncode == 0
    assert "licence of points.txt: CelebA: non-commercial research only" in result.stdout
    assert "points.txt 18 " in (tmp_path / "my.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("way", ["option", "environment"])
def test_offline_nothing_is_fetched_and_the_place_is_named(landmarks, table, tmp_path, monkeypatch, way):
    if way == "environment":
        monkeypatch.setenv("LANDMARKS_OFFLINE", "1")
    options = ("--sources", table, *(["--offline"] if way == "option" else []))
    result = landmarks("download", "list.txt", *options)
    assert result.returncode == 2
    assert result.stderr.startswith("error: missing, and nothing is fetched (offline): resources/downloads/list.txt; ")
    assert "put it at resources/downloads/list.txt" in result.stderr
    assert list(tmp_path.iterdir()) == []
    listed = landmarks("downloads", "list.txt", "points.txt", *options, "--strict")
    assert listed.returncode == 2
    assert "Nothing is fetched (offline); put there by hand:\n  resources/downloads/list.txt from http" in listed.stdout
    assert "(offline): resources/downloads/list.txt, resources/downloads/points.txt; put them" in listed.stderr


def test_offline_a_file_that_is_there_is_used(landmarks, table, tmp_path):
    place = tmp_path / "resources" / "downloads" / "list.txt"
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    assert landmarks("download", "list.txt", "--sources", table, "--offline").returncode == 0


def test_an_unknown_download_is_refused_with_the_nearest_name(landmarks, tmp_path):
    result = landmarks("download", "celeba.zap")
    assert result.returncode == 2
    assert result.stderr.startswith("error: unknown download 'celeba.zap'; did you mean 'celeba.zip'?")
    assert list(tmp_path.iterdir()) == []


def test_the_downloads_are_listed_and_none_is_fetched(landmarks, tmp_path):
    result = landmarks("downloads")
    assert result.returncode == 0
    assert len(result.stdout.split("\n\n")[0].splitlines()) == 22
    assert "accept_licences: [300w-lp, celeba, ls3d-w, superpoint]" in result.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("accept", "status"), [((), 2), (("--accept", "celeba"), 0)])
def test_strict_fails_where_the_user_must_do_something_first(landmarks, table, accept, status):
    result = landmarks("downloads", "points.txt", "--sources", table, "--strict", *accept)
    assert result.returncode == status
    assert result.stdout.startswith("file")
    assert "list.txt" not in result.stdout


def test_superpoint_is_a_download_like_others(landmarks, tmp_path):
    place = tmp_path / "resources" / "downloads" / "superpoint_v1.pth"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"other weights")
    result = landmarks("download", "superpoint_v1.pth", "--accept", "superpoint")
    assert result.returncode == 2
    assert "52b6708629640ca883673b5d5c097c4ddad37d8048b33f09c8ca0d69db12c40e" in result.stderr
    assert place.read_bytes() == b"other weights"


def test_the_downloads_of_an_experiment_are_listed_by_its_configuration(landmarks, tmp_path):
    (tmp_path / "mine.yaml").write_text("recipe: short\ndataset: {kind: celeba, name: celeba}\n", encoding="utf-8")
    result = landmarks("downloads", "--config", "mine.yaml")
    assert result.returncode == 0
    assert "celeba.zip" in result.stdout
    assert "superpoint_v1.pth" not in result.stdout
    (tmp_path / "drawn.yaml").write_text("recipe: short\n", encoding="utf-8")
    assert "its experiments need no downloads" in landmarks("downloads", "--config", "drawn.yaml").stderr


def test_what_a_configuration_accepts_and_where_it_puts_downloads_counts(landmarks, tmp_path):
    (tmp_path / "mine").mkdir()
    text = (
        "recipe: short\ndataset: {kind: celeba, name: celeba}\naccept_licences: [celeba]\ndownloads: {folder: mine}\n"
    )
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    result = landmarks("downloads", "--config", "mine.yaml", "--strict")
    assert result.returncode == 0
    assert "licence to accept" not in result.stdout
    assert "put into mine" in result.stdout

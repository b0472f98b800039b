import errno
import inspect
import os

import gdown
import pytest
import requests
import tqdm

from landmark_discovery import __version__
from landmark_discovery.downloads import transport
from landmark_discovery.downloads.transport import (
    DRIVE_LIMIT,
    TRANSFERS,
    TransferError,
    describe_web_page,
    open_http,
    progress_bar,
    transfer_drive,
    transfer_http,
)

CONTENT = b"the published bytes"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "file"


@pytest.fixture
def heard():
    """Collect what a transfer tells of its progress."""
    return []


@pytest.fixture
def progress(heard):
    return lambda received, total: heard.append((received, total))


def test_what_is_served_is_written(site, file, progress, heard):
    transfer_http(site.put("/a", CONTENT), file, progress)
    assert file.read_bytes() == CONTENT
    assert heard == [(len(CONTENT), len(CONTENT))]


def test_a_large_answer_comes_in_pieces(site, file, progress, heard, monkeypatch):
    monkeypatch.setattr(transport, "_CHUNK_BYTES", 5)
    transfer_http(site.put("/a", CONTENT), file, progress)
    assert file.read_bytes() == CONTENT
    assert [received for received, _ in heard] == [5, 10, 15, 19]


def test_a_redirect_is_followed(site, file, progress):
    there = site.put("/there", CONTENT)
    transfer_http(site.put("/here", b"", status=302, headers={"Location": there}), file, progress)
    assert file.read_bytes() == CONTENT


def test_the_server_learns_who_asks(site):
    with open_http(site.put("/a", CONTENT)) as response:
        assert response.read() == CONTENT
    assert site.agents == [f"landmark-discovery/{__version__}"]


@pytest.mark.parametrize(("status", "reason"), [(404, "answers 404 Not Found"), (500, "answers 500"), (429, "429")])
def test_an_answer_that_is_an_error_is_told(site, file, progress, status, reason):
    with pytest.raises(TransferError, match=reason):
        transfer_http(site.put("/a", b"no", status=status), file, progress)


def test_an_answer_that_breaks_off_is_told(site, file, progress):
    with pytest.raises(TransferError, match="broke off after 19 of 100 bytes"):
        transfer_http(site.put("/a", CONTENT, length=100), file, progress)


def test_a_connection_that_breaks_is_told(site, file, progress, monkeypatch):
    def fail(*_):
        raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))

    monkeypatch.setattr("http.client.HTTPResponse.read", fail)
    with pytest.raises(TransferError, match="broke off: Connection reset by peer"):
        transfer_http(site.put("/a", CONTENT), file, progress)


@pytest.mark.usefixtures("site")
def test_a_machine_that_does_not_answer_is_told(file, progress):
    with pytest.raises(TransferError) as error:
        transfer_http("http://127.0.0.1:1/a", file, progress)
    assert str(error.value) == "Connection refused"


def test_waiting_has_an_end(site, monkeypatch):
    def fail(*_, timeout):
        assert timeout == transport.TIMEOUT_S
        raise TimeoutError("timed out")

    monkeypatch.setattr(transport, "urlopen", fail)
    with pytest.raises(TransferError, match="timed out"):
        open_http(site.put("/a", CONTENT))


def test_a_full_disk_is_no_fault_of_the_address(site, progress):
    with pytest.raises(OSError, match="No space left"):
        transfer_http(site.put("/a", CONTENT), FullDisk(), progress)


class FullDisk:
    """Stands for the path of a file on a disk without space."""

    def open(self, _):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def write(self, _):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_each_scheme_has_its_transfer():
    assert dict(TRANSFERS) == {"http": transfer_http, "https": transfer_http, "gdrive": transfer_drive}


@pytest.fixture
def drive(monkeypatch):
    """Let Google Drive do what a test says; calls must fit the interface of gdown that is installed."""
    signature = inspect.signature(gdown.download)
    calls = []

    def behave(action):
        def download(*given, **named):
            calls.append(signature.bind(*given, **named).arguments)
            action(calls[-1])

        monkeypatch.setattr(gdown, "download", download)
        return calls

    return behave


def test_gdown_is_asked_for_the_file_by_its_id_and_leaves_nothing_at_home(drive, file, progress, heard):
    def write(call):
        call["output"].write(CONTENT)
        call["progress"](len(CONTENT), None)

    calls = drive(write)
    transfer_drive("gdrive:ab_C-1", file, progress)
    assert file.read_bytes() == CONTENT
    assert heard == [(len(CONTENT), None)]
    expected = {"id": "ab_C-1", "quiet": True, "use_cookies": False, "timeout": transport.TIMEOUT_S}
    assert expected.items() <= calls[0].items()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (gdown.DownloadError("Response exceeds the announced byte range"), "^Response exceeds"),
        (requests.ConnectionError("no\nroute"), "^no route$"),
        (requests.HTTPError("404 Client Error"), "404"),
        (KeyError("content-type"), "content-type"),
        (AssertionError(), "^AssertionError$"),
    ],
)
def test_what_gdown_raises_is_a_fault_of_the_address(drive, file, progress, error, reason):
    def fail(_):
        raise error

    drive(fail)
    with pytest.raises(TransferError, match=reason):
        transfer_drive("gdrive:ab", file, progress)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_full_disk_and_an_interruption_are_not(drive, file, progress, error):
    def fail(_):
        raise error

    drive(fail)
    with pytest.raises(type(error)):
        transfer_drive("gdrive:ab", file, progress)


def answer(monkeypatch, body, **headers):
    """Let the real gdown get an answer without a network."""
    response = requests.Response()
    response.status_code, response._content, response._content_consumed = 200, body, True
    response.url = "https://drive.google.com/uc?id=ab"
    response.headers.update(headers)
    monkeypatch.setattr(requests.Session, "get", lambda *_, **__: response)


def test_the_real_gdown_writes_a_file_that_drive_hands_out(monkeypatch, file, progress, heard, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    disposition = {"Content-Type": "application/octet-stream", "Content-Disposition": 'attachment; filename="x.pth"'}
    answer(monkeypatch, CONTENT, **disposition)
    transfer_drive("gdrive:ab", file, progress)
    assert file.read_bytes() == CONTENT
    assert heard[-1][0] == len(CONTENT)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_the_real_gdown_tells_what_drive_says_of_too_many_users(monkeypatch, file, progress):
    said = "Too many users have viewed or downloaded this file recently."
    page = f'<html><p class="uc-error-subcaption">{said}</p></html>'.encode()
    answer(monkeypatch, page, **{"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(TransferError) as error:
        transfer_drive("gdrive:ab", file, progress)
    assert str(error.value) == f"{said}; {DRIVE_LIMIT}"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\n <!DOCTYPE html><html><title>Sign\n in</title>", "a web page, titled 'Sign in', not the file"),
        (b"\xef\xbb\xbf<HTML><body>hello", "a web page, not the file"),
        (b"<html>Quota exceeded</html>", f"a web page, not the file; {DRIVE_LIMIT}"),
        (b"<head><title>a</title>Too many users have viewed", f"a web page, titled 'a', not the file; {DRIVE_LIMIT}"),
    ],
)
def test_a_web_page_is_named(file, content, told):
    file.write_bytes(content)
    assert describe_web_page(file) == told


@pytest.mark.parametrize("content", [b"", b"202599\n<html>", b"PK\x03\x04<html>", b"\x80\x02}", b"<htmlish"])
def test_other_files_are_no_web_pages(file, content):
    file.write_bytes(content)
    assert describe_web_page(file) is None


def test_progress_is_a_bar_of_the_bytes_so_far(monkeypatch):
    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, **options):
            super().__init__(**options)
            bars.append(self)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    with progress_bar("a.zip") as tell:
        tell(10, None)
        tell(30, 40)
    assert [(bar.desc, bar.n, bar.total) for bar in bars] == [("a.zip", 30, 40)]

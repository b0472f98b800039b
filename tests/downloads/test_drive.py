import errno
import inspect
import ssl

import gdown
import pytest
import requests

from landmark_discovery.downloads.drive import transfer_drive
from landmark_discovery.downloads.partial import Writer
from landmark_discovery.downloads.transport import TIMEOUT_S, TransferError
from landmark_discovery.downloads.web_pages import DRIVE_LIMIT

CONTENT = b"the published bytes"


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


def test_gdown_is_asked_for_the_file_by_its_id_and_leaves_nothing_at_home(drive, partial, progress, heard):
    def write(call):
        call["output"].write(CONTENT)
        call["progress"](len(CONTENT), None)

    calls = drive(write)
    transfer_drive("gdrive:ab_C-1", partial, progress)
    assert partial.path.read_bytes() == CONTENT
    assert heard == [(len(CONTENT), None)]
    expected = {"id": "ab_C-1", "quiet": True, "use_cookies": False, "timeout": TIMEOUT_S}
    assert expected.items() <= calls[0].items()


def http_error(status):
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(f"{status} says Drive", response=response)


@pytest.mark.parametrize(
    ("error", "reason", "passing"),
    [
        (gdown.DownloadError("Response ended before the announced length"), "^Response ended", True),
        (requests.ConnectionError("no\nroute"), "^no route$", True),
        (requests.Timeout("timed out"), "timed out", True),
        (http_error(503), "503", True),
        (http_error(429), "429", True),
        (http_error(404), "404", False),
        (requests.HTTPError("no answer"), "no answer", False),
        (KeyError("content-type"), "content-type", False),
        (AssertionError(), "^AssertionError$", False),
    ],
)
def test_what_gdown_raises_is_a_fault_of_the_address_that_may_pass_or_not(
    drive, partial, progress, error, reason, passing
):
    def fail(_):
        raise error

    drive(fail)
    with pytest.raises(TransferError, match=reason) as raised:
        transfer_drive("gdrive:ab", partial, progress)
    assert raised.value.passing is passing


def test_a_wrong_certificate_does_not_pass(drive, partial, progress):
    def fail(_):
        wrong = ssl.SSLCertVerificationError(1, "certificate verify failed")
        raise requests.exceptions.SSLError("failed") from wrong

    drive(fail)
    with pytest.raises(TransferError) as raised:
        transfer_drive("gdrive:ab", partial, progress)
    assert raised.value.passing is False


def test_a_full_disk_is_not_a_fault_of_the_address(drive, partial, progress, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Writer, "write", full)
    drive(lambda call: call["output"].write(CONTENT))
    with pytest.raises(OSError, match="No space left"):
        transfer_drive("gdrive:ab", partial, progress)


def test_an_interruption_is_not_and_half_a_file_is_not_gone_on_with(drive, partial, progress):
    def interrupt(call):
        call["output"].write(CONTENT[:5])
        raise KeyboardInterrupt

    drive(interrupt)
    with pytest.raises(KeyboardInterrupt):
        transfer_drive("gdrive:ab", partial, progress)
    assert partial.begun("gdrive:ab") is None


def test_a_whole_file_needs_not_come_again(drive, partial, progress):
    drive(lambda call: call["output"].write(CONTENT))
    transfer_drive("gdrive:ab", partial, progress)
    assert partial.is_complete("gdrive:ab")


def test_a_second_try_starts_afresh(drive, partial, progress):
    drive(lambda call: call["output"].write(CONTENT + b"much more"))
    transfer_drive("gdrive:ab", partial, progress)
    drive(lambda call: call["output"].write(CONTENT))
    transfer_drive("gdrive:ab", partial, progress)
    assert partial.path.read_bytes() == CONTENT


def answer(monkeypatch, body, **headers):
    """Let the real gdown get an answer without a network."""
    response = requests.Response()
    response.status_code, response._content, response._content_consumed = 200, body, True
    response.url = "https://drive.google.com/uc?id=ab"
    response.headers.update(headers)
    monkeypatch.setattr(requests.Session, "get", lambda *_, **__: response)


def test_the_real_gdown_writes_a_file_that_drive_hands_out(monkeypatch, partial, progress, heard, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    disposition = {"Content-Type": "application/octet-stream", "Content-Disposition": 'attachment; filename="x.pth"'}
    answer(monkeypatch, CONTENT, **disposition)
    transfer_drive("gdrive:ab", partial, progress)
    assert partial.path.read_bytes() == CONTENT
    assert heard[-1][0] == len(CONTENT)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".file.part", ".file.part.json"]


def test_the_real_gdown_tells_what_drive_says_of_too_many_users(monkeypatch, partial, progress):
    said = "Too many users have viewed or downloaded this file recently."
    page = f'<html><p class="uc-error-subcaption">{said}</p></html>'.encode()
    answer(monkeypatch, page, **{"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(TransferError) as error:
        transfer_drive("gdrive:ab", partial, progress)
    assert str(error.value) == f"{said}; {DRIVE_LIMIT}"
    assert error.value.passing is False

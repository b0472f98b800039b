import errno
import os
import socket
import ssl
from datetime import UTC, datetime
from urllib.error import URLError

import pytest
from misbehaving import CONTENT, cut, part, redirect, status, trickle, whole

from landmark_discovery import __version__
from landmark_discovery.downloads import web
from landmark_discovery.downloads.transport import TIMEOUT_S, TransferError
from landmark_discovery.downloads.web import WrongPartError, open_http, retry_after_s, transfer_http

SIZE = len(CONTENT)


def test_what_is_served_is_written(server, partial, progress, heard):
    transfer_http(server.plays(whole()), partial, progress)
    assert partial.path.read_bytes() == CONTENT
    assert heard[-1] == (SIZE, SIZE)
    assert partial.is_complete(server.plays(whole()))


def test_a_slow_answer_is_written_as_it_comes(server, partial, progress, heard):
    transfer_http(server.plays(trickle(5000, pause_s=0.05)), partial, progress)
    assert partial.path.read_bytes() == CONTENT
    assert len(heard) > 1


def test_the_rest_is_asked_for_of_the_same_version(server, partial, progress, heard):
    address = server.plays(cut(7000), whole())
    with pytest.raises(TransferError, match="broke off after 7000 of 20000 bytes") as error:
        transfer_http(address, partial, progress)
    assert error.value.passing
    heard.clear()
    transfer_http(address, partial, progress)
    assert partial.path.read_bytes() == CONTENT
    assert (server.asked[1].range, server.asked[1].if_range) == ("bytes=7000-", '"one"')
    assert heard[0][0] > 7000
    assert heard[-1] == (SIZE, SIZE)


def test_a_wrong_part_is_forgotten(server, partial, progress):
    address = server.plays(cut(7000), part("bytes 0-19999/20000"))
    with pytest.raises(TransferError):
        transfer_http(address, partial, progress)
    with pytest.raises(WrongPartError) as error:
        transfer_http(address, partial, progress)
    assert error.value.passing
    assert partial.begun(address) is None


def test_the_server_learns_who_asks_and_that_bytes_come_as_they_are(server, monkeypatch):
    asked = []

    def open_(_, request, timeout):
        asked.append((request.header_items(), timeout))
        raise OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

    monkeypatch.setattr(web.OpenerDirector, "open", open_)
    with pytest.raises(TransferError):
        open_http(server.plays(whole()), {"Range": "bytes=3-"})
    headers = [
        ("User-agent", f"landmark-discovery/{__version__}"),
        ("Accept-encoding", "identity"),
        ("Range", "bytes=3-"),
    ]
    assert asked == [(headers, TIMEOUT_S)]


def test_a_redirect_keeps_what_was_asked(server):
    server.plays(whole(), path="/there")
    with open_http(server.plays(redirect("/there")), {"Range": "bytes=19990-", "If-Range": '"one"'}) as response:
        assert response.read() == CONTENT[19990:]
    assert server.asked[1].agent == f"landmark-discovery/{__version__}"


@pytest.mark.parametrize(
    ("code", "reason", "passing"),
    [
        (404, "answers 404 Not Found", False),
        (500, "answers 500", True),
        (429, "answers 429", True),
        (302, "302", False),
    ],
)
def test_an_answer_that_is_an_error_is_told(server, partial, progress, code, reason, passing):
    with pytest.raises(TransferError, match=reason) as error:
        transfer_http(server.plays(status(code)), partial, progress)
    assert error.value.passing is passing


def test_how_long_a_server_asks_to_wait_is_handed_on(server):
    with pytest.raises(TransferError) as error:
        open_http(server.plays(status(503, **{"Retry-After": "7"})), {})
    assert error.value.wait_s == 7


@pytest.mark.parametrize(
    ("error", "reason", "passing"),
    [
        (URLError(OSError(errno.ECONNREFUSED, "Connection refused")), "Connection refused", True),
        (URLError(socket.gaierror(-3, "Temporary failure in name resolution")), "name resolution", True),
        (URLError(ssl.SSLError(1, "unexpected end")), "unexpected end", True),
        (URLError(ssl.SSLCertVerificationError(1, "self-signed certificate")), "self-signed", False),
        (TimeoutError("timed out"), "timed out", True),
        (URLError("unknown url type: ftp"), "unknown url type", False),
        (ValueError("unknown url type"), "unknown url type", False),
    ],
)
def test_a_failure_to_connect_may_pass_unless_it_is_about_the_address_or_trust(
    server, monkeypatch, error, reason, passing
):
    def fail(*_, **__):
        # As urllib does.
        raise error from getattr(error, "reason", None) if isinstance(getattr(error, "reason", 0), OSError) else None

    monkeypatch.setattr(web.OpenerDirector, "open", fail)
    with pytest.raises(TransferError, match=reason) as raised:
        open_http(server.plays(whole()), {})
    assert raised.value.passing is passing


def test_a_connection_that_breaks_is_told(server, partial, progress, monkeypatch):
    def fail(*_):
        raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))

    monkeypatch.setattr("http.client.HTTPResponse.read1", fail)
    with pytest.raises(TransferError, match="broke off: Connection reset by peer"):
        transfer_http(server.plays(whole()), partial, progress)


def test_a_full_disk_is_no_fault_of_the_address(server, partial, progress, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("landmark_discovery.downloads.partial.Writer.write", full)
    with pytest.raises(OSError, match="No space left"):
        transfer_http(server.plays(whole()), partial, progress)


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        ("Mon, 06 Jul 2026 10:01:00 GMT", 60),
        ("Mon, 06 Jul 2026 12:01:00 +0200", 60),
        ("Mon, 06 Jul 2026 10:01:00 -0000", 60),
        ("Mon, 06 Jul 2026 09:00:00 GMT", 0),
        ("-5", None),
        ("1e9", None),
        ("9" * 400, None),
        ("soon", None),
        ("", None),
        ("Mon, 99 Jul 2026 10:01:00 GMT", None),
    ],
)
def test_a_wait_is_asked_for_in_seconds_or_until_a_date(text, wait_s):
    now = datetime(2026, 7, 6, 10, 0, tzinfo=UTC)
    assert retry_after_s(text, lambda: now) == wait_s

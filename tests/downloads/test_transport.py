import errno
import ssl
import urllib.error
from itertools import pairwise

import pytest
import tqdm

from landmark_discovery.downloads.transport import (
    TransferError,
    is_passing_status,
    is_untrusted,
    one_line,
    progress_bar,
    reason_of,
)


def chained(*errors):
    """Raise errors, each for the one before it, and give the last."""
    for inner, outer in pairwise(errors):
        outer.__cause__ = inner
    return errors[-1]


def test_an_error_for_good_is_the_rule():
    assert (TransferError("gone").passing, TransferError("gone").wait_s) == (False, None)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            chained(OSError(errno.ECONNRESET, "reset by peer"), ValueError("wrapped")),
            "reset by peer",
        ),
        (urllib.error.URLError(OSError(errno.ECONNREFUSED, "Connection refused")), "[Errno 111] Connection refused"),
        (TimeoutError("timed out"), "timed out"),
        (KeyError(), "KeyError"),
        (ValueError("two\n lines " + "x" * 300), "two lines " + "x" * 190),
    ],
)
def test_the_reason_is_what_the_system_says_or_the_error_in_a_line(error, reason):
    assert reason_of(error) == reason
    assert one_line(reason) == reason


def test_a_wrong_certificate_is_told_apart_from_other_failures():
    wrong = ssl.SSLCertVerificationError(1, "certificate verify failed")
    assert is_untrusted(chained(wrong, urllib.error.URLError(wrong)))
    assert not is_untrusted(ssl.SSLError(1, "unexpected end"))


def test_busy_servers_may_answer_later_and_refusals_stay():
    assert [code for code in (400, 403, 404, 408, 416, 429, 500, 503, 599) if is_passing_status(code)] == [
        *(408, 429),
        *(500, 503, 599),
    ]


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


def test_a_bar_begins_with_what_came_before(monkeypatch):
    monkeypatch.setattr(tqdm, "tqdm", lambda **options: tqdm.std.tqdm(**options, disable=False))
    with progress_bar("a.zip", kept_bytes=30) as tell:
        tell(50, 100)
        (bar,) = [bar for bar in tqdm.std.tqdm._instances if bar.desc == "a.zip"]
        assert (bar.initial, bar.n, bar.total) == (30, 50, 100)

"""Fetching from the web: an answer goes to a partial file, behind the bytes that are there of the same version."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse, InvalidURL
from itertools import chain
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from landmark_discovery import __version__
from landmark_discovery.downloads.partial import Partial, Record
from landmark_discovery.downloads.transport import (
    TIMEOUT_S,
    Progress,
    TransferError,
    is_passing_status,
    is_untrusted,
    one_line,
    reason_of,
)
from landmark_discovery.downloads.web_pages import PAGE_BYTES, describe_page_start

# A server that sends less than this in that time has all but stalled.
LEAST_BYTES = 1 << 16
LEAST_BYTES_TIME_S = 120
_PIECE_BYTES = 1 << 20
# Redirects go to the web alone: no handler of ftp, files and the like.
_HANDLERS = (
    *(ProxyHandler, UnknownHandler, HTTPHandler, HTTPSHandler),
    *(HTTPDefaultErrorHandler, HTTPRedirectHandler, HTTPErrorProcessor),
)


class WrongPartError(TransferError):
    """Say that an answer doesn't go on where the partial file ends; the next try starts afresh."""


def open_http(address: str, headers: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> HTTPResponse:
    """Open an address for reading; redirects are followed.

    Args:
        address: http://... or https://...
        headers: what is asked besides.
        timeout_s: how long to wait for an answer, and later for each piece of it.

    Raises:
        TransferError: it can't be reached, or answers with an error.
    """
    opener = OpenerDirector()
    for handler in _HANDLERS:
        opener.add_handler(handler())
    named = {"User-Agent": f"landmark-discovery/{__version__}", "Accept-Encoding": "identity", **headers}
    try:
        response: HTTPResponse = opener.open(Request(address, headers=named), timeout=timeout_s)
    except HTTPError as error:
        raise _refused(error) from error
    except (OSError, HTTPException, ValueError) as error:
        raise TransferError(reason_of(error), passing=_may_pass(error)) from error
    return response


def transfer_http(
    address: str,
    partial: Partial,
    progress: Progress,
    timeout_s: float = TIMEOUT_S,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Bring a partial file to its end with what a web address answers.

    The rest alone is asked for where the server's version of the file is the one that was begun.

    Args:
        address: http://... or https://...
        partial: the file; what came is kept when an answer breaks off.
        progress: told of each piece.
        timeout_s: how long the server may say nothing.
        clock: gives seconds.

    Raises:
        TransferError: it can't be reached, answers with an error or something else than the file, or breaks off.
    """
    begun = partial.begun(address)
    try:
        with open_http(address, _asking_for_the_rest(begun), timeout_s) as response:
            record = _record(address, response, begun, partial.size_bytes)
            pieces = _pieces(response, clock)
            if record.kept_bytes == 0:
                pieces = _refuse_other_files(pieces, record, partial)
            _write(pieces, record, partial, progress)
    except WrongPartError:
        partial.forget()
        raise


def _asking_for_the_rest(begun: Record | None) -> dict[str, str]:
    return {} if begun is None else {"Range": f"bytes={begun.kept_bytes}-", "If-Range": begun.validator}


def _refused(error: HTTPError) -> TransferError:
    told = one_line(f"answers {error.code} {error.reason}")
    error.close()
    if error.code == 416:
        return WrongPartError(told, passing=True)
    return TransferError(
        told, passing=is_passing_status(error.code), wait_s=retry_after_s(error.headers["Retry-After"])
    )


def retry_after_s(text: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Read how long a server asks to wait, as seconds or as a date; None where it doesn't say."""
    if text is None:
        return None
    if re.fullmatch("[0-9]{1,9}", text.strip()):
        return float(text)
    try:
        then = parsedate_to_datetime(text)
        return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - now()).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _may_pass(error: Exception) -> bool:
    # An address of a wrong form is a URLError about a text, or one of these.
    wrong = isinstance(error, ValueError | InvalidURL)
    wrong = wrong or (isinstance(error, URLError) and not isinstance(error.reason, OSError))
    return not (wrong or is_untrusted(error))


def _record(address: str, response: HTTPResponse, begun: Record | None, size_bytes: int | None) -> Record:
    """Say what the answer is: the whole file, or the rest of what was begun."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    # Servers give that name to files that are archives themselves.
    if encoding != "identity" and not urlsplit(address).path.endswith((".gz", ".tgz")):
        raise TransferError(f"answers in the encoding {encoding!r}, which wasn't asked for")
    if response.status == 206:
        return _going_on(response, begun)
    if response.status != 200:
        raise TransferError(f"answers {response.status} {response.reason}".rstrip())
    length = size_bytes if response.length is None and not response.chunked else response.length
    if length is None and not response.chunked:
        # Python's reader takes headers that broke off for all of them, so that the next answer may say it.
        raise TransferError("doesn't say how long the file is, so that a cut couldn't be told", passing=True)
    etag, modified = (response.headers.get(name, "") for name in ("ETag", "Last-Modified"))
    return Record(address, etag, modified, length)


def _going_on(response: HTTPResponse, begun: Record | None) -> Record:
    found = re.fullmatch(r"bytes ([0-9]+)-[0-9]+/([0-9]+)", response.headers.get("Content-Range", ""))
    if begun is None or found is None or int(found[1]) != begun.kept_bytes:
        raise WrongPartError("answers with another part than the one asked for", passing=True)
    changed = begun.length not in (None, int(found[2]))
    for name, old in (("ETag", begun.etag), ("Last-Modified", begun.modified)):
        changed = changed or response.headers.get(name, old) != old
    if changed:
        raise WrongPartError("the file changed meanwhile", passing=True)
    return Record(begun.address, begun.etag, begun.modified, int(found[2]), begun.kept_bytes)


def _refuse_other_files(pieces: Iterator[bytes], record: Record, partial: Partial) -> Iterator[bytes]:
    """Look first at a whole answer that would take the place of what was begun, or hasn't the size of the file."""
    wrong_size = partial.size_bytes is not None and record.length not in (None, partial.size_bytes)
    if not (wrong_size or partial.is_begun()):
        return pieces
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= PAGE_BYTES:
            break
    page = describe_page_start(start)
    if page is not None:
        raise TransferError(f"it is {page}")
    if wrong_size:
        raise TransferError(f"it has {record.length} bytes, not {partial.size_bytes}")
    return chain([start], pieces)


def _write(pieces: Iterator[bytes], record: Record, partial: Partial, progress: Progress) -> None:
    most = partial.size_bytes if record.length is None else record.length
    with partial.writing(record) as writer:
        for piece in pieces:
            writer.write(piece)
            progress(writer.received, record.length)
            if most is not None and writer.received > most:
                raise WrongPartError(f"sends more than {most} bytes")
        # Python's reader takes a closed connection for the end.
        if record.length is not None and writer.received < record.length:
            raise TransferError(f"broke off after {writer.received} of {record.length} bytes", passing=True)
        writer.finish()


def _pieces(response: HTTPResponse, clock: Callable[[], float]) -> Iterator[bytes]:
    """Read the answer as it comes, unless that is next to nothing."""
    since, received = clock(), 0
    while piece := _read(response):
        yield piece
        received += len(piece)
        if received >= LEAST_BYTES:
            since, received = clock(), 0
        elif clock() - since > LEAST_BYTES_TIME_S:
            reason = f"sends less than {LEAST_BYTES >> 10} KiB in {LEAST_BYTES_TIME_S} s"
            raise TransferError(reason, passing=True)


def _read(response: HTTPResponse) -> bytes:
    # Network errors are OSErrors: told here, lest they pass for a full disk.
    try:
        # Not read(): it would hold back what a slow server sends until all of the piece is there.
        return response.read1(_PIECE_BYTES)
    except (OSError, HTTPException) as error:
        raise TransferError(f"broke off: {reason_of(error)}", passing=not is_untrusted(error)) from error

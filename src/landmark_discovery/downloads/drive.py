"""Fetching from Google Drive, by gdown."""

from __future__ import annotations

from typing import BinaryIO, cast

from landmark_discovery.downloads.partial import Partial, Record, Writer
from landmark_discovery.downloads.sources import DRIVE_SCHEME
from landmark_discovery.downloads.transport import (
    TIMEOUT_S,
    Progress,
    TransferError,
    causes_of,
    is_passing_status,
    is_untrusted,
    reason_of,
)
from landmark_discovery.downloads.web_pages import DRIVE_LIMIT


def transfer_drive(address: str, partial: Partial, progress: Progress) -> None:
    """Write a file of Google Drive, gdrive:ID, into a partial file, from its first byte.

    Raises:
        TransferError: Drive doesn't hand it out, or breaks off.
    """
    with partial.writing(Record(address)) as writer:
        _download(address.removeprefix(DRIVE_SCHEME), writer, progress)
        writer.finish()


def _download(identity: str, writer: Writer, progress: Progress) -> None:
    # It loads a parser of web pages; no other download needs that.
    import gdown

    written = _LocalErrors(writer)
    try:
        gdown.download(
            id=identity,
            output=cast(BinaryIO, written),
            quiet=True,
            # Cookies would be kept in the home folder.
            use_cookies=False,
            progress=progress,
            timeout=TIMEOUT_S,
        )
    except gdown.FileURLRetrievalError as error:
        # The innermost has what Drive says, without advice.
        raise TransferError(f"{reason_of(causes_of(error)[-1])}; {DRIVE_LIMIT}") from error
    except Exception as error:  # an answer that gdown doesn't expect ends in a dozen kinds of error
        if written.error is not None:
            raise written.error from error
        raise TransferError(reason_of(error), passing=_may_pass(error)) from error


class _LocalErrors:
    """Remember what went wrong on the disk: gdown raises network errors of the same kind."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.error: OSError | None = None

    def write(self, piece: bytes) -> int:
        try:
            return self._writer.write(piece)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._writer.flush()


def _may_pass(error: Exception) -> bool:
    import gdown
    import requests

    if isinstance(error, requests.HTTPError):
        return error.response is not None and is_passing_status(error.response.status_code)
    # What requests raises is an OSError.
    return isinstance(error, OSError | gdown.DownloadError) and not is_untrusted(error)

"""Moving bytes from an address into a file, one function a scheme; what may come is decided elsewhere (fetch.py)."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from landmark_discovery import __version__
from landmark_discovery.downloads.sources import DRIVE_SCHEME

TIMEOUT_S = 60
DRIVE_LIMIT = "Google Drive stops handing out a file that many fetch: wait a day, or open it in a browser"
_CHUNK_BYTES = 1 << 20
_PAGE_BYTES = 1 << 16
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)

# Bytes so far, and of how many; None: unknown.
Progress = Callable[[int, int | None], None]
# Address, the file to write, progress.
Transfer = Callable[[str, Path, Progress], None]


class TransferError(Exception):
    """Say why an address gave no file; another address may."""


def open_http(address: str, timeout_s: float = TIMEOUT_S) -> HTTPResponse:
    """Open an address for reading; redirects are followed.

    Args:
        address: http://... or https://...
        timeout_s: how long to wait for an answer, and later for each piece of it.

    Raises:
        TransferError: it can't be reached, or answers with an error.
    """
    request = Request(address, headers={"User-Agent": f"landmark-discovery/{__version__}"})
    try:
        response: HTTPResponse = urlopen(request, timeout=timeout_s)
    except (OSError, HTTPException, ValueError) as error:
        raise TransferError(_reason(error)) from error
    return response


def transfer_http(address: str, temporary: Path, progress: Progress) -> None:
    """Write what a web address answers into a file.

    Raises:
        TransferError: it can't be reached, answers with an error, or breaks off.
    """
    received = 0
    with open_http(address) as response, temporary.open("wb") as file:
        total = response.length
        while chunk := _read(response):
            file.write(chunk)
            received += len(chunk)
            progress(received, total)
    # Python's reader takes a closed connection for the end.
    if total is not None and received != total:
        raise TransferError(f"broke off after {received} of {total} bytes")


def transfer_drive(address: str, temporary: Path, progress: Progress) -> None:
    """Write a file of Google Drive, gdrive:ID, into a file.

    Raises:
        TransferError: Drive doesn't hand it out, or breaks off.
    """
    # It loads a parser of web pages; no other download needs that.
    import gdown

    with temporary.open("wb") as file:
        try:
            gdown.download(
                id=address.removeprefix(DRIVE_SCHEME),
                output=file,
                quiet=True,
                # Cookies would be kept in the home folder.
                use_cookies=False,
                progress=progress,
                timeout=TIMEOUT_S,
            )
        except gdown.FileURLRetrievalError as error:
            # The innermost has what Drive says, without advice.
            raise TransferError(f"{_reason(_causes(error)[-1])}; {DRIVE_LIMIT}") from error
        except Exception as error:  # an answer that gdown doesn't expect ends in a dozen kinds of error
            if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
                raise
            raise TransferError(_reason(error)) from error


TRANSFERS: Mapping[str, Transfer] = {"http": transfer_http, "https": transfer_http, "gdrive": transfer_drive}


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Show how many bytes have come, as a bar on stderr."""
    from tqdm import tqdm

    # What fails or ends at once shows none.
    with tqdm(desc=title, unit="B", unit_scale=True, unit_divisor=1024, mininterval=1, delay=1) as bar:

        def progress(received: int, total: int | None) -> None:
            bar.total = total
            bar.update(received - bar.n)

        yield progress


def describe_web_page(path: Path) -> str | None:
    """Say which web page a file holds; None where it holds none."""
    with path.open("rb") as file:
        text = file.read(_PAGE_BYTES).decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if not re.match(r"<(!doctype html|html|head|body)\b", text, re.IGNORECASE):
        return None
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    named = f", titled {_one_line(title[1])!r}" if title else ""
    limit = f"; {DRIVE_LIMIT}" if re.search(r"quota|too many users", text, re.IGNORECASE) else ""
    return f"a web page{named}, not the file{limit}"


def _read(response: HTTPResponse) -> bytes:
    # Network errors are OSErrors: told here, lest they pass for a full disk.
    try:
        return response.read(_CHUNK_BYTES)
    except (OSError, HTTPException) as error:
        raise TransferError(f"broke off: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, HTTPError):
        return f"answers {error.code} {error.reason}".rstrip()
    # Libraries wrap what the system says in several layers of their own.
    told = [cause.strerror for cause in _causes(error) if isinstance(cause, OSError) and cause.strerror]
    return _one_line(told[-1] if told else str(getattr(error, "reason", error)) or type(error).__name__)


def _causes(error: BaseException) -> list[BaseException]:
    """List an error and those that led to it, the first one last."""
    causes = [error]
    while inner := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(inner)
    return causes


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]

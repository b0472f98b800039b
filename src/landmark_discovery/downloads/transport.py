"""What the ways of fetching share: what they are called with, how they fail, and how far they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ssl import SSLCertVerificationError

from landmark_discovery.downloads.partial import Partial

# How long a server may say nothing.
TIMEOUT_S = 60

# Bytes so far, and of how many; None: unknown.
Progress = Callable[[int, int | None], None]
# Address, the file to write, progress.
Transfer = Callable[[str, Partial, Progress], None]


class TransferError(Exception):
    """Say why an address gave no file; another address may.

    Args:
        reason: what went wrong.
        passing: whether it may be gone a little later, so that the same address is worth another try.
        wait_s: how long the server asks to wait before that; None: it doesn't say.
    """

    def __init__(self, reason: str, *, passing: bool = False, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.passing = passing
        self.wait_s = wait_s


def reason_of(error: BaseException) -> str:
    """Say in one line what an error is about: what the system says where it says anything."""
    # Libraries wrap what the system says in several layers of their own.
    told = [cause.strerror for cause in causes_of(error) if isinstance(cause, OSError) and cause.strerror]
    return one_line(told[-1] if told else str(getattr(error, "reason", error)) or type(error).__name__)


def causes_of(error: BaseException) -> list[BaseException]:
    """List an error and those that led to it, the first one last."""
    causes = [error]
    while inner := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(inner)
    return causes


def is_untrusted(error: BaseException) -> bool:
    """Say whether a connection failed because the server's certificate isn't right, which waiting doesn't heal."""
    return any(isinstance(cause, SSLCertVerificationError) for cause in causes_of(error))


def is_passing_status(status: int) -> bool:
    """Say whether a web server that answers with this status may answer otherwise a little later."""
    return status >= 500 or status in (408, 429)


def one_line(text: str) -> str:
    """Shorten a text of others to a line."""
    return " ".join(text.split())[:200]


@contextmanager
def progress_bar(title: str, kept_bytes: int = 0) -> Iterator[Progress]:
    """Show how many bytes have come, as a bar on stderr.

    Args:
        title: what it is called.
        kept_bytes: how many came before.
    """
    from tqdm import tqdm

    # What fails or ends at once shows none.
    with tqdm(desc=title, initial=kept_bytes, unit="B", unit_scale=True, unit_divisor=1024, delay=1) as bar:

        def progress(received: int, total: int | None) -> None:
            bar.total = total
            bar.update(received - bar.n)

        yield progress

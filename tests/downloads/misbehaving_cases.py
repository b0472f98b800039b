"""What servers do wrong, and what a download ends in: the table of docs/reliability.md."""

import gzip
import hashlib
import io
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from misbehaving import CONTENT, MODIFIED, OTHER, cut, page, part, raw, redirect, reset, stall, status, trickle, whole

from landmark_discovery.digests import Digest

SIZE = len(CONTENT)
GZIPPED = gzip.compress(CONTENT, mtime=0)


def digest_of_bytes(content):
    return Digest("sha256", hashlib.sha256(content).hexdigest())


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("000001.jpg", CONTENT)
    return file.getvalue()


ZIP = zipped()


@dataclass(frozen=True)
class Case:
    """One way to misbehave.

    `error`: what the message says; None: the right file comes. `ranges`: what must be asked for, request by request.
    `pinned`: the digest isn't published but pinned; `known`: it is either.
    """

    what: str
    acts: tuple
    error: str | None = None
    ranges: tuple | None = None
    content: bytes = CONTENT
    name: str = "points.txt"
    path: str = "/file"
    known: bool = True
    pinned: bool = False
    facts: dict = field(default_factory=dict)
    timeout_s: float = 30
    pace_s: float = 0
    waits: tuple | None = None


def _cuts():
    for seed in range(40):
        (at,) = _bytes(seed, 1)
        acts = (cut(at), whole())
        yield Case("cuts the answer at a random byte", acts, ranges=(None, f"bytes={at}-"))
    for seed in range(20):
        first, second, third = _bytes(seed, 3)
        ranges = (None, *(f"bytes={at}-" for at in (first, second, third)))
        yield Case("cuts it at three random bytes", (cut(first), cut(second), cut(third), whole()), ranges=ranges)
    for seed in range(20):
        (at,) = _bytes(seed, 1)
        acts = (cut(at, framing="chunked"), whole(framing="chunked"))
        yield Case("cuts a chunked answer at a random byte", acts, ranges=(None, f"bytes={at}-"))
    for seed in range(10):
        (at,) = _bytes(seed, 1)
        yield Case("resets the connection at a random byte", (reset(at), whole()))
    for seed in range(10):
        (at,) = _bytes(seed, 1)
        yield Case("cuts at a random byte and ignores Range", (cut(at), whole(ranges=False)))
        acts = (cut(at, etag=""), whole(etag=""))
        yield Case("cuts at a random byte and names no version", acts, ranges=(None, None))
    acts = (cut(700, ranges=False),)
    yield Case("always cuts at the same byte and ignores Range", acts, f"broke off after 700 of {SIZE} bytes .* tries")
    acts = (cut(0),)
    yield Case("always cuts before the first byte", acts, f"broke off after 0 of {SIZE} bytes \\(6 tries\\)")


def _lengths():
    what = "says a Content-Length that is too long"
    acts = (whole(length=100), whole(ranges=False))
    yield Case(what, acts)
    yield Case(what, (whole(length=100),), "broke off after 20000 of 20100 bytes")
    yield Case(what, (whole(length=100),), "it has 20100 bytes, not 20000", facts={"size_bytes": SIZE})
    what = "says a Content-Length that is too short"
    yield Case(what, (whole(length=-100),), "its sha256 is")
    yield Case(what, (whole(length=-100),), "it has 19900 bytes, not 20000", facts={"size_bytes": SIZE})
    yield Case(what, (whole(length=-100),), "it has 19900 bytes, and .* has 20000", pinned=True)
    for name in ("images.zip", "weights.pth"):
        facts = {"content": ZIP, "known": False, "name": name}
        yield Case(what, (whole(content=ZIP, length=-100),), "no zip archive, or cut short", **facts)
    acts = (whole(headers={"Content-Length": "many"}),)
    yield Case("says a Content-Length that is no number", acts, "doesn't say how long the file is")
    what = "says no length and closes at the end"
    yield Case(what, (whole(framing="close"),), facts={"size_bytes": SIZE})
    yield Case(what, (whole(framing="close"),), "doesn't say how long the file is")
    what = "says no length and closes before the end"
    acts = (cut(700, framing="close"), whole(framing="close"))
    yield Case(what, acts, ranges=(None, "bytes=700-"), facts={"size_bytes": SIZE})
    yield Case(what, (cut(700, framing="close"),), "doesn't say how long the file is", known=False)
    what = "sends more than the file has"
    acts = (whole(content=CONTENT + OTHER, framing="chunked"),)
    yield Case(what, acts, "sends more than 20000 bytes", facts={"size_bytes": SIZE})
    yield Case(what, acts, "its sha256 is")
    yield Case("sends nothing at all", (whole(content=b""),), "it is empty")
    yield Case("sends nothing at all", (status(204, b""),), "answers 204 No Content")


def _refusals():
    for code in (408, 429, 500, 502, 503, 504):
        yield Case("answers 408, 429 or 5xx once", (status(code), whole()))
        yield Case("always answers 408, 429 or 5xx", (status(code),), f"answers {code} .*\\(6 tries\\)")
    for code in (400, 401, 403, 404, 410, 451):
        yield Case("answers another 4xx (asked once)", (status(code), whole()), f"answers {code}", ranges=(None,))
    for code in (429, 503):
        what = "asks to wait, Retry-After in seconds or as a date"
        yield Case(what, (status(code, **{"Retry-After": "90"}), whole()), waits=(90,))
        yield Case(what, (status(code, **{"Retry-After": "0"}), whole()))
        yield Case(what, (status(code, **{"Retry-After": "Mon, 06 Jul 2020 10:00:00 GMT"}), whole()))
        yield Case(what, (status(code, **{"Retry-After": "soon"}), whole()))
        acts = (status(code, **{"Retry-After": "86400"}), whole())
        yield Case("asks to wait a day", acts, f"answers {code} .*, and asks to wait 86400 s", ranges=(None,))
    yield Case("answers 503 while a file is half there", (cut(700), status(503), whole()), ranges=_rest(700, 2))
    for answer in (b"", b"\x00\x01 no web server\r\n\r\n", b"HTTP/1.1 200"):
        yield Case("closes before the headers, or sends none, once", (raw(answer), whole()))
        yield Case("always closes before the headers, or sends none", (raw(answer),), "\\(6 tries\\)")


def _redirects():
    for code in (301, 302, 303, 307, 308):
        yield Case("redirects to the file", (redirect("/file?2", code),), path="/file")
    yield Case("redirects in a circle", (redirect("/file"),), "infinite loop")
    yield Case("redirects to https where nobody listens", (redirect("https://127.0.0.1:1/a"),), "Connection refused")
    for address in ("ftp://127.0.0.1/a", "file:///etc/hostname", "data:,abc"):
        yield Case("redirects out of the web", (redirect(address),), "unknown url type|not allowed")
    yield Case("redirects to nowhere", (redirect(""),), "answers 302")
    acts = (redirect("/file?cut"), redirect("/file?2"))
    yield Case("redirects to a place that cuts, then to the file", acts, ranges=(None, None, *["bytes=700-"] * 2))


def _other_content():
    yield Case("answers 200 with a web page", (page(),), "a web page, titled 'Google Drive - Quota exceeded'")
    yield Case("answers 200 with a web page", (page(),), "a web page, .*wait a day", facts={"size_bytes": SIZE})
    yield Case("answers 200 with a web page", (page(),), "a web page", known=False)
    acts = (cut(700), page())
    yield Case("answers 200 with a web page while a file is half there", acts, "a web page", ranges=_rest(700))
    acts = (whole(content=OTHER),)
    yield Case("sends wrong content of the right length", acts, "its sha256 is")
    yield Case("sends wrong content of the right length", acts, "and .* has", pinned=True)
    at = SIZE // 2
    acts = (cut(at), whole(content=OTHER))
    yield Case("goes on with wrong content under the same version", acts, "its sha256 is", ranges=_rest(at))
    gzipped = whole(content=GZIPPED, headers={"Content-Encoding": "gzip"})
    yield Case("answers in gzip, which wasn't asked for", (gzipped,), "encoding 'gzip'")
    facts = {"content": GZIPPED, "name": "images.tar.gz", "path": "/images.tar.gz"}
    yield Case("calls an archive's own gzip an encoding", (gzipped,), **facts)


def _speeds():
    for step in (1, 7, 500):
        content = CONTENT[: 300 * step]
        yield Case("sends a few bytes at a time", (trickle(step, content=content),), content=content)
    # On a busy machine a client that wakes late would find all bytes there at once, if they came without long pauses.
    acts = (trickle(10, pause_s=0.02, content=CONTENT[:300]),)
    yield Case("sends next to nothing", acts, content=CONTENT[:300], pace_s=50)
    acts = (trickle(10, pause_s=0.02, content=CONTENT[:300], etag=""),)
    yield Case("sends next to nothing", acts, "less than 64 KiB in 120 s", content=CONTENT[:300], pace_s=50)
    for seed in range(5):
        (at,) = _bytes(seed, 1)
        yield Case("stalls for ever at a random byte, once", (stall(at), whole()), timeout_s=0.5)
    yield Case("always stalls", (stall(0),), "timed out", timeout_s=0.05)
    yield Case("never answers", (lambda handler: handler.released.wait(),), "timed out", timeout_s=0.05)


def _parts():
    what = "answers a Range with another part"
    parts = ("bytes 0-19999/20000", "bytes 701-19999/20000", "bytes 700-19999/*", "bytes */20000", "bytes", "")
    for content_range in parts:
        acts = (cut(700), part(content_range), whole())
        yield Case(what, acts, ranges=(None, "bytes=700-", None))
    yield Case(what, (cut(700), part("bytes 700-20009/20010", CONTENT[700:] + b"0123456789"), whole()))
    acts = (part("bytes 0-19999/20000"),)
    yield Case("answers with a part though none was asked for", acts, "another part than the one asked for")
    acts = (cut(700), part("bytes 700-799/20000", CONTENT[700:800]), whole())
    yield Case("sends less than the rest", acts, ranges=(None, "bytes=700-", "bytes=800-"))
    acts = (cut(700), status(416), whole())
    yield Case("answers 416 to a Range", acts, ranges=(None, "bytes=700-", None))


def _versions():
    new = {"etag": '"two"', "content": OTHER}
    what = "has another version after a cut"
    yield Case(what, (cut(700), whole(**new)), content=OTHER)
    facts = {"content": OTHER, "ranges": (None, "bytes=700-", None)}
    yield Case(f"{what}, and ignores If-Range", (cut(700), whole(validates=False, **new), whole(**new)), **facts)
    longer = {"etag": '"one"', "content": OTHER + OTHER}
    acts = (cut(700), whole(**longer), whole(**longer))
    yield Case(f"{what}, by the length alone", acts, ranges=facts["ranges"], content=OTHER + OTHER)
    old = {"etag": "", "modified": MODIFIED}
    dated = {"etag": "", "modified": "Tue, 07 Jul 2026 10:00:00 GMT", "content": OTHER}
    yield Case(f"{what}, by the date", (cut(700, **old), whole(**dated)), content=OTHER)
    acts = (cut(700, **old), whole(validates=False, **dated), whole(**dated))
    yield Case(f"{what}, by the date, and ignores If-Range", acts, **facts)
    weak = {"etag": 'W/"one"', "modified": MODIFIED}
    yield Case("has a weak ETag and a date", (cut(700, **weak), whole(**weak)), ranges=_rest(700))
    weak = {"etag": 'W/"one"'}
    yield Case("has a weak ETag alone", (cut(700, **weak), whole(**weak)), ranges=(None, None))


def _rest(at, times=1):
    return (None, *[f"bytes={at}-"] * times)


def _bytes(seed, count):
    return sorted(Random(seed).sample(range(1, SIZE), count))


CASES = [
    case
    for group in (_cuts, _lengths, _refusals, _redirects, _other_content, _speeds, _parts, _versions)
    for case in group()
]


def table():
    """Write the cases as a table, those of a kind in a row."""
    kinds = dict.fromkeys(case.what for case in CASES)
    counts = Counter((case.what, case.error is None) for case in CASES)
    rows = [f"| {kind} | {counts[kind, True] or ''} | {counts[kind, False] or ''} |" for kind in kinds]
    return "\n".join(["| the server | the right file | an error |", "| --- | ---: | ---: |", *rows])

"""A web server on loopback that plays scripts: one act a request, the last one again and again."""

import contextlib
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

CONTENT = Random(0).randbytes(20_000)
OTHER = Random(1).randbytes(20_000)
PAGE = b"<!doctype html><html><title>Google Drive - Quota exceeded</title></html>" + b" " * 500
MODIFIED = "Mon, 06 Jul 2026 10:00:00 GMT"


@dataclass(frozen=True)
class Asked:
    """What a request asked for."""

    path: str
    range: str | None
    if_range: str | None
    agent: str | None


class Server:
    """Serves what its scripts say, and keeps what was asked, in that order."""

    def __init__(self):
        self.scripts = {}
        self.asked = []
        self.released = threading.Event()
        self._one_at_a_time = threading.Lock()

    def plays(self, *acts, path="/file"):
        """Let a path play acts; give its address."""
        self.scripts[path] = list(acts)
        return f"http://127.0.0.1:{self.port}{path}"

    def put(self, path, body, code=200):
        """Let a path answer with these bytes, as a server does that knows nothing of parts and versions."""
        return self.plays(status(code, body), path=path)

    def paths(self):
        return [asked.path for asked in self.asked]

    def ranges(self, path="/file"):
        return [asked.range for asked in self.asked if asked.path == path]

    def next_act(self, handler):
        names = ("Range", "If-Range", "User-Agent")
        with self._one_at_a_time:
            self.asked.append(Asked(handler.path, *(handler.headers[name] for name in names)))
            script = self.scripts.get(handler.path, [status(404)])
            return script.pop(0) if len(script) > 1 else script[0]


@contextlib.contextmanager
def serving():
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.close_connection = True
            self.released = server.released
            with contextlib.suppress(OSError):
                server.next_act(self)(self)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            http.shutdown()
            thread.join()


def whole(**facts):
    """Answer as a good server does: all of the content, or the rest that is asked for."""
    return partial(_send, until=None, **facts)


def cut(at, **facts):
    """Close the connection where `at` bytes of the content are sent."""
    return partial(_send, until=at, **facts)


def reset(at, **facts):
    """Reset the connection there."""
    return partial(_send, until=at, end=_reset, **facts)


def stall(at, **facts):
    """Say nothing more from there on."""
    return partial(_send, until=at, end=lambda handler: handler.released.wait(), **facts)


def trickle(step, pause_s=0.001, **facts):
    """Send a few bytes at a time."""

    def write(handler, body):
        for start in range(0, len(body), step):
            handler.wfile.write(body[start : start + step])
            time.sleep(pause_s)

    return partial(_send, until=None, write=write, **facts)


def status(code, body=b"no", **headers):
    """Answer with a status and a few words."""

    def act(handler):
        handler.send_response(code)
        _headers(handler, {"Content-Length": len(body), **headers})
        handler.wfile.write(body)

    return act


def redirect(location, code=302):
    return status(code, b"", **({"Location": location} if location else {}))


def page():
    """Answer with a web page, as if all were well."""
    return status(200, PAGE, **{"Content-Type": "text/html"})


def raw(answer):
    """Send these bytes in the place of an answer, and close."""
    return lambda handler: handler.wfile.write(answer)


def part(content_range, body=CONTENT, **headers):
    """Answer with a part, whatever was asked."""
    return status(206, body, **{"Content-Range": content_range, "ETag": '"one"', **headers})


def _send(
    handler,
    until,
    content=CONTENT,
    ranges=True,
    validates=True,
    length=0,
    etag='"one"',
    modified="",
    headers=(),
    framing="length",
    end=None,
    write=None,
):
    """Send the content up to a byte.

    `ranges`, `validates`: whether Range and If-Range are heeded; `length`: by how many bytes the length that is told is
    wrong; `framing`: how the end is told, by `length`, `chunked` or `close`.
    """
    wanted = re.fullmatch(r"bytes=(\d+)-", handler.headers["Range"] or "") if ranges else None
    same = not validates or (handler.headers["If-Range"] or "") in (etag, modified)
    start = int(wanted[1]) if wanted and same else 0
    if start >= len(content) > 0:
        status(416, b"", **{"Content-Range": f"bytes */{len(content)}"})(handler)
        return
    body = content[start : len(content) if until is None else max(until, start)]
    framed = {"length": {"Content-Length": len(content) - start + length}, "chunked": {"Transfer-Encoding": "chunked"}}
    told = {**framed.get(framing, {}), "ETag": etag, "Last-Modified": modified, **dict(headers)}
    if start:
        told["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    handler.send_response(206 if start else 200)
    _headers(handler, told)
    if framing == "chunked":
        _write_chunked(handler, body, ends=until is None)
    elif write is not None:
        write(handler, body)
    else:
        handler.wfile.write(body)
    if end is not None:
        end(handler)


def _headers(handler, headers):
    for name, value in headers.items():
        if value != "":
            handler.send_header(name, str(value))
    handler.end_headers()


def _write_chunked(handler, body, ends):
    for start in range(0, len(body), 3000):
        piece = body[start : start + 3000]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    handler.wfile.write(b"0\r\n\r\n" if ends else b"")


def _reset(handler):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()

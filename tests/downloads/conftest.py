import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from landmark_discovery.downloads.sources import Source


class Site:
    """Serves what a test puts into it, and keeps which paths were asked for, and by whom."""

    def __init__(self, port):
        self.port = port
        self.answers = {}
        self.asked = []
        self.agents = []

    def put(self, path, body, status=200, length=None, headers=()):
        """Answer a path with bytes; `length`: what the answer claims to have, where that isn't true."""
        self.answers[path] = (status, body, len(body) if length is None else length, dict(headers))
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            served.asked.append(self.path)
            served.agents.append(self.headers["User-Agent"])
            status, body, length, headers = served.answers.get(self.path, (404, b"nothing here", 12, {}))
            self.send_response(status)
            for name, value in {"Content-Length": str(length), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Site(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        server.shutdown()
        thread.join()


@pytest.fixture
def source():
    """Make a source from what matters to a test."""
    return lambda *addresses, name="points.txt", **facts: Source(name, "points of a test", addresses, **facts)

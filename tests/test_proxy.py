"""deploy/nginx.conf in a real nginx: what reaches the bank, and the response if nothing does.

Behind it is a small server that counts and records its requests.
"""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.conftest import NO_NGINX
from tests.http import ask, free_port
from tests.image import ROOT

# No database is involved, so one run of the suite is enough.
pytestmark = pytest.mark.sqlite


class Recorder(BaseHTTPRequestHandler):
    """Responds with the size of the body. /refuse/ is a refusal, /break/ breaks the connection."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.path, dict(self.headers), body))
        if self.path == "/break/":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        answer = json.dumps({"bytes": len(body)}).encode()
        self.send_response(422 if self.path == "/refuse/" else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def behind():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def proxy(behind, tmp_path):
    """The port of an nginx with the image's configuration, except for its addresses."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if not program:
        pytest.skip(NO_NGINX)
    port = free_port()
    text = (ROOT / "deploy/nginx.conf").read_text("utf-8")
    for old, new in {
        "server web:5000": f"server 127.0.0.1:{behind.server_address[1]}",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "/tmp/": f"{tmp_path}/",  # noqa: S108 - the folder of the container
        "/dev/stdout": f"{tmp_path}/access.log",
        "/dev/stderr": f"{tmp_path}/error.log",
    }.items():
        assert old in text
        text = text.replace(old, new)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text("daemon off;\nmaster_process off;\n" + text, "utf-8")
    with subprocess.Popen(
        [program, "-p", tmp_path, "-e", "stderr", "-c", configuration]
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while True:
                assert process.poll() is None
                assert time.monotonic() < deadline
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield port
        finally:
            process.terminate()


def _post(port, path="/", body=b"{}", **headers):
    answer = ask("POST", f"http://127.0.0.1:{port}{path}", body, headers, timeout_seconds=20)
    return answer.status, answer.headers, answer.body


def test_slow_request_reaches_the_bank_only_when_it_is_whole(proxy, behind):
    with socket.create_connection(("127.0.0.1", proxy), 20) as client:
        client.sendall(b"POST /slow/ HTTP/1.1\r\nHost: bank\r\nContent-Length: 4\r\n\r\n")
        for byte in (b"s", b"l", b"o"):
            client.sendall(byte)
            time.sleep(0.2)
            assert behind.seen == []
        client.sendall(b"w")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert [(path, body) for path, _, body in behind.seen] == [("/slow/", b"slow")]


def test_what_the_client_claims_of_its_address_ends_at_the_proxy(proxy, behind):
    claims = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Request-ID": "chosen-by-the-caller",
    }
    status, _, _ = _post(proxy, **claims, Host="bank.example", **{"Idempotency-Key": "k-1"})
    assert status == 200
    ((_, headers, _),) = behind.seen
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert len(headers["X-Request-ID"]) == 32
    assert headers["Host"] == "bank.example"
    assert headers["Idempotency-Key"] == "k-1"


def test_refusal_of_the_bank_passes_untouched(proxy):
    status, headers, body = _post(proxy, "/refuse/")
    assert (status, body) == (422, {"bytes": 2})
    assert "Retry-After" not in headers


@pytest.mark.parametrize(
    "path", ["/metrics", "//metrics", "/%6detrics", "/x/../metrics", "/metrics?x"]
)
def test_metrics_are_not_passed_on(proxy, behind, path):
    answer = ask("GET", f"http://127.0.0.1:{proxy}{path}")
    assert answer.status == 404
    assert behind.seen == []


def test_request_whose_fate_is_unknown_is_sent_once(proxy, behind):
    status, headers, body = _post(proxy, "/break/")
    assert (status, headers["Content-Type"]) == (503, "application/problem+json")
    assert (headers["Retry-After"], headers["Cache-Control"]) == ("1", "no-store")
    assert (body["code"], body["status"], body["retryable"]) == ("unavailable", 503, True)
    assert [path for path, _, _ in behind.seen] == ["/break/"]


def test_bank_that_is_away_is_answered_for(proxy, behind):
    behind.shutdown()
    behind.server_close()
    status, headers, body = _post(proxy)
    assert (status, headers["Content-Type"]) == (503, "application/problem+json")
    assert body["code"] == "unavailable"


def test_body_beyond_all_limits_does_not_reach_the_bank(proxy, behind):
    status, headers, body = _post(proxy, body=b" " * (5 * 1024 * 1024 + 1))
    assert (status, headers["Content-Type"]) == (413, "application/problem+json")
    assert body["code"] == "payload_too_large"
    assert behind.seen == []


def test_large_batch_passes(proxy):
    body = b" " * (4 * 1024 * 1024)
    assert _post(proxy, body=body)[::2] == (200, {"bytes": len(body)})


def test_malformed_request_is_a_problem_too(proxy, behind):
    with socket.create_connection(("127.0.0.1", proxy), 20) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n")
        answer = client.recv(10_000)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == 400
    assert behind.seen == []


def test_logins_of_one_address_are_limited_and_nothing_else_is(proxy, behind):
    statuses = [_post(proxy, "/admin/login/")[0] for _ in range(13)]
    assert statuses[:11] == [200] * 11
    assert statuses[-1] == 429
    status, headers, body = _post(proxy, "/admin/login/?next=/admin/")
    assert (status, headers["Content-Type"]) == (429, "application/problem+json")
    assert (headers["Retry-After"], body["code"]) == ("1", "throttled")
    assert [_post(proxy, "/admin/")[0] for _ in range(20)] == [200] * 20

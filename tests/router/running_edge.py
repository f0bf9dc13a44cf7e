"""A shop of two small systems, and the edge in front of it as operators start it: real sockets, real processes."""

from __future__ import annotations

import http.client
import re
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

RULES = """\
version: 1
systems:
  cms: {{servers: [http://127.0.0.1:{cms}]}}
  commerce: {{servers: [http://127.0.0.1:{commerce}], payment: true}}
lists:
  short_tail: {{file: short_tail.txt}}
rules:
  - {{name: checkout, path: /checkout/**, to: commerce, page: checkout, examples: [/checkout/payment-details/]}}
  - {{name: short-tail product, path: "/catalogue/{{sku}}/", when: {{sku: {{in: short_tail}}}}, to: cms, page: product}}
  - {{name: long-tail product, path: "/catalogue/**", to: commerce, page: product}}
  - {{name: everything else, path: /**, to: cms, page: home}}
tests:
  - {{request: GET /catalogue/999/, expect: {{system: commerce, rule: long-tail product}}}}
"""


def until(holds: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until something holds; fail if it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


class System(ThreadingHTTPServer):
    """Answers its name; `/slow/` answers when `go` is set."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str) -> None:
        self.go = threading.Event()
        self.asked = threading.Event()
        system = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path == "/slow/":
                    system.asked.set()
                    system.go.wait(20)
                body = f"{name} {self.path}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@dataclass
class Shop:
    """Two systems and a folder with a rules file for them."""

    cms: System
    commerce: System
    folder: Path

    @property
    def rules(self) -> Path:
        return self.folder / "rules.yaml"


@dataclass
class RunningEdge:
    """`inseam serve` in a process of its own; `port` is the shop's, `admin` the admin address's."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int = 0
    admin: int = 0

    def said(self) -> str:
        return self.log.read_text()

    def get(self, path: str, port: int = 0, method: str = "GET", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metric(self, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics", self.admin)[1], re.MULTILINE)
        assert found, f"no metric {name}"
        return float(found[1])

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split() if alive(int(pid))]


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


Start = Callable[..., RunningEdge]
"""Starts `inseam serve` for the shop, with arguments, and waits until it serves (`wait=False`: does not)."""


def certificate(folder: Path, name: str) -> tuple[str, str]:
    """Make a certificate for a name, signed by itself; return the paths of it and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(cert_file), str(key_file)

"""`inseam demo` as one starts it: two systems and the edge in processes of their own, and none of them afterwards."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import pytest

from deploy.demo.run import Copy, free, rules_file
from router.errors import StartError

RULES = """version: 1
systems:
  cms: {servers: [http://127.0.0.1:8001]}
  commerce: {servers: [http://127.0.0.1:8002], payment: true}
lists:
  short_tail: {file: short_tail.txt}
rules:
  - {name: till, path: [/basket/**, /checkout/**, /account/**, /api/**], to: commerce, page: basket}
  - {name: brand pages, path: /brands/**, to: cms, page: brand}
  - {name: short tail, path: "/catalogue/{sku}/", when: {sku: {in: short_tail}}, to: cms, fallback: commerce}
  - {name: the rest, path: /**, to: cms, page: home}
"""


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def eventually(seconds: float, holds: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def served_by(page: str) -> tuple[str, str]:
    """Return system and rule, as the ribbon says."""
    system = re.search(r'class="ribbon-system">([^<]*)<', page)
    rule = re.search(r"<b>([^<]*)</b>", page)
    assert system
    assert rule
    return system[1], rule[1]


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def test_one_command_brings_up_the_shop_and_takes_it_down(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "short_tail.txt").write_text("1001\n1030\n")
    here = str(Path(__file__).parents[2])
    demo = subprocess.Popen(
        [sys.executable, "-m", "router", "demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": here, "COLUMNS": "200"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        said = ""
        for line in demo.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        shop, admin = re.findall(r"(http://127\.0\.0\.1:\d+)/\s*$", said, re.M)[:2]

        assert served_by(get(f"{shop}/")) == ("cms", "the rest")
        assert served_by(get(f"{shop}/basket/")) == ("commerce", "till")
        assert served_by(get(f"{shop}/catalogue/1001/")) == ("cms", "short tail")
        assert served_by(get(f"{shop}/catalogue/1030/")) == ("commerce", "short tail")
        assert served_by(get(f"{shop}/brands/hald/")) == ("cms", "brand pages")
        assert '"rule":"till"' in get(f"{admin}/api/explain?url=/basket/")

        # the file is edited, and the list that it names
        (tmp_path / "rules.yaml").write_text(RULES.replace("/brands/**, to: cms", "/brands/**, to: commerce"))
        eventually(15, lambda: served_by(get(f"{shop}/brands/hald/")) == ("commerce", "brand pages"))
        (tmp_path / "rules.yaml").write_text(RULES.replace("/brands/**, to: cms", "/brands/**, to: comerce"))
        eventually(15, lambda: "rules.yaml:9:" in get(f"{admin}/readyz?verbose"))
        assert served_by(get(f"{shop}/brands/hald/")) == ("commerce", "brand pages")
    finally:
        demo.send_signal(signal.SIGINT)
        out, errors = demo.communicate(timeout=20)

    assert demo.returncode == 0, out + errors
    assert "Traceback" not in errors
    ports = [int(url.rpartition(":")[2]) for url in re.findall(r"http://127\.0\.0\.1:\d+", said + errors)]
    assert not any(listens(port) for port in ports)


def test_a_taken_port_is_passed_over_and_said(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        found = free(f"127.0.0.1:{port}", "the shop")

    assert port < found.port <= port + 50
    assert f"Port {port} is taken: the shop is on {found.port}." in capsys.readouterr().out


def test_shop_and_admin_never_share_a_port():
    shop = free("127.0.0.1:0", "the shop")

    assert free(str(shop), "the admin address", not_port=shop.port).port != shop.port


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.1", "is not HOST:PORT"),
        ("192.0.2.1:8080", "cannot listen on 192.0.2.1:8080: Cannot assign requested address"),
    ],
)
def test_an_address_of_no_use_is_told_in_one_line(address, says):
    with pytest.raises(StartError, match=re.escape(says)):
        free(address, "the shop")


def test_the_rules_file_of_the_working_directory_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert rules_file().parent.name == "demo"

    (tmp_path / "rules.yaml").write_text(RULES)
    assert rules_file() == tmp_path / "rules.yaml"


def test_a_file_that_is_gone_for_a_moment_changes_nothing(tmp_path):
    original, copy = tmp_path / "rules.yaml", tmp_path / "copy.yaml"
    kept = Copy(original, copy, {}, "http://127.0.0.1:9090")
    original.write_text(RULES)
    kept.renew()
    first = copy.read_text()

    original.unlink()
    kept.renew()
    assert copy.read_text() == first

    original.write_bytes(b"\xff\xfe no text")
    kept.renew()
    assert copy.read_text() != first


def test_a_system_ends_when_its_parent_is_gone():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        system = subprocess.Popen(
            [sys.executable, "-m", "deploy.demo.systems", "commerce", "--fd", str(sock.fileno())],
            stdin=subprocess.PIPE, pass_fds=[sock.fileno()], cwd=Path(__file__).parents[2],
        )  # fmt: skip
    try:
        assert get(f"http://127.0.0.1:{port}/healthz") == "ok\n"

        system.stdin.close()

        assert system.wait(10) == 0
        with pytest.raises(URLError):
            get(f"http://127.0.0.1:{port}/healthz")
    finally:
        system.kill()
        system.wait()

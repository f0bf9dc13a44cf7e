"""The shop's two Django sites: their data, made once and copied, and their processes."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Final

from deploy.demo.processes import System
from deploy.shop import feed
from router.errors import StartError

HERE: Final = Path(__file__).parent
NAMES: Final = ("cms", "commerce")

_TO_SEED: Final = 300.0
"""Seconds for tables and seed of one site: 3 here, much more on a slow disk."""


def seeded(folder: Path, python: Path) -> Path:
    """Return the folder of freshly filled databases; made the first time, and whenever what they are made of changes.

    `python` is the interpreter that has Django. Raises StartError.
    """
    done = folder / f"seeded-{_digest()}"
    if done.is_dir():
        return done
    for old in folder.glob("seeded-*"):
        shutil.rmtree(old)
    draft = folder / "seeding"
    shutil.rmtree(draft, ignore_errors=True)
    feed.write(draft)
    for name in NAMES:
        for arguments in (["migrate", "--run-syncdb", "-v0"], ["seed", str(draft)]):
            _manage(python, name, arguments, surroundings(name, draft))
    draft.rename(done)  # at the end: what is there is whole
    return done


def _manage(python: Path, name: str, arguments: list[str], env: Mapping[str, str]) -> None:
    command = [str(python), "-W", "ignore", "manage.py", *arguments]
    try:
        done = subprocess.run(  # noqa: S603  our own program
            command, cwd=HERE / name, env=env, capture_output=True, text=True, timeout=_TO_SEED, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StartError(f"the {name} cannot be set up: {error}; `make shop` makes {python}") from error
    if done.returncode:
        raise StartError(f"the {name} cannot be set up: manage.py {arguments[0]} said\n{done.stderr[-2000:]}")
    if done.stdout:
        print(done.stdout.strip(), file=sys.stderr)


def _digest() -> str:
    """Return what stands for everything that the seeded data depends on."""
    found = hashlib.sha256()
    for file in sorted(_sources()):
        found.update(file.name.encode())
        found.update(file.read_bytes())
    return found.hexdigest()[:12]


def _sources() -> Iterator[Path]:
    yield HERE / "feed.py"
    yield HERE / "requirements.txt"
    for name in NAMES:
        yield HERE / name / "settings.py"
        yield from (file for file in (HERE / name).glob("*/**/*.py") if "__pycache__" not in file.parts)


def surroundings(name: str, data: Path, settings: str = "settings") -> dict[str, str]:
    """Return the environment of a site whose data is in a folder. The site's secret key stays with its data.

    `settings` is the module with its settings.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("INSEAM_", "DJANGO_", "PYTHON"))}
    file = data / f"{name}.key"
    if not file.exists():
        data.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        file.write_text(secrets.token_urlsafe(48))
    own = {"SHOP_DATA": str(data), f"{name.upper()}_SECRET_KEY": file.read_text(), "DJANGO_SETTINGS_MODULE": settings}
    return {**kept, **own}


class Site(System):
    """A Django site under gunicorn, at `url` for as long as its context lasts. `said` is the file of its log."""

    def __init__(self, name: str, port: int, data: Path, python: Path, settings: str) -> None:
        super().__init__(name, port)
        self.said = data / f"{name}.log"
        self._data = data
        self._python = python
        self._settings = settings

    def wait_until_ready(self, stop: Event, seconds: float) -> bool:
        """Return True when it answers; False when it has ended, was told to stop or is not ready after `seconds`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.ended:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=seconds):  # noqa: S310  our own address
                    return True
            except OSError:
                if stop.wait(0.1):
                    return False
        return False

    def open(self, number: int) -> subprocess.Popen[bytes]:
        """Return gunicorn, started on the listening socket with this number."""
        memory = Path("/dev/shm")  # noqa: S108  gunicorn's advice: its heartbeat must not wait for a disk
        command = [
            str(self._python), "-m", "gunicorn", "wsgi:application", "--bind", f"fd://{number}", "--threads", "4",
            "--no-control-socket", "--log-level", "warning", "--graceful-timeout", "2",
            *(["--worker-tmp-dir", str(memory)] if memory.is_dir() else []),
        ]  # fmt: skip
        with self.said.open("ab") as log:
            return subprocess.Popen(  # noqa: S603  our own program
                command, cwd=HERE / self.name, env=surroundings(self.name, self._data, self._settings),
                pass_fds=[number], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

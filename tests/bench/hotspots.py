"""Where the time of a worker goes under load, and how often it asks the kernel.

perf tells the shares of kernel, interpreter and libraries, and of compiled functions with all that they call; py-spy
those of Python functions, which perf does not see; strace counts system calls.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.bench import machine
from tests.bench.proxies import PROGRAMS, Proxy
from tests.bench.running import Failed, Running, a_place, prove, started
from tests.bench.speed import measure, wrk
from tests.bench.table import markdown

LOADS = ("same", "varied")
TOP = 20
SAMPLES_PER_SECOND = 499
SMALLEST_SHARE, SMALLEST_COUNT = 0.1, 0.005
"""Percent of the time, and system calls per request, below which a row is left out."""

PLACES = (
    (r"^\[kernel|^\[vdso", "the kernel: sockets, TCP, epoll"),
    (r"__mypyc\.", "the edge's own code, compiled"),
    (r"^libpython|^python3", "the interpreter: what is not compiled, objects, garbage collection"),
    (r"uvloop|^loop\.", "uvloop"),
    (r"httptools|^parser\.|^url_parser\.", "httptools"),
    (r"^_re2|re2", "re2"),
    (r"^libssl|^libcrypto|^_ssl", "OpenSSL"),
    (r"^libc\.|^libc-|^ld-", "libc"),
)
"""Which object file (perf's "dso") belongs where; what matches none stands by its own name."""

Shares = dict[str, float]
"""Percent by name, the largest first."""


def run(proxy: Proxy, seconds: float, say: Callable[[str], None]) -> str:
    """Load a proxy for so many seconds, again and again, each time under another tool; return tables as Markdown."""
    heading = f"### Where the time of {proxy.title} goes"
    try:
        with a_place() as place, started(proxy, place) as running:
            prove(running)
            wrk(running.url, "varied", 1)
            worker = machine.busiest(running.pid)
            parts = [heading, _places(running, worker, seconds, place.folder, say)]
            for load in LOADS:
                say(f"{proxy.title}: functions, {load} headers")
                tool = python if proxy.build == "plain" else compiled
                with loaded(running, load, seconds + 2):
                    parts.append(f"#### Functions, {load} headers\n\n{tool(worker, seconds, place.folder)}")
            say(f"{proxy.title}: system calls")
            parts.append(f"#### System calls, same headers\n\n{calls(running, worker, seconds)}")
    except Failed as error:
        return f"{heading}\n\n{error}"
    return "\n\n".join(parts)


@contextmanager
def loaded(running: Running, load: str, seconds: float) -> Iterator[None]:
    """Keep a proxy under load while the block runs."""
    thread = threading.Thread(target=wrk, args=(running.url, load, seconds))
    thread.start()
    time.sleep(0.5)
    try:
        yield
    finally:
        thread.join()


def _program(name: str, install: str) -> str:
    """Return where a tool is. Raises Failed with what to type."""
    found = shutil.which(name, path=PROGRAMS)
    if found is None:
        raise Failed(f"{name} is not installed: {install}")
    return found


# --- perf -------------------------------------------------------------------------------------------------------------


def _places(running: Running, worker: int, seconds: float, folder: Path, say: Callable[[str], None]) -> str:
    cost: dict[str, float] = {}
    shares: dict[str, Shares] = {}
    for load in LOADS:
        say(f"{running.proxy.title}: places, {load} headers")
        cost[load] = measure(running, load, seconds).cpu
        with loaded(running, load, seconds + 2):
            data = _recorded(worker, seconds, folder)
        shares[load] = by_place(reported(_report(data, "--sort", "dso")))
    return places_table(shares, cost)


def by_place(dsos: Mapping[str, float]) -> Shares:
    """Return the shares of places from those of object files."""
    found: Shares = {}
    for dso, share in dsos.items():
        place = place_of(dso)
        found[place] = found.get(place, 0.0) + share
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def place_of(dso: str) -> str:
    """Return which part an object file belongs to."""
    return next((place for pattern, place in PLACES if re.search(pattern, dso)), dso)


def places_table(shares: Mapping[str, Shares], cost: Mapping[str, float]) -> str:
    """Return the table of places, for each load its share of the time and of the microseconds that a request costs."""
    places = dict.fromkeys(place for load in shares.values() for place, share in load.items() if share >= 1)
    head, rows = ["place"], [[place] for place in [*places, "all"]]
    for load, found in shares.items():
        head += [f"{load} headers", "us/request"]
        for row in rows:
            share = 100.0 if row[0] == "all" else found.get(row[0], 0.0)
            row += [f"{share:.1f} %", f"{share / 100 * cost[load]:.1f}"]
    return markdown(head, rows)


def compiled(pid: int, seconds: float, folder: Path) -> str:
    """Return the functions of the edge's compiled modules, or of any other program, with the time they take."""
    data = _recorded(pid, seconds, folder, "--call-graph", "dwarf,16384")
    own = reported(_report(data, "--no-children", "--sort", "symbol"))
    below = reported(_report(data, "--children", "--sort", "symbol"), column=2)
    ours = {name: share for name, share in below.items() if name.startswith("CPyDef_")}
    rows = [
        (f"`{spelt(name)}`", f"{own.get(name, 0):.1f} %", f"{share:.1f} %")
        for name, share in list((ours or {name: below.get(name, 0.0) for name in own}).items())[:TOP]
    ]
    return markdown(("function", "own", "with callees"), rows)


def spelt(symbol: str) -> str:
    """Return a function's name from mypyc's symbol: `CPyDef_client___ClientConnection____start`."""
    return symbol.removeprefix("CPyDef_").replace("___", ".")


def _recorded(pid: int, seconds: float, folder: Path, *how: str) -> str:
    data = str(folder / "perf.data")
    command = [_program("perf", "apt-get install linux-perf"), "record", "-q", "-e", "cpu-clock", *how]
    command += ["-F", str(SAMPLES_PER_SECOND), "-p", str(pid), "-o", data, "--", "sleep", f"{seconds:g}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip()[-200:]
        raise Failed(f"perf: {said} (as root, or with kernel.perf_event_paranoid at 1 or less)")
    return data


def _report(data: str, *how: str) -> str:
    command = ["perf", "report", "-q", "--stdio", "-i", data, "-g", "none", *how]
    return subprocess.run(
        [*command, "--percent-limit", f"{SMALLEST_SHARE / 2}"], capture_output=True, text=True, check=True
    ).stdout


def reported(text: str, column: int = 1) -> Shares:
    """Return the shares in `perf report --stdio`, in its order; of two columns the first is that with callees."""
    figures = r"([\d.]+)%\s+" * column
    found = re.findall(rf"^\s*{figures}(?:\[[k.]\]\s+)?(\S+)", text, re.MULTILINE)
    shares: Shares = {}
    for share, *_, name in found:
        shares.setdefault(name, float(share))
    return shares


# --- py-spy -----------------------------------------------------------------------------------------------------------


def python(pid: int, seconds: float, folder: Path) -> str:
    """Return the Python functions in which a process spends its time, with the C code that each calls."""
    stacks = folder / "stacks.txt"
    command = [_program("py-spy", "pip install py-spy"), "record", "--pid", str(pid), "--format", "raw"]
    command += ["--duration", f"{max(1, round(seconds))}", "--rate", str(SAMPLES_PER_SECOND), "--output", str(stacks)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not stacks.exists():
        raise Failed(f"py-spy: {done.stderr.strip()[-200:]}")
    own, below = shares_of(stacks.read_text())
    rows = [(f"`{name}`", f"{share:.1f} %", f"{below[name]:.1f} %") for name, share in list(own.items())[:TOP]]
    return markdown(("function", "own, with C code", "with callees"), rows)


def shares_of(stacks: str) -> tuple[Shares, Shares]:
    """Return, in percent, each function's own share, and its share with all that it calls.

    `stacks` has a line for each stack: frames as `function (file:line)` joined by `;`, a blank, how often it was seen.
    """
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for stack in stacks.splitlines():
        frames, _, count = stack.rpartition(" ")
        if not frames or "_bootstrap (threading.py" in frames:
            continue  # py-spy takes a thread that waits for one that works; ours write logs and else wait
        names = [re.sub(r":\d+\)$", ")", frame) for frame in frames.split(";")]
        own[names[-1]] += int(count)
        for name in set(names):
            below[name] += int(count)
    total = own.total()

    def percent(counter: Counter[str]) -> Shares:
        return {name: 100 * seen / total for name, seen in counter.most_common()}

    return percent(own), percent(below)


# --- strace -----------------------------------------------------------------------------------------------------------


def calls(running: Running, worker: int, seconds: float) -> str:
    """Return how often a process asks the kernel for what, per request."""
    counts = running.folder / "calls.txt"
    command = [_program("strace", "apt-get install strace"), "-c", "-f", "-p", str(worker), "-o", str(counts)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()  # that it is attached
        if "attached" not in said:
            raise Failed(f"strace: {said.strip()[-200:]}")
        requests = wrk(running.url, "same", seconds)["requests"]
        tracer.send_signal(signal.SIGINT)
        tracer.stderr.read()
    rows = [
        (f"`{name}`", f"{times / requests:.2f}", f"{failed / requests:.2f}")
        for name, times, failed in counted(counts.read_text())
        if times / requests >= SMALLEST_COUNT
    ]
    return markdown(("system call", "per request", "of these failed"), rows)


def counted(text: str) -> list[tuple[str, int, int]]:
    """Return (name, calls, failed calls) of each line of `strace -c`, the most frequent first."""
    found = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:(\d+)\s+)?(\w+)$", text, re.MULTILINE)
    return sorted(
        ((name, int(times), int(failed or 0)) for times, failed, name in found if name != "total"),
        key=lambda call: -call[1],
    )

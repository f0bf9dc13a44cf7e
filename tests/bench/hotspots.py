"""Where the time of a worker goes under load: by perf for machine code, by py-spy for Python functions and lines.

And by strace how often it asks the kernel, which is where most of the time of any proxy is spent.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import machine
from tests.bench.proxies import PROGRAMS, Proxy
from tests.bench.running import Failed, Running, a_place, prove, started
from tests.bench.speed import wrk
from tests.bench.table import markdown

TOP = 20
SAMPLES_PER_SECOND = 499

PLACES = (
    (r"^\[kernel|^\[vdso", "the kernel: sockets, TCP, epoll"),
    (r"__mypyc\.", "the edge's own code, compiled"),
    (r"^libpython|^python3", "the interpreter: what is not compiled, objects, garbage collection"),
    (r"uvloop|^loop\.", "uvloop"),
    (r"httptools|^parser\.|^url_parser\.", "httptools"),
    (r"^_re2|re2", "re2"),
    (r"^libssl|^libcrypto|^_ssl", "TLS"),
    (r"^libc\.|^libc-|^ld-", "libc"),
)
"""Which object file (perf's "dso") belongs where; what matches none stands by its own name."""


def run(proxy: Proxy, seconds: float, say: Callable[[str], None]) -> str:
    """Load a proxy for so many seconds, again and again, each time under another tool; return tables as Markdown."""
    parts = [f"### Where the time of {proxy.title} goes"]
    try:
        with a_place() as place, started(proxy, place) as running:
            prove(running)
            wrk(running.url, "varied", 1)
            worker = machine.busiest(running.pid)
            for load in ("same", "varied"):
                for title, tool in (("machine code", native), ("Python", python)):
                    say(f"{proxy.title}: {title}, {load} headers")
                    with loaded(running, load, seconds + 2):
                        parts.append(
                            f"#### {title[0].upper()}{title[1:]}, {load} headers\n\n"
                            f"{tool(worker, seconds, place.folder)}"
                        )
            say(f"{proxy.title}: system calls")
            parts.append(f"#### System calls, same headers\n\n{calls(running, worker, seconds)}")
    except Failed as error:
        parts.append(str(error))
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


# --- system calls -----------------------------------------------------------------------------------------------------


def calls(running: Running, worker: int, seconds: float) -> str:
    """Return how often a process asks the kernel for what, per request, by strace."""
    program = shutil.which("strace", path=PROGRAMS)
    if program is None:
        return "not installed: apt-get install strace"
    counts = running.folder / "calls.txt"
    command = [program, "-c", "-f", "-p", str(worker), "-o", str(counts)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()  # that it is attached
        if "attached" not in said:
            return f"strace: {said.strip()[-200:]}"
        requests = wrk(running.url, "same", seconds)["requests"]
        tracer.send_signal(signal.SIGINT)
        tracer.stderr.read()
    per_request = [
        (f"`{name}`", f"{times / requests:.2f}", f"{failed / requests:.2f}")
        for name, times, failed in counted(counts.read_text())
        if times / requests >= 0.005
    ]
    return markdown(("system call", "per request", "of these failed"), per_request)


def counted(text: str) -> list[tuple[str, int, int]]:
    """Return (name, calls, failed calls) of each line of `strace -c`, the most frequent first."""
    found = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:(\d+)\s+)?(\w+)$", text, re.MULTILINE)
    return sorted(
        ((name, int(times), int(failed or 0)) for times, failed, name in found if name != "total"),
        key=lambda call: -call[1],
    )


# --- machine code -----------------------------------------------------------------------------------------------------


def native(pid: int, seconds: float, folder: Path) -> str:
    """Return the shares of the object files and the top symbols of a process, by perf."""
    if not shutil.which("perf", path=PROGRAMS):
        return "not installed: apt-get install linux-perf"
    data = str(folder / "perf.data")
    record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_PER_SECOND), "-p", str(pid), "-o", data]
    done = subprocess.run([*record, "--", "sleep", f"{seconds:g}"], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"perf: {done.stderr.strip()[-200:]} (as root, or with kernel.perf_event_paranoid at 1 or less)"
    shares: dict[str, float] = {}
    for share, dso in _report(data, "dso"):
        place = place_of(dso)
        shares[place] = shares.get(place, 0) + share
    symbols = [(f"`{what}`", f"{share:.1f} %") for share, what in _report(data, "symbol")[:TOP]]
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    places = [(place, f"{share:.1f} %") for place, share in ranked if share >= 0.1]
    return markdown(("place", "share"), places) + "\n\n" + markdown(("symbol", "share"), symbols)


def place_of(dso: str) -> str:
    """Return which part an object file belongs to."""
    return next((place for pattern, place in PLACES if re.search(pattern, dso)), dso)


def _report(data: str, sort: str) -> list[tuple[float, str]]:
    command = ["perf", "report", "-q", "--stdio", "-i", data, "--sort", sort, "--percent-limit", "0.05"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return reported(text)


def reported(text: str) -> list[tuple[float, str]]:
    """Return (percent, name) of each line of `perf report --stdio`, in its order."""
    found = re.findall(r"^\s*([\d.]+)%\s+(?:\[[k.]\]\s+)?(\S+)", text, re.MULTILINE)
    return [(float(share), name) for share, name in found]


# --- Python -----------------------------------------------------------------------------------------------------------


def python(pid: int, seconds: float, folder: Path) -> str:
    """Return the Python functions and lines in which a process spends its time, by py-spy."""
    program = shutil.which("py-spy", path=PROGRAMS)
    if program is None:
        return "not installed: pip install py-spy"
    stacks = folder / "stacks.txt"
    command = [program, "record", "--pid", str(pid), "--duration", f"{max(1, round(seconds))}"]
    command += ["--rate", str(SAMPLES_PER_SECOND), "--format", "raw", "--output", str(stacks)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not stacks.exists():
        return f"py-spy: {done.stderr.strip()[-200:]}"
    own, below, lines = shares_of(stacks.read_text())
    functions = [(f"`{name}`", f"{share:.1f} %", f"{below[name]:.1f} %") for name, share in own[:TOP]]
    return (
        markdown(("function, with the C code it calls", "own", "with callees"), functions)
        + "\n\n"
        + markdown(("line", "own"), [(f"`{name}`", f"{share:.1f} %") for name, share in lines[:TOP]])
    )


def shares_of(stacks: str) -> tuple[list[tuple[str, float]], dict[str, float], list[tuple[str, float]]]:
    """Return, in percent, each function's own share, its share with all it calls, and each line's own share.

    `stacks` has a line for each stack: frames as `function (file:line)` joined by `;`, a blank, how often it was seen.
    """
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    total = 0
    for stack in stacks.splitlines():
        frames, _, count = stack.rpartition(" ")
        if not frames or "_bootstrap (threading.py" in frames:
            continue  # py-spy takes a thread that waits for one that works; ours write logs and else wait
        seen, names = int(count), [re.sub(r":\d+\)$", ")", frame) for frame in frames.split(";")]
        total += seen
        own[names[-1]] += seen
        lines[frames.rpartition(";")[2]] += seen
        for name in set(names):
            below[name] += seen

    def percent(counter: Counter[str]) -> list[tuple[str, float]]:
        return [(name, 100 * seen / total) for name, seen in counter.most_common()]

    return percent(own), dict(percent(below)), percent(lines)

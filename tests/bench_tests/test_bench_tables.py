"""The benchmarks' arithmetic and reading, without measuring anything."""

import re

import pytest

from tests.bench import bridge, hotspots, results
from tests.bench.proxies import ALL, PEERS, SYSTEM, filled
from tests.bench.speed import TABLES
from tests.bench.table import Line, Sample, markdown, ratio, speed_table, verdict

KNOWN_TO_BRIDGE = {"keys", "sessions", "sessions_host", "sessions_port"}
KNOWN = {"folder", "port", "admin", "system", "system_host", "system_port", "certificate", "key"}


def sample(cpu, **others):
    return Sample(**{"cpu": cpu, "rate": 1000.0, "p50": 1.0, "p99": 2.0, "busy": 0.99, **others})


def test_a_ratio_is_taken_within_each_round_so_a_slow_round_changes_nothing():
    edge = [sample(30), sample(60), sample(30)]
    nginx = [sample(20), sample(40), sample(20)]

    assert ratio(edge, nginx) == 1.5


def test_a_table_reads_well_as_text_and_as_markdown():
    assert markdown(("proxy", "us"), [("nginx", "16.3"), ("edge", "9")]).splitlines() == [
        "| proxy |   us |",
        "|-------|-----:|",
        "| nginx | 16.3 |",
        "| edge  |    9 |",
    ]


def test_a_proxy_that_is_not_installed_has_a_row_that_says_what_to_type():
    table = speed_table([Line("HAProxy", note="not installed: apt-get install haproxy")], {"nginx": [sample(20)]})

    assert "HAProxy (not installed: apt-get install haproxy)" in table


def test_figures_with_failed_requests_do_not_pass_as_figures():
    table = speed_table([Line("Caddy", [sample(20, failures=3)], memory=2**20)], {})

    assert "Caddy: 3 requests failed, so its figures do not count." in table


def test_a_missed_limit_is_called_missed():
    assert verdict("beside nginx", 1.62, 1.5, " x") == "- beside nginx: 1.62 x of at most 1.5 x: MISSED"
    assert verdict("beside Envoy", 0.41, 0.5, " x").endswith("kept")


def test_a_benchmark_replaces_its_own_section_and_leaves_what_people_wrote():
    text = results.replaced("# Results\n", "speed", "old") + "\nWhat was done about it.\n"

    text = results.replaced(text, "speed", r"new \1")

    assert "old" not in text
    assert r"new \1" in text
    assert text.endswith("What was done about it.\n")


@pytest.mark.parametrize("proxy", [*ALL, SYSTEM], ids=lambda proxy: proxy.name)
def test_every_placeholder_of_a_peer_has_a_value(proxy):
    values = dict.fromkeys(KNOWN, "1") | proxy.values

    for text in [(PEERS / name).read_text() for name in proxy.files] + list(proxy.arguments):
        assert not re.search(r"@\w+@", filled(text, values))


@pytest.mark.parametrize("row", bridge.rows(), ids=lambda row: row.title)
def test_every_placeholder_of_what_stands_beside_the_bridge_has_a_value(row):
    for proxy in (row.proxy, *([row.service] if row.service else [])):
        values = dict.fromkeys(KNOWN | KNOWN_TO_BRIDGE, "1") | proxy.values

        for text in [(PEERS / name).read_text() for name in proxy.files] + list(proxy.arguments):
            assert not re.search(r"@\w+@", filled(text, values))


def bridge_row(title, *both, service=0.0):
    row = bridge.Row(title, bridge.EDGE)
    row.samples["crowd"] = [bridge.Sample(cpu - service, service, 1000.0, 1.0, 2.0, 0) for cpu in both]
    return row


def test_a_session_service_counts_with_its_proxy_unless_it_is_left_out():
    edge, nginx = bridge_row("edge", 20, 30), bridge_row("nginx", 40, 60, service=15)

    assert bridge.beside(edge, nginx, bridge.CROWD) == 0.5
    assert bridge.beside(edge, nginx, bridge.CROWD, lambda sample: sample.proxy) == pytest.approx(0.7333, rel=1e-3)


def test_every_row_of_the_tables_names_a_proxy():
    names = {proxy.name for proxy in ALL}

    assert {name for table in TABLES for name in (*table.proxies, *table.beside)} <= names


@pytest.mark.parametrize(
    ("dso", "place"),
    [
        ("[kernel.kallsyms]", "the kernel: sockets, TCP, epoll"),
        ("a1d9995d15c5e2165f86__mypyc.cpython-311-x86_64-linux-gnu.so", "the edge's own code, compiled"),
        ("loop.cpython-311-x86_64-linux-gnu.so", "uvloop"),
        ("parser.cpython-311-x86_64-linux-gnu.so", "httptools"),
        ("_http_parser.cpython-311-x86_64-linux-gnu.so", "_http_parser.cpython-311-x86_64-linux-gnu.so"),
        ("libpython3.11.so.1.0", "the interpreter: what is not compiled, objects, garbage collection"),
    ],
)
def test_machine_code_is_counted_where_it_belongs(dso, place):
    assert hotspots.place_of(dso) == place


def test_perf_reports_are_read_with_and_without_a_mark_for_the_kernel():
    text = "\n    60.37%  libpython3.11.so.1.0    \n     8.70%  [k] _raw_spin_unlock_irqrestore    -   -\n"

    assert hotspots.reported(text) == {"libpython3.11.so.1.0": 60.37, "_raw_spin_unlock_irqrestore": 8.7}


def test_of_perfs_two_columns_the_one_with_callees_is_taken():
    text = "    22.26%     0.07%  [.] CPyDef_client___ClientConnection____start\n"

    assert hotspots.reported(text, column=2) == {"CPyDef_client___ClientConnection____start": 22.26}
    assert hotspots.spelt("CPyDef_client___ClientConnection____start") == "client.ClientConnection._start"


def test_shares_become_microseconds_of_a_request():
    shares = hotspots.by_place({"[kernel.kallsyms]": 49.5, "[vdso]": 0.5, "libc.so.6": 0.4, "nginx": 49.6})

    assert hotspots.places_table({"same": shares}, {"same": 16.0}).splitlines()[2:] == [
        "| the kernel: sockets, TCP, epoll |       50.0 % |        8.0 |",
        "| nginx                           |       49.6 % |        7.9 |",
        "| all                             |      100.0 % |       16.0 |",
    ]


def test_system_calls_are_counted_with_those_that_failed():
    text = """
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.120000           5     24000           write
 40.00    0.080000           3     26000      2000 epoll_pwait
------ ----------- ----------- --------- --------- ----------------
100.00    0.200000           4     50000      2000 total
"""

    assert hotspots.counted(text) == [("epoll_pwait", 26000, 2000), ("write", 24000, 0)]


def test_a_function_owns_what_is_on_top_and_shares_what_it_calls():
    stacks = "Thread._bootstrap (threading.py:1);wait (log.py:2) 4\n"
    stacks += "run (loop.py:9);relay (relay.py:3) 3\nrun (loop.py:9);relay (relay.py:4);write (wire.py:1) 1\n"

    own, below = hotspots.shares_of(stacks)

    assert own == {"relay (relay.py)": 75.0, "write (wire.py)": 25.0}
    assert below["run (loop.py)"] == 100.0

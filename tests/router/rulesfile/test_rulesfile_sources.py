"""The files of a generation are read once, and what cannot be read is one clear problem."""

import os

import msgspec
import pytest
from running_edge import certificate

from router.errors import RulesProblems
from router.rulesfile import Sources, load, read_sources, sources
from router.rulesfile import compile as compile_rules

RULES = """\
version: 1
systems:
  cms: {servers: [https://127.0.0.1:8001], tls: {ca: ca.pem}}
lists:
  short_tail: {file: lists/short_tail.txt}
rules:
  - {name: product, path: "/{sku}", when: {sku: {in: short_tail}}, to: cms}
  - {name: closed, path: /**, respond: {status: 503, file: closed.html}}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "lists" / "short_tail.txt").write_text("1001\n")
    (tmp_path / "closed.html").write_text("<p>closed</p>")
    os.replace(certificate(tmp_path, "cms.internal")[0], tmp_path / "ca.pem")
    return tmp_path


def why(path) -> str:
    with pytest.raises(RulesProblems) as caught:
        load(path)
    return str(caught.value).replace(str(path.parent) + "/", "")


def test_every_file_that_the_rules_name_is_read(folder):
    found = read_sources(folder / "rules.yaml")

    assert {os.path.relpath(path, folder) for path in found.files} == {"lists/short_tail.txt", "closed.html", "ca.pem"}
    assert found.watched[0] == str(folder / "rules.yaml")
    assert len(found.watched) == 4


def test_sources_can_be_sent_to_a_worker_and_compiled_without_the_files(folder):
    ca = (folder / "ca.pem").read_text()
    packed = msgspec.msgpack.encode(read_sources(folder / "rules.yaml"))
    for file in ("rules.yaml", "closed.html", "ca.pem", "lists/short_tail.txt"):
        (folder / file).unlink()

    generation = compile_rules(msgspec.msgpack.decode(packed, type=Sources))

    assert generation.lists == {"short_tail": frozenset({"1001"})}
    assert generation.systems["cms"].ca == ca


def test_a_renewed_authority_makes_another_system(folder):
    before = load(folder / "rules.yaml").systems["cms"]

    os.replace(certificate(folder, "another.internal")[0], folder / "ca.pem")

    assert load(folder / "rules.yaml").systems["cms"] != before


@pytest.mark.parametrize("content", ["", "junk\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_without_a_certificate_is_told_at_its_place(folder, content):
    (folder / "ca.pem").write_text(content)

    assert why(folder / "rules.yaml") == (
        'rules.yaml:3:54: error: system "cms": "ca.pem" holds no certificates that can be read'
        " (give a PEM file: -----BEGIN CERTIFICATE----- ...)"
    )


def test_a_rules_file_that_is_not_there_is_one_problem(tmp_path):
    assert (
        why(tmp_path / "rules.yaml") == "rules.yaml: error: cannot be read: there is no such file (is this the path?)"
    )


def test_a_folder_is_no_rules_file(tmp_path):
    (tmp_path / "rules.yaml").mkdir()

    assert why(tmp_path / "rules.yaml") == "rules.yaml: error: cannot be read: it is a directory (is this the path?)"


def test_a_pipe_does_not_hold_up_the_start(tmp_path):
    os.mkfifo(tmp_path / "rules.yaml")

    assert why(tmp_path / "rules.yaml") == "rules.yaml: error: cannot be read: it is not a file (is this the path?)"


def test_a_file_that_cannot_be_a_rules_file_is_not_read_to_its_end(folder, monkeypatch):
    monkeypatch.setattr(sources, "LARGEST", 100)

    assert "it is larger than 0 MB" in why(folder / "rules.yaml")


def test_every_missing_file_is_a_problem_at_the_place_that_names_it(folder):
    (folder / "closed.html").unlink()
    (folder / "ca.pem").unlink()
    (folder / "lists" / "short_tail.txt").unlink()
    (folder / "lists" / "short_tail.txt").mkdir()

    assert [line.partition(" (")[0] for line in why(folder / "rules.yaml").splitlines()] == [
        'rules.yaml:3:54: error: system "cms": cannot read "ca.pem": there is no such file',
        'rules.yaml:5:22: error: list "short_tail": cannot read "lists/short_tail.txt": it is a directory',
        'rules.yaml:8:60: error: rule "closed": cannot read "closed.html": there is no such file',
    ]


def test_files_that_are_missing_are_watched_too(folder):
    (folder / "closed.html").unlink()

    assert str(folder / "closed.html") in read_sources(folder / "rules.yaml").watched


def test_broken_yaml_is_read_all_the_same_and_refused_when_it_is_compiled(folder):
    (folder / "rules.yaml").write_text("version: [1, 2")

    found = read_sources(folder / "rules.yaml")

    assert found.files == {}
    with pytest.raises(RulesProblems, match="not closed"):
        compile_rules(found)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_says_so(folder):
    (folder / "rules.yaml").chmod(0)

    assert "permission denied" in why(folder / "rules.yaml")

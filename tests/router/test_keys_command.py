"""`inseam keys`: what it prints, what it leaves in the file, and with which code it ends."""

from __future__ import annotations

import json
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from router.__main__ import main
from router.commands.keys import keys
from sessions import keyfile
from sessions.keymaterial import b64
from sessions.keys import KeyRing
from sessions.model import Login, Policy, Session
from sessions.token import mint, read_update

Out = pytest.CaptureFixture[str]

NOW = 1_790_000_000

RULES = """
version: 1
systems:
  cms: {servers: [http://127.0.0.1:8001]}
  commerce: {servers: [http://127.0.0.1:8002]}
rules:
  - {name: everything, path: /**, to: cms}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder one is in, with a rules file."""
    (tmp_path / "rules.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def made(folder: Path, capsys: Out) -> Path:
    """A keys file that `init` has made."""
    assert main(["keys", "init"]) == 0
    capsys.readouterr()
    return folder / "keys.json"


def ring() -> KeyRing:
    return keyfile.load("keys.json")


def make_old(path: Path, days: int) -> None:
    """Have the keys been made some days ago."""
    file = json.loads(path.read_text())
    for key in [*file["cookie"], *file["token"]]:
        key["since"] -= days * 24 * 3600
    path.write_text(json.dumps(file))


def test_init_makes_keys_for_the_systems_of_the_rules_file_and_says_what_comes_next(folder: Path, capsys: Out) -> None:
    assert main(["keys", "init"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "keys.json: keys for cookies, for tokens (ES256) and for cms and commerce",
        "  what cms needs: inseam keys export cms --keys keys.json",
        "  what commerce needs: inseam keys export commerce --keys keys.json",
    ]
    assert list(ring().systems) == ["cms", "commerce"]
    assert stat.S_IMODE((folder / "keys.json").stat().st_mode) == 0o600


def test_init_takes_systems_and_algorithm_from_the_command_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSEAM_KEYS", "other.json")

    assert main(["keys", "init", "--system", "shop", "--system", "blog", "--alg", "HS256"]) == 0

    made = keyfile.load("other.json")
    assert list(made.systems) == ["shop", "blog"]
    assert made.token_current.alg == "HS256"


def test_init_never_takes_keys_away(made: Path, capsys: Out) -> None:
    before = made.read_bytes()

    assert main(["keys", "init"]) == 1

    assert "new keys would log everybody out" in capsys.readouterr().err
    assert made.read_bytes() == before


def test_rotate_signs_with_the_next_keys_and_still_accepts_the_old(made: Path, capsys: Out) -> None:
    make_old(made, 1)
    before = ring()

    assert main(["keys", "rotate"]) == 0

    after = ring()
    assert after.token_current == next(
        type(key)(key.kid, key.alg, "current", key.material, after.token_current.since)
        for key in before.token
        if key.state == "next"
    )
    assert set(before.kids()) < set(after.kids())
    assert capsys.readouterr().out == f"keys.json: rotated; tokens are signed with {after.token_current.kid}\n"


def test_requirement_4_rotate_refuses_keys_that_are_too_new_to_be_known_everywhere(made: Path, capsys: Out) -> None:
    before = made.read_bytes()

    assert main(["keys", "rotate"]) == 1
    assert "so new that edges and systems may not know them: try again in" in capsys.readouterr().err
    assert made.read_bytes() == before

    assert main(["keys", "rotate", "--force"]) == 0
    assert made.read_bytes() != before


def test_rotate_by_cron_does_nothing_before_it_is_time(made: Path, capsys: Out) -> None:
    make_old(made, 29)

    assert main(["keys", "rotate", "--if-older", "30"]) == 0
    assert capsys.readouterr().out == "keys.json: its keys have signed for 29.0 days, less than 30: nothing done\n"

    make_old(made, 2)
    assert main(["keys", "rotate", "--if-older", "30"]) == 0
    assert "rotated" in capsys.readouterr().out


def test_rotate_names_the_keys_that_are_gone(made: Path, capsys: Out) -> None:
    make_old(made, 90)
    gone = ring().token_current.kid
    assert main(["keys", "rotate"]) == 0
    make_old(made, 40)

    assert main(["keys", "rotate"]) == 0

    assert gone in capsys.readouterr().out.split("no longer accepted: ")[1]


def test_two_rotations_at_once_are_one(made: Path, capsys: Out) -> None:
    make_old(made, 1)

    with keyfile.locked(made):
        assert main(["keys", "rotate"]) == 1

    assert "somebody else is changing it at this moment" in capsys.readouterr().err


def test_list_shows_names_and_states_and_never_a_secret(made: Path, capsys: Out) -> None:
    assert main(["keys", "list"]) == 0

    shown = capsys.readouterr().out
    keys = ring()
    assert [line.split()[:2] for line in shown.splitlines()[1:]] == [
        *(["cookie", key.kid] for key in keys.cookie),
        *(["token", key.kid] for key in keys.token),
        *([name, of_system[0].kid] for name, of_system in keys.systems.items()),
    ]
    assert "current" in shown
    assert "PRIVATE" not in shown
    for key in (*keys.cookie, *keys.systems["cms"]):
        assert b64(getattr(key, "secret", getattr(key, "material", b""))) not in shown


def test_retire_has_the_next_key_take_over(made: Path, capsys: Out) -> None:
    kid = ring().token_current.kid

    assert main(["keys", "retire", kid]) == 0

    assert kid not in ring().kids()
    assert f"tokens are signed with {ring().token_current.kid}" in capsys.readouterr().out
    assert main(["keys", "retire", kid]) == 1
    assert f"there is no key '{kid}'" in capsys.readouterr().err


# --- what a system gets -----------------------------------------------------------------------------------------------


def exported(capsys: Out, *arguments: str) -> dict[str, str]:
    """The variables that a shell has after reading the lines."""
    assert main(["keys", "export", *arguments]) == 0
    (words,) = [shlex.split(capsys.readouterr().out)]
    return dict(word.split("=", 1) for word in words)


def test_export_gives_a_system_all_it_needs_and_nothing_of_the_other(made: Path, capsys: Out) -> None:
    told = exported(capsys, "commerce", "--url", "https://shop.example/")

    key = ring().systems["commerce"][0]
    assert json.loads(told.pop("INSEAM_UPDATE_KEY")) == {"kid": key.kid, "alg": "HS256", "secret": b64(key.material)}
    assert told == {
        "INSEAM_SYSTEM": "commerce",
        "INSEAM_ISSUER": "inseam",
        "INSEAM_AUDIENCE": "commerce",
        "INSEAM_JWKS": "https://shop.example/.inseam/jwks.json",
    }


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "HS256"])
def test_export_without_an_address_gives_the_keys_themselves(folder: Path, capsys: Out, alg: str) -> None:
    assert main(["keys", "init", "--alg", alg]) == 0
    capsys.readouterr()

    keys = jwt.PyJWKSet.from_json(exported(capsys, "cms")["INSEAM_JWKS"])

    assert {key.key_id for key in keys.keys} == {key.kid for key in ring().token}
    assert {key.algorithm_name for key in keys.keys} == {alg}


def test_export_as_json_for_those_who_cannot_read_quotes(made: Path, capsys: Out) -> None:
    assert main(["keys", "export", "cms", "--format", "json"]) == 0

    said = capsys.readouterr()
    assert set(json.loads(said.out)) == {"system", "issuer", "audience", "jwks", "update_key"}
    assert "export again after each rotation" in said.err


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "HS256"])
def test_a_system_with_the_client_and_the_exported_lines_reads_tokens_and_is_believed(
    folder: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch, alg: str
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "deploy" / "clients" / "python"))
    from inseam_client.settings import client_of

    assert main(["keys", "init", "--alg", alg]) == 0
    capsys.readouterr()
    client = client_of(exported(capsys, "commerce"))
    session = Session("an-id", 1, NOW, NOW, Login("4711", "Anna"), handles={"commerce": "theirs"})

    visitor = client.read(mint(session, "commerce", {"language": "de"}, ring(), NOW, Policy())[0].decode(), NOW)
    update = client.sign(visitor.sid, {"order": "2000134"}, NOW)

    assert (visitor.sub, visitor.name, visitor.language, visitor.handle) == ("4711", "Anna", "de", "theirs")
    assert read_update(update.encode(), "commerce", visitor.sid, ring(), NOW)["order"] == "2000134"


def test_every_command_in_the_docs_is_one(made: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "keys.md").read_text()
    lines = re.findall(r"inseam keys ([a-z]+[^`\n#>]*)", text)

    assert len(lines) > 10
    for line in lines:
        name, *rest = line.split()
        options = {option for command in [keys.commands[name]] for found in command.params for option in found.opts}
        assert {word.strip("[].") for word in rest if word.strip("[").startswith("--")} <= options


def test_add_gives_a_system_another_secret_and_export_gives_the_newest(made: Path, capsys: Out) -> None:
    assert main(["keys", "add", "commerce"]) == 0
    capsys.readouterr()

    assert json.loads(exported(capsys, "commerce")["INSEAM_UPDATE_KEY"])["kid"] == ring().systems["commerce"][1].kid


def test_add_takes_the_public_key_of_a_system_that_keeps_its_own(made: Path, capsys: Out) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    Path("public.pem").write_bytes(pem)
    Path("private.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    assert main(["keys", "add", "wiki", "--public", "private.pem"]) == 1
    assert "private.pem: this is a private key, which the system keeps to itself" in capsys.readouterr().err
    assert main(["keys", "add", "wiki", "--public", "public.pem", "--kid", "wiki-2026"]) == 0

    assert "keys.json: wiki has wiki-2026 (EdDSA)" in capsys.readouterr().out
    assert json.loads(exported(capsys, "wiki")["INSEAM_UPDATE_KEY"]) == {"kid": "wiki-2026", "alg": "EdDSA"}


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["list", "--keys", "no.json"], "inseam: no.json: there is no such file: `inseam keys init --keys no.json`"),
        (["rotate", "--keys", "no.json"], "inseam: no.json: there is no such file"),
        (["init", "--keys", "no/keys.json"], "inseam: no/keys.json: nothing can be written beside it"),
        (["init", "--rules", "no.yaml", "--keys", "new.json"], "no.yaml: error: cannot be read"),
        (["export", "comerce"], "inseam: keys.json: 'comerce' has no key: did you mean 'commerce'?"),
        (["export", "wiki"], "inseam: keys.json: 'wiki' has no key: `inseam keys add wiki` makes one"),
        (["add", "cms", "--public", "no.pem"], "inseam: no.pem: No such file or directory: give the file"),
        (["list", "--keys", "."], "inseam: .: this is no regular file"),
    ],
)
def test_a_fault_is_one_line_with_a_way_out(made: Path, capsys: Out, arguments: list[str], expected: str) -> None:
    assert main(["keys", *arguments]) == 1

    said = capsys.readouterr().err
    assert said.startswith(expected)
    assert said.count("\n") == 1
    assert not Path("no.json").exists()
    assert not Path(".no.json.lock").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["shine"], ["init", "--alg", "RS256"], ["init", "--system", "c/ms"], ["init", "--system", "inseam"],
        ["retire"], ["export"], ["export", "cms", "--url", "shop"], ["add", "cms", "--kid", "x"], ["add", "../cms"],
        ["rotate", "--keep", "-1"],
    ],
)  # fmt: skip
def test_wrong_usage_is_64(made: Path, arguments: list[str]) -> None:
    assert main(["keys", *arguments]) == 64


def test_requirement_7_a_file_that_others_can_read_is_refused_by_every_command(made: Path, capsys: Out) -> None:
    made.chmod(0o640)

    for arguments in (["list"], ["rotate"], ["export", "cms"], ["add", "cms"], ["retire", "x"]):
        assert main(["keys", *arguments]) == 1
        assert "(mode 0640): chmod 600 keys.json" in capsys.readouterr().err


def test_requirement_7_no_secret_is_in_what_a_broken_file_makes_the_program_say(made: Path) -> None:
    secret = b64(ring().cookie[0].secret)
    made.write_bytes(made.read_bytes().replace(b'"version": 1', b'"version": 1,,'))

    run = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "router", "keys", "list", "--keys", str(made)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert secret not in run.stderr + run.stdout
    assert "BEGIN" not in run.stderr + run.stdout


def test_every_option_of_keys_has_its_twin_in_the_environment(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, command in keys.commands.items():
        for parameter in command.params:
            assert parameter.envvar or parameter.param_type_name == "argument", f"{name} {parameter.opts}"
    monkeypatch.setenv("INSEAM_KEYS", "other.json")
    monkeypatch.setenv("INSEAM_SYSTEMS", "shop blog")
    monkeypatch.setenv("INSEAM_ALG", "EdDSA")

    assert main(["keys", "init"]) == 0

    assert list(keyfile.load("other.json").systems) == ["shop", "blog"]
    assert keyfile.load("other.json").token_current.alg == "EdDSA"

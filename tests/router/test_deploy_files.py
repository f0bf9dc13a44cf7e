"""The files in deploy/ that others copy: they name only what is there, and open nothing that should be closed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from router.__main__ import main
from router.commands.running import serve

TOP = Path(__file__).parents[2]
DEPLOY = TOP / "deploy"

_ONLY_INSEAMS = re.compile(r"\binseam_[a-z_]+\b")


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    """Every metric, as docs/operations.md has them (which is proved to have them all); histograms with their parts."""
    page = (TOP / "docs" / "operations.md").read_text().split("\n## Metrics\n")[1].split("\n## ")[0]
    told = set(re.findall(r"^\| `(inseam_\w+)`", page, re.MULTILINE))
    assert len(told) > 30
    return told | {f"{name}_{part}" for name in told for part in ("bucket", "sum", "count")}


def options() -> set[str]:
    """The environment's names for the options of `inseam serve`."""
    return {str(option.envvar) for option in serve.params if isinstance(option, click.Option)}


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


# --- monitoring -------------------------------------------------------------------------------------------------------


def test_every_metric_of_an_alert_is_there(metrics: set[str]) -> None:
    (alerts,) = documents(DEPLOY / "prometheus" / "alerts.yaml")
    (group,) = alerts["groups"]

    for rule in group["rules"]:
        named = set(_ONLY_INSEAMS.findall(rule["expr"]))
        assert named <= metrics, rule["alert"]
        assert named or rule["alert"] == "InseamAway"
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]


def test_what_costs_shoppers_something_has_an_alert() -> None:
    (alerts,) = documents(DEPLOY / "prometheus" / "alerts.yaml")
    said = " ".join(rule["expr"] for rule in alerts["groups"][0]["rules"])

    for name in ("losses_total", "store_up", "updates_refused_total", "reload_last_success", "server_up", "shed_total"):
        assert name in said


def test_every_reason_of_an_alert_is_one_that_the_edge_gives() -> None:
    (alerts,) = documents(DEPLOY / "prometheus" / "alerts.yaml")
    reasons = set(re.findall(r'reason = "(\w+)"', (TOP / "router" / "errors.py").read_text()))

    for rule in alerts["groups"][0]["rules"]:
        for said in re.findall(r'reason=~?"([^"]+)"', rule["expr"]):
            assert set(said.split("|")) <= reasons, rule["alert"]


def test_every_metric_of_the_dashboard_is_there(metrics: set[str]) -> None:
    board = json.loads((DEPLOY / "grafana" / "inseam.json").read_text())
    panels = board["panels"]

    for panel in panels:
        for target in panel["targets"]:
            named = set(_ONLY_INSEAMS.findall(target["expr"]))
            assert named, panel["title"]
            assert named <= metrics, panel["title"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert set(_ONLY_INSEAMS.findall(json.dumps([board["templating"], board["annotations"]]))) <= metrics


# --- options ----------------------------------------------------------------------------------------------------------


def test_every_option_in_a_file_is_one_that_inseam_has() -> None:
    files = [path for path in DEPLOY.glob("*/*") if path.parent.name in ("systemd", "container", "kubernetes")]
    known = options() | {"INSEAM_COMPILE", "INSEAM_PORT", "INSEAM_ADMIN_TOKEN"}

    for path in files:
        assert set(re.findall(r"\bINSEAM_[A-Z_]+\b", path.read_text())) <= known, path.name


# --- systemd ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """The units, with a program that is there."""
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text().replace("/opt/inseam/bin/inseam", shutil.which("true") or "/bin/true")
        (tmp_path / path.name).write_text(text)
    return [str(path) for path in sorted(tmp_path.iterdir()) if path.suffix in (".service", ".socket")]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_systemd_takes_the_units_and_finds_little_exposed(units: list[str]) -> None:
    verified = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60)
    assert (verified.returncode, verified.stderr) == (0, "")

    (service,) = [path for path in units if path.endswith(".service")]
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", service],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout[-2000:]


def test_the_sockets_of_systemd_have_the_names_that_the_edge_looks_for() -> None:
    from router.supervision.sockets import ADMIN_NAME

    assert f"\nFileDescriptorName={ADMIN_NAME}\n" in (DEPLOY / "systemd" / "inseam-admin.socket").read_text()
    assert "FileDescriptorName" not in (DEPLOY / "systemd" / "inseam.socket").read_text()


# --- containers -------------------------------------------------------------------------------------------------------


def test_the_image_is_compiled_in_one_stage_and_runs_as_nobody_in_another() -> None:
    lines = (DEPLOY / "container" / "Dockerfile").read_text().splitlines()
    stages = [place for place, line in enumerate(lines) if line.startswith("FROM ")]
    last = lines[stages[-1] :]

    assert len(stages) == 2
    assert any("INSEAM_COMPILE=1" in line for line in lines[: stages[-1]])
    assert "USER 10001:10001" in last
    assert not any(line.startswith("RUN ") for line in last), "nothing is installed where it runs"
    assert not [line for line in lines if re.search(r"https?://(?!127\.)", line)]
    copied = [
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    ]
    assert all((TOP / name).exists() for name in copied)


def test_the_container_writes_nowhere_and_has_no_rights() -> None:
    (compose,) = documents(DEPLOY / "container" / "compose.yaml")

    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
    assert "9090" not in json.dumps(compose["services"]["edge"].get("ports"))


# --- Kubernetes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def deployment() -> dict[str, Any]:
    (found,) = documents(DEPLOY / "kubernetes" / "deployment.yaml")
    return found


def test_a_pod_that_goes_has_time_to_pause_and_to_drain(deployment: dict[str, Any]) -> None:
    pod = deployment["spec"]["template"]["spec"]
    (edge,) = pod["containers"]
    environment = {one["name"]: one["value"] for one in edge["env"]}
    pause = float(edge["lifecycle"]["preStop"]["exec"]["command"][1])

    looks = edge["readinessProbe"]["periodSeconds"]
    assert pause > 2 * looks
    assert pod["terminationGracePeriodSeconds"] > pause + float(environment["INSEAM_DRAIN"]) + 5


def test_probes_ask_what_needs_no_token_and_depends_on_no_system(deployment: dict[str, Any]) -> None:
    (edge,) = deployment["spec"]["template"]["spec"]["containers"]

    asked = {name: edge[name]["httpGet"]["path"] for name in ("livenessProbe", "readinessProbe", "startupProbe")}

    assert asked == {"livenessProbe": "/livez", "readinessProbe": "/readyz", "startupProbe": "/readyz"}


def test_secrets_come_with_a_mode_that_the_edge_takes(deployment: dict[str, Any]) -> None:
    pod = deployment["spec"]["template"]["spec"]
    (secret,) = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]

    assert secret["defaultMode"] == 0o400, "fsGroup makes 0440 of it"
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"]


def test_all_of_it_selects_the_same_pods(deployment: dict[str, Any]) -> None:
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    others = {path.stem: documents(path)[0] for path in (DEPLOY / "kubernetes").glob("*.yaml")}

    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert others["service"]["spec"]["selector"] == labels
    assert others["disruption"]["spec"]["selector"]["matchLabels"] == labels
    assert others["network"]["spec"]["podSelector"]["matchLabels"] == labels
    listed = {name for kind in ("resources",) for name in others["kustomization"][kind]}
    assert {f"{stem}.yaml" for stem in others} == listed | {"kustomization.yaml", "rules.yaml"}


def test_the_rules_of_the_cluster_are_fine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(DEPLOY / "kubernetes" / "rules.yaml")]) == 0, capsys.readouterr().out

"""What an installation is made of: a bill of materials (CycloneDX 1.5), and whether a weakness of any part is known.

    python -m deploy.supply bill [EXTRA ...]   the bill as JSON, from what is installed here
    python -m deploy.supply audit FILE         asks pip-audit about the pins in FILE; fails only if it knows a weakness

The bill is made from metadata of installed packages alone: nothing is asked of a network, and the same installation
gives the same bill but for its date (SOURCE_DATE_EPOCH sets that too).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Find = Callable[[str], Distribution]

_OURS = "inseam"
_BILLS = uuid.UUID("5f7c1f0e-8f43-5a52-9b1b-6f1d0c1f5d3a")
"""The name space of serial numbers: the same parts give the same number."""


def parts(extras: Iterable[str] = (), find: Find = distribution) -> dict[str, tuple[Distribution, list[str]]]:
    """Return every package that is needed, by its canonical name, with the names of those that it needs itself.

    Of `extras` of ours those that are named count. Raises PackageNotFoundError for one that is needed and not there.
    """
    found: dict[str, tuple[Distribution, list[str]]] = {}
    waiting = [(_OURS, frozenset(extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        package = find(name)
        needs = found.setdefault(name, (package, []))[1]
        for text in package.requires or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is not None and not any(marker.evaluate({"extra": extra}) for extra in ("", *wanted)):
                continue
            needed = canonicalize_name(requirement.name)
            if needed not in needs:
                needs.append(needed)
            waiting.append((needed, frozenset(requirement.extras)))
    return found


def bill(found: dict[str, tuple[Distribution, list[str]]], made: float) -> dict[str, Any]:
    """Return the bill of materials as CycloneDX 1.5 has it; `made` is in seconds since the epoch."""
    components = {name: _component(name, package) for name, (package, _) in sorted(found.items())}
    refs = [component["bom-ref"] for component in components.values()]
    ours = components.pop(_OURS)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_BILLS, ' '.join(refs))}",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(made)),
            "component": {**ours, "type": "application"},
        },
        "components": list(components.values()),
        "dependencies": [
            {"ref": _ref(name, package), "dependsOn": sorted(_ref(need, found[need][0]) for need in needs)}
            for name, (package, needs) in sorted(found.items())
        ],
    }


def _component(name: str, package: Distribution) -> dict[str, Any]:
    said: Any = package.metadata  # an email.message.Message, which its declared type leaves half out
    ref = _ref(name, package)
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": ref,
        "name": said["Name"],
        "version": package.version,
        "purl": ref,
    }
    if said.get("Summary"):
        component["description"] = said["Summary"]
    expression = said.get("License-Expression")
    if expression:
        component["licenses"] = [{"expression": expression}]
    else:
        classified = [line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or () if "License ::" in line]
        short = (said.get("License") or "").partition("\n")[0]
        names = classified or ([short] if 0 < len(short) < 100 else [])
        if names:
            component["licenses"] = [{"license": {"name": one}} for one in names]
    return component


def _ref(name: str, package: Distribution) -> str:
    return f"pkg:pypi/{name}@{package.version}"


# --- weaknesses -------------------------------------------------------------------------------------------------------


def verdict(report: str, complaint: str = "") -> tuple[int, list[str]]:
    """Return exit code and lines for what pip-audit said: its JSON, and its standard error where there is none."""
    try:
        rows = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        why = complaint.strip().splitlines()[-1:] or ["it said nothing"]
        return 0, [f"audit: not done: {why[0][:200]}"]
    weak = [(row, one) for row in rows for one in row.get("vulns", ())]
    looked = [row for row in rows if "skip_reason" not in row]
    lines = [
        f"{row['name']} {row['version']}: {one['id']}, better {' or '.join(one.get('fix_versions') or ['without it'])}"
        for row, one in weak
    ]
    if not looked:
        return 0, [f"audit: not done: the registry tells nothing of weaknesses ({len(rows)} packages asked about)"]
    asked = f"{len(looked)} of {len(rows)} packages looked up"
    return (1 if weak else 0), [*lines, f"audit: {len(weak) or 'no'} known weaknesses, {asked}"]


def audit(file: str) -> int:
    """Run pip-audit over a file of pins and print its verdict; return the exit code."""
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", file, "--no-deps", "--disable-pip", "--format", "json",
        "--progress-spinner", "off", "--timeout", "10",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        print("audit: not done: the registry does not answer")
        return 0
    code, lines = verdict(done.stdout, done.stderr)
    print("\n".join(lines))
    return code


def main(arguments: list[str]) -> int:
    """Do what the arguments say; return the exit code."""
    match arguments:
        case ["audit", file]:
            return audit(file)
        case ["bill", *extras]:
            made = float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
            try:
                print(json.dumps(bill(parts(extras), made), indent=2))
            except PackageNotFoundError as error:
                print(f"supply: {error} is needed and not installed: pip install -e .", file=sys.stderr)
                return 1
            return 0
    print("usage: python -m deploy.supply bill [EXTRA ...] | audit FILE", file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

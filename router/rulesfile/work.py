"""What the steps of compiling one file have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from router.model import SystemSpec
from router.rulesfile.document import Document, Loc
from router.rulesfile.findings import Findings, did_you_mean
from router.rulesfile.sources import Sources


class PluginFinder(Protocol):
    """Where plugins come from: `router.pluginloader`, or a dict of classes in a test."""

    def find(self, name: str) -> type | None: ...

    def names(self) -> list[str]: ...


@dataclass
class Work:
    """One file on its way to a generation.

    `known` are the systems' names, also of those that have a problem; None where even these cannot be told.
    """

    sources: Sources
    document: Document
    findings: Findings
    plugins: PluginFinder
    known: tuple[str, ...] | None = None
    systems: dict[str, SystemSpec] = field(default_factory=dict)
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    country_header: str = ""
    updates: str = "signed"

    def is_system(self, name: str, loc: Loc, *, key: bool = False) -> bool:
        """Whether a system has that name; if none has, that is a problem at `loc`."""
        if self.known is None or name in self.known:
            return True
        self.findings.error(loc, f'unknown system "{name}"', did_you_mean(name, self.known), key=key)
        return False

    def content(self, name: str, loc: Loc) -> bytes | None:
        """Return what is in a file that the rules file names; if it could not be read, that is a problem at `loc`."""
        path = self.sources.path_of(name)
        content = self.sources.files.get(path)
        if content is None:
            why = self.sources.missing.get(path, "it was not read")
            self.findings.error(loc, f'cannot read "{name}": {why}', "paths are relative to the rules file")
        return content

"""The demo's rules file, made from the shop's: the same text line by line, with three things put in.

The addresses at which the demo's systems really listen, the places of the files that it names, and the ribbon's plugin.
Lines stay where they are, so that a problem that the edge reports is found at the same line of the file one edits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


def derived(text: str, servers: Mapping[str, str], folder: Path, admin: str) -> str:
    """Return the rules for the demo's edge.

    `servers` has the address of each system by its name, `folder` is where the shop's rules file lies, and `admin` is
    the URL to which ribbons link, empty for no ribbons. Text that is no YAML mapping comes back as it is: the edge
    says what is wrong.
    """
    try:
        root = yaml.compose(text, yaml.CSafeLoader)  # the C parser reads more, and it is what the edge reads by
    except yaml.YAMLError:
        return text
    if not isinstance(root, MappingNode) or root.flow_style:
        return text
    changes = [
        _instead(node, json.dumps([address]))
        for name, address in servers.items()
        for node in _at(root, "systems", name, "servers")
    ]
    changes += [_instead(node, json.dumps(str(folder / node.value), ensure_ascii=False)) for node in _files(root)]
    if not admin:
        return _changed(text, changes)
    ribbon = f"{{demo-ribbon: {{admin: {json.dumps(admin)}}}}}"
    ending = ""
    plugins = next(_at(root, "plugins"), None)
    if plugins is None:
        ending = f"\nplugins: [{ribbon}]\n"
    elif isinstance(plugins, SequenceNode):
        changes.append(_instead(plugins, f"[{', '.join([*map(_one_line, plugins.value), ribbon])}]"))
    return _changed(text, changes) + ending


def _changed(text: str, changes: Iterable[tuple[int, int, str]]) -> str:
    """Return the text with each (start, end, new text) put in."""
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _files(root: MappingNode) -> Iterator[ScalarNode]:
    """Return every name of a file that is relative to the rules file."""
    places = (("lists", "*", "file"), ("systems", "*", "tls", "ca"), ("rules", "*", "respond", "file"))
    for keys in places:
        for node in _at(root, *keys):
            if isinstance(node, ScalarNode) and node.value:
                yield node


def _at(node: Node, *keys: str) -> Iterator[Node]:
    """Return the nodes at a path of keys; `*` stands for every value of a mapping or a list."""
    if not keys:
        yield node
        return
    key, *rest = keys
    if isinstance(node, MappingNode):
        for name, value in node.value:
            if key in ("*", name.value):
                yield from _at(value, *rest)
    elif isinstance(node, SequenceNode) and key == "*":
        for value in node.value:
            yield from _at(value, *rest)


def _instead(node: Node, new: str) -> tuple[int, int, str]:
    """Return (start, end, new text) of a change that keeps the number of lines."""
    last = node
    while isinstance(last, SequenceNode | MappingNode) and not last.flow_style and last.value:
        # A block ends where the next one begins, blank lines and comments included; its last value ends where it ends.
        last = last.value[-1] if isinstance(last, SequenceNode) else last.value[-1][1]
    if last is not node:
        new = " " + new  # a list may stand right below its key, but brackets must stand further in
    lines = last.end_mark.line - node.start_mark.line
    return node.start_mark.index, last.end_mark.index, new + "\n" * lines


def _one_line(node: Node) -> str:
    """Return a value in flow style, on one line."""
    for inner in (node, *_inside(node)):
        if isinstance(inner, SequenceNode | MappingNode):
            inner.flow_style = True
    lines: str = yaml.serialize(node, Dumper=yaml.SafeDumper, width=float("inf"))
    return lines.removesuffix("...\n").strip()


def _inside(node: Node) -> Iterator[Node]:
    for value in node.value if isinstance(node, SequenceNode | MappingNode) else ():
        for inner in value if isinstance(value, tuple) else (value,):
            yield inner
            yield from _inside(inner)

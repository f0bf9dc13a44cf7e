"""The same answers as `Rules.match`, in time that does not grow with the number of rules.

The index finds *candidates*: rules one of whose paths covers the request's path. They are tried as in the plain scan,
in file order, conditions and all, and the first that holds wins. So the index decides nothing; it only leaves out rules
that cannot hold. Where a path pattern is kept depends on what it takes to decide it:

- one that covers a single path: in a dict;
- one of whole segments (literals, `{name}`, `*`, a final `**`): in a trie, where a walk along the path's segments comes
  by all that cover it;
- the others (globs, an inner `**`): together in one RE2 set. Where the literal beginning of such a pattern ends, the
  trie has a *door* to the set: a candidate without a rule, as early in file order as the first pattern behind it. So
  the set is asked only for paths that it could know, and only when no earlier rule holds;
- but a pattern with several `*` within segments stands in the trie by itself, where its literal beginning ends, and is
  asked by itself: at 0.3 us where the path lacks its words, else at 2 us. A set has to remember which of them have seen
  their first half; with 100 of them a hostile path took it 8 us per byte, against 0.1 us so.

The same path with other conditions: `router.candidates`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import re2

from router.candidates import Candidate, tidied
from router.errors import NoRule
from router.model import Decision, RequestView
from router.patterns import PathPattern
from router.rules import Rule, Rules


class Index(Rules):
    """All rules of one generation, in file order, with an index over their paths."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        super().__init__(rules)
        self._exact: dict[str, Candidate] = {}
        """The chain of each path that a pattern names in full."""
        self._root = _Node()
        self._depth = 0
        """How many segments the trie can tell apart."""
        self._searched: dict[str, Candidate] = {}
        """The chain of each RE2 expression."""
        self._fill()
        self._chains = list(self._searched.values())
        self._set = _compiled(list(self._searched))
        self._beginnings = _few_beginnings(self.rules)

    def match(self, view: RequestView) -> Decision:
        """Return the decision of the first rule, in file order, that holds. Raises NoRule.

        Leaves the `{names}` of its path in `view.params`.
        """
        path = view.path
        # A hostile path has thousands of segments. One more than the trie knows is enough to see that there are more.
        parts = path.split("/", self._depth + 1)
        heads: list[Candidate] = []  # of the chains, each in file order, so the first of all is one of them
        exact = self._exact.get(path)
        if exact is not None:
            heads.append(exact)
        if not parts[0]:
            _walk(self._root, parts, 1, heads)
        searched = False
        failed: Rule | None = None
        while heads:
            first = heads[0]
            for head in heads:
                if head.order < first.order:
                    first = head
            rule = first.rule
            if rule is None:
                if first.drawers is not None:
                    first.drawers.open(view, parts, heads)
                elif not searched and (self._beginnings is None or path.startswith(self._beginnings)):
                    searched = True
                    heads += [self._chains[number] for number in self._set.Match(path) or ()]
            elif rule is not failed:  # a rule is tried only with the first of its paths that covers: `Rule.covers`
                params = first.capture(path, parts)
                if params is not None:
                    view.params = params
                    for condition in first.conditions:
                        if not condition(view):
                            failed = rule
                            break
                    else:
                        return first.decision or rule.decide(view)
            if first.next is None:
                heads.remove(first)
            else:
                heads[heads.index(first)] = first.next
        raise NoRule(f"no rule for {view.method} {view.host}{path}")

    # --- filling it ---------------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Put every path of every rule into its chain: from the last to the first, so that each goes in front."""
        nodes = [self._root]
        order = sum(len(rule.paths) for rule in self.rules)
        for rule in reversed(self.rules):
            for pattern in reversed(rule.paths):
                order -= 1
                candidate = Candidate(order, rule, pattern)
                if pattern.exact is not None:
                    candidate.next = self._exact.get(pattern.exact)
                    self._exact[pattern.exact] = candidate
                    continue
                node = self._node(pattern, nodes)
                if not pattern.simple and pattern.stars < 2:
                    expression = pattern.regex
                    candidate.next = self._searched.get(expression)
                    self._searched[expression] = candidate
                    candidate = Candidate(order)
                if not pattern.simple or pattern.kinds[-1] == "deep":
                    candidate.next, node.deep = node.deep, candidate
                else:
                    candidate.next, node.end = node.end, candidate
        for chains in (self._exact, self._searched):
            for key, chain in chains.items():
                if chain.next is not None:
                    chains[key] = tidied(chain)
        for node in nodes:
            if node.deep is not None and node.deep.next is not None:
                node.deep = tidied(node.deep)
            if node.end is not None and node.end.next is not None:
                node.end = tidied(node.end)

    def _node(self, pattern: PathPattern, nodes: list[_Node]) -> _Node:
        """Return the node where the pattern's leading literals and single segments end; new ones join `nodes`."""
        node, depth = self._root, 0
        for kind, text in zip(pattern.kinds, pattern.texts, strict=True):
            if kind == "literal":
                below = node.below.get(text)
                if below is None:
                    below = _Node()
                    nodes.append(below)
                    if node.below is _NOTHING:
                        node.below = {}
                    node.below[text] = below
            elif kind == "one":
                below = node.one
                if below is None:
                    below = node.one = _Node()
                    nodes.append(below)
            else:
                break
            node = below
            depth += 1
        self._depth = max(self._depth, depth)
        return node


class _Node:
    """A place in the trie, as many segments deep as there are steps from the root."""

    __slots__ = ("below", "deep", "end", "one")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = _NOTHING
        """By the next segment's text."""
        self.one: _Node | None = None
        """For any next segment that is not empty."""
        self.end: Candidate | None = None
        """The chain for a path that ends here."""
        self.deep: Candidate | None = None
        """The chain for a path that comes by here."""


_NOTHING: dict[str, _Node] = {}
"""What is below a leaf: one empty dict for all of them, never written to."""


def _walk(node: _Node, parts: list[str], place: int, heads: list[Candidate]) -> None:
    """Add to `heads` all chains that cover the path, from a node whose next segment has this place in `parts`."""
    end = len(parts)
    while True:
        if node.deep is not None:
            heads.append(node.deep)
        if place == end:
            if node.end is not None:
                heads.append(node.end)
            return
        part = parts[place]
        place += 1
        below = node.below.get(part)
        if node.one is not None and part:
            if below is None:
                below = node.one
            else:
                _walk(node.one, parts, place, heads)
        if below is None:
            return
        node = below


_FEW: Final = 16
"""Beginnings that a path is compared with before the set is asked: 0.1 us where the set takes 0.6 us."""


def _few_beginnings(rules: Iterable[Rule]) -> tuple[str, ...] | None:
    """Return the literal beginnings of the patterns in the set, None for too many: other paths cannot match there."""
    found = set()
    for rule in rules:
        for pattern in rule.paths:
            if not pattern.simple:
                found.add(_beginning(pattern))
                if len(found) > _FEW:
                    return None
    return tuple(sorted(found))


def _beginning(pattern: PathPattern) -> str:
    text = ""
    for kind, segment in zip(pattern.kinds, pattern.texts, strict=True):
        if kind != "literal":
            return text + ("/" + segment.partition("*")[0] if kind == "glob" else "")
        text += "/" + segment
    return text


def _compiled(expressions: list[str]) -> Any:  # google-re2 ships no types
    """Return one RE2 set over all expressions, each of which must match a path as a whole.

    RE2 raises where it may not take the memory that it needs, measured as up to 60 bytes per character of 20,000 globs.
    Four times that leaves room to keep what it works out while matching.
    """
    options = re2.Options()
    options.max_mem = (8 << 20) + 256 * sum(map(len, expressions))
    options.encoding = re2.Options.Encoding.LATIN1  # bytes tell as much here, and take a smaller automaton than UTF-8
    options.log_errors = False
    found = re2.Set.FullMatchSet(options)
    for expression in expressions:
        found.Add(expression)
    found.Compile()
    return found

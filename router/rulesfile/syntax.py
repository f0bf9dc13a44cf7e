"""What YAML's own complaints mean to somebody who writes rules: a place, the thing, and a way out."""

from __future__ import annotations

import yaml

from router.errors import Position, Problem

_UNFINISHED = ("did not find expected ',' or ']'", "did not find expected ',' or '}'", "found unexpected end of stream")


def syntax_problem(file: str, text: str, error: yaml.YAMLError) -> Problem:
    """Return the problem that stopped the YAML parser: the first one, because nothing after it can be trusted."""
    if isinstance(error, yaml.reader.ReaderError):
        line, column = text.count("\n", 0, error.position) + 1, error.position - text.rfind("\n", 0, error.position)
        code = error.character if isinstance(error.character, int) else ord(error.character)
        return Problem(
            Position(file, line, column), f"the control character U+{code:04X} may not stand in YAML", "leave it out"
        )
    assert isinstance(error, yaml.MarkedYAMLError)
    problem, mark = error.problem or "", error.problem_mark
    at_end = mark is None or mark.index >= len(text.rstrip())
    if problem in _UNFINISHED and at_end and error.context_mark is not None:
        opened = error.context_mark
        return Problem(
            Position(file, opened.line + 1, opened.column + 1), *_unclosed(text[opened.index : opened.index + 1])
        )
    if mark is None:
        return Problem(Position(file), f"this is not YAML: {problem}")
    message, hint = _explained(text, mark.index, problem, error.context or "")
    if "alias" in (error.context or "") and error.context_mark is not None:
        mark = error.context_mark
    return Problem(Position(file, mark.line + 1, mark.column + 1), message, hint)


def _unclosed(opened: str) -> tuple[str, str]:
    if opened == "[":
        return "this list is not closed", "write a ] where it ends"
    if opened == "{":
        return "this mapping is not closed", "write a } where it ends"
    return "this text is not closed", "write the quote that ends it"


def _explained(text: str, index: int, problem: str, context: str) -> tuple[str, str]:
    """Return message and hint for one complaint of libyaml; those not known here are passed on as they are."""
    here = text[index : index + 1]
    if "alias" in context or "anchor" in context:
        return "* and & at the start of a word are YAML's aliases and anchors", 'put it in quotes: "*.shop.example"'
    if problem == "found character that cannot start any token":
        if here == "\t":
            return "a tab stands where YAML wants spaces", "indent with spaces"
        return f"a word may not start with {here}", "put it in quotes"
    if problem == "mapping values are not allowed in this context":
        return "a colon where no key can stand", "check the indentation, or put a text with `: ` in quotes"
    if problem in ("did not find expected ',' or ']'", "did not find expected ',' or '}'"):
        if here == "{":
            return "{ within [...] or {...} begins a mapping", 'put the path in quotes: "/catalogue/{sku}/"'
        return "a comma or the closing bracket is missing here", "put a text with , [ ] { } in quotes"
    if problem == "did not find expected node content":
        return "a value is missing here, or a bracket before it is not closed", "write the value, or close the bracket"
    if problem in ("did not find expected key", "did not find expected '-' indicator"):
        return "this line does not fit the indentation above it", "align it with its siblings"
    if problem == "could not find expected ':'":
        return "this line is neither a key with a colon nor a list item", "write `key: value`"
    if problem == "found unknown escape character":
        return 'a backslash in "..." begins an escape that YAML does not know', "use '...' around patterns"
    return f"this is not YAML: {' '.join(part for part in (context, problem) if part)}", ""

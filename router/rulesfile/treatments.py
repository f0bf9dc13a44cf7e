"""Compiling what a rule does with a request: the owner, and everything beside `to`."""

from __future__ import annotations

from typing import Any, Final

from router.model import BUCKETS, PAYMENT_PAGES, Reply, Timeouts
from router.patterns import PathPattern, PatternError
from router.rules import Action, Mirror, Redirect, Respond, Split, To, Treatment
from router.rulesfile import shape, templates
from router.rulesfile.document import Loc
from router.rulesfile.edits import added_lines, compiled_edits, value_is_bad
from router.rulesfile.findings import did_you_mean
from router.rulesfile.pluginuse import compiled_plugins
from router.rulesfile.systems import timeouts
from router.rulesfile.work import Work

LARGEST_BODY: Final = 1024 * 1024
"""Bytes of an answer that the edge gives itself: it is held in memory, in every worker."""

_TREATMENTS = frozenset(
    {"fallback", "rewrite", "timeout", "retries", "headers", "plugins", "mirror", "body_limit", "card_numbers"},
)
_NOTHING = Treatment()


# --- the owner --------------------------------------------------------------------------------------------------------


def compiled_action(work: Work, loc: Loc, said: shape.Rule, paths: tuple[PathPattern, ...]) -> Action:
    """Return what the rule does; one that says nothing, or several things, is a problem."""
    owner = said.to
    if type(owner) is str and said.redirect is None and said.respond is None:
        work.is_system(owner, (*loc, "to"))
        return To(owner)
    written = work.document.data["rules"][loc[1]]
    given = [key for key in ("to", "redirect", "respond") if isinstance(written, dict) and key in written]
    if len(given) != 1:
        what = " and ".join(given) if given else "neither to nor redirect nor respond"
        work.findings.error(
            (*loc, given[1]) if given else loc,
            f"has {what}",
            "a rule has exactly one of to, redirect, respond",
            key=True,
        )
    if isinstance(owner, dict):
        return _split(work, (*loc, "to"), owner)
    if said.redirect is not None:
        return _redirect(work, (*loc, "redirect"), said.redirect, paths)
    if said.respond is not None:
        return _respond(work, (*loc, "respond"), said.respond)
    return To(owner or "")


def _split(work: Work, loc: Loc, owner: dict[str, int]) -> Action:
    for system in owner:
        work.is_system(system, (*loc, system), key=True)
    total, shares = 0, []
    for system, buckets in owner.items():
        total += buckets
        shares.append((system, total))
    if total != BUCKETS:
        work.findings.error(
            loc, f"the shares add up to {total * 100 / BUCKETS:g} %, not 100 %", "sharing out takes exactly 100"
        )
    if len(owner) == 1 or any(buckets == BUCKETS for buckets in owner.values()):
        whole = max(owner, key=lambda system: owner[system])
        if total == BUCKETS:
            work.findings.warn(loc, f'"{whole}" has every visitor', f"`to: {whole}` says the same, and sets no cookie")
    return Split(tuple(shares)) if shares else To("")


def _redirect(work: Work, loc: Loc, said: Any, paths: tuple[PathPattern, ...]) -> Action:
    if isinstance(said, str):
        return Redirect(_template(work, loc, said, paths, templates.location))
    given = [key for key, value in (("to", said.to), ("location", said.location)) if value is not None]
    if len(given) != 1:
        work.findings.error(loc, f"redirects {'to two places' if given else 'nowhere'}", "write `to: /path`")
        return Redirect("/")
    text = _template(work, (*loc, given[0]), said.to or said.location or "", paths, templates.location)
    return Redirect(text, said.status, said.keep_query)


def _template(work: Work, loc: Loc, text: str, paths: tuple[PathPattern, ...], read: Any) -> str:
    """Return a location or rewrite as it is used; its names must be in every path of the rule."""
    for name, column in templates.holes(text):
        for path in paths:
            if name not in path.names:
                known = [known for known in path.names if all(known in other.names for other in paths)]
                hint = did_you_mean(name, known, "a `{name}` stands for one whole segment of `path`")
                work.findings.error(loc, f"{{{name}}} is no name in the path {path}", hint, offset=column)
                break
    try:
        return str(read(text))
    except PatternError as error:
        work.findings.error(loc, str(error), error.hint, offset=error.column)
        return "/"


_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "htm": "text/html; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "xml": "application/xml",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "ico": "image/x-icon",
    "pdf": "application/pdf",
    "webmanifest": "application/manifest+json",
}


def _respond(work: Work, loc: Loc, said: shape.Respond) -> Action:
    body, kind = b"", "text/plain; charset=utf-8"
    if said.body is not None and said.file is not None:
        work.findings.error((*loc, "file"), "has a body and a file", "leave one of them out", key=True)
    if said.body is not None:
        body = said.body.encode()
    elif said.file is not None:
        body = work.content(said.file, (*loc, "file")) or b""
        kind = _TYPES.get(said.file.rpartition(".")[2].lower(), "application/octet-stream")
    if len(body) > LARGEST_BODY:
        work.findings.error(
            (*loc, "file" if said.file is not None else "body"), "the body is larger than 1 MB", "let a system serve it"
        )
    if body and said.status in (204, 205, 304):
        work.findings.error((*loc, "status"), f"an answer with status {said.status} has no body", "leave the body out")
    lines = [("Content-Type", said.content_type or kind)] if body else []
    if said.content_type is not None and value_is_bad(said.content_type):
        work.findings.error((*loc, "content_type"), "cannot be the value of a header", "write text/html; charset=utf-8")
    lines += added_lines(work, (*loc, "headers"), said.headers)
    if "content-type" in {name.lower() for name in said.headers}:
        lines = lines[1:] if body else lines
    return Respond(Reply(said.status, lines, body))


# --- beside the owner -------------------------------------------------------------------------------------------------


def compiled_treatment(
    work: Work, loc: Loc, said: shape.Rule, action: Action, paths: tuple[PathPattern, ...]
) -> Treatment:
    """Return what happens to a request beside its owner; most rules say nothing of it, and share one value."""
    if _TREATMENTS.isdisjoint(said.model_fields_set):
        return _NOTHING
    if isinstance(action, Redirect | Respond):
        for key in ("fallback", "rewrite", "timeout", "retries", "mirror", "body_limit", "card_numbers"):
            if key in said.model_fields_set:
                work.findings.error(
                    (*loc, key), f"`{key}` means nothing where no system is asked", "leave it out", key=True
                )
        if said.headers is not None:
            work.findings.error(
                (*loc, "headers"),
                "`headers` means nothing where no system is asked",
                "`respond: {headers: ...}` sets those of an own answer",
                key=True,
            )
        return Treatment(plugins=compiled_plugins(work, (*loc, "plugins"), said.plugins))
    headers = said.headers or shape.Headers()
    guarded = said.page in PAYMENT_PAGES
    return Treatment(
        fallback=_fallback(work, (*loc, "fallback"), said.fallback, action),
        rewrite=_template(work, (*loc, "rewrite"), said.rewrite, paths, templates.rewrite) if said.rewrite else "",
        timeouts=timeouts(said.timeout, _base(work, action)) if said.timeout is not None else None,
        retries=said.retries,
        request=compiled_edits(work, (*loc, "headers", "request"), headers.request),
        response=compiled_edits(work, (*loc, "headers", "response"), headers.response, guarded),
        plugins=compiled_plugins(work, (*loc, "plugins"), said.plugins),
        mirror=_mirror(work, (*loc, "mirror"), said.mirror, action) if said.mirror is not None else None,
        body_limit=said.body_limit,
        passes_cards=said.card_numbers == "pass" if said.card_numbers is not None else None,
    )


def _base(work: Work, action: Action) -> Timeouts:
    """Return the timeouts of the system that a rule asks first, which hold where the rule says nothing."""
    first = action.system if isinstance(action, To) else action.shares[0][0] if isinstance(action, Split) else ""
    system = work.systems.get(first)
    return system.timeouts if system is not None else Timeouts()


def _fallback(work: Work, loc: Loc, said: str | None, action: Action) -> str:
    if said is None:
        return ""
    if work.is_system(said, loc) and action == To(said):
        work.findings.error(loc, f'falls back on "{said}", which owns the page anyway', "name another system")
    return said


def _mirror(work: Work, loc: Loc, said: Any, action: Action) -> Mirror:
    name, share = (said, BUCKETS) if isinstance(said, str) else (said.to, said.percent)
    where = loc if isinstance(said, str) else (*loc, "to")
    if work.is_system(name, where) and action == To(name):
        work.findings.error(where, f'mirrors to "{name}", which gets the request anyway', "name another system")
    if share == 0:
        work.findings.warn((*loc, "percent"), "nothing is mirrored", "leave the mirror out")
    return Mirror(name, share)

"""What happens between a decision and the wire, as phases in order: rules, plugins and (later) the session bridge.

`outbound` says what to ask which system, or answers itself; `inbound` says what changes in the answer on its way to the
client. Both are pure and know no data plane: our own edge calls them, and an Envoy or nginx filter could.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote

from router.headers import is_name, varied
from router.hooks import OnRequest, OnResponse
from router.model import SPLIT_COOKIE, Decision, Edits, Reply, RequestView, ResponseView
from router.rules import Redirect, Respond, Split

PluginFailed = Callable[[object, Exception], None]
"""Told of a plugin that raised; the request goes on without its effect."""

_SPLIT_LIFE: Final = 180 * 24 * 3600
"""Seconds a visitor keeps a bucket: half a year, longer than any migration step stays at one share."""


class Outbound:
    """What to ask of a system. `path` and `query` make the target; `edits` are for the request's headers.

    `decision` names rule and system.
    """

    __slots__ = ("decision", "edits", "path", "query")

    def __init__(self, decision: Decision, path: str, query: str, edits: Edits | None) -> None:
        self.decision = decision
        self.path = path
        self.query = query
        self.edits = edits

    @property
    def target(self) -> str:
        """Path and query as they are sent."""
        return f"{self.path}?{self.query}" if self.query else self.path


def outbound(
    view: RequestView, decision: Decision, plugins: Sequence[OnRequest] = (), failed: PluginFailed | None = None
) -> Outbound | Reply:
    """Return what to ask of the decision's system, or the reply that the edge gives itself.

    `plugins` are the file's and then the rule's, those with `on_request`.
    """
    rule = decision.rule
    edits = rule.treatment.request
    if plugins:
        said = asked(view, plugins, failed)
        if isinstance(said, Reply):
            return said
        edits = said if edits is None else edits.then(said)
    if not decision.system:
        return _own_answer(view, decision)
    path = view.path
    if rule.treatment.rewrite:
        path = filled(rule.treatment.rewrite, view)
    return Outbound(decision, path, view.query, edits)


def inbound(
    view: RequestView,
    decision: Decision,
    response: ResponseView,
    plugins: Sequence[OnResponse] = (),
    failed: PluginFailed | None = None,
) -> Edits:
    """Return what changes in a system's answer on its way to the client."""
    edits = Edits()
    if decision.rule.treatment.response is not None:
        edits = edits.then(decision.rule.treatment.response)
    for plugin in plugins:
        try:
            said = checked(plugin.on_response(view, response))
        except Exception as error:
            if failed is not None:
                failed(plugin, error)
            continue
        if isinstance(said, Edits):
            edits = edits.then(said)
    if type(decision.rule.action) is Split or view.allotted >= 0:  # a plugin may have asked for the bucket
        edits = edits.then(_split_cookie(view, response))
    return edits


def asked(view: RequestView, plugins: Sequence[OnRequest], failed: PluginFailed | None) -> Edits | Reply:
    """Return what the plugins want of a request: the first Reply, or all their edits as one."""
    edits = Edits()
    for plugin in plugins:
        try:
            said = checked(plugin.on_request(view))
        except Exception as error:
            if failed is not None:
                failed(plugin, error)
            continue
        if isinstance(said, Reply):
            return said
        if said is not None:
            edits = edits.then(said)
    return edits


def checked(said: object) -> Edits | Reply | None:
    """Return what a plugin said if it can be done. Raises TypeError or ValueError for what would harm the message."""
    if said is None:
        return None
    if isinstance(said, Edits):
        lines = [*said.set.items(), *said.add]
        names = [*said.remove, *(name for name, _ in lines)]
    elif isinstance(said, Reply):
        if not 200 <= said.status <= 599 or not isinstance(said.body, bytes):
            raise ValueError(f"no such answer can be given: {said.status} with a body of {type(said.body).__name__}")
        lines = said.headers
        names = [name for name, _ in lines]
    else:
        raise TypeError(f"a hook gives Edits, a Reply or None, not {type(said).__name__}")
    for name in names:
        if not is_name(name):
            raise ValueError(f"{name!r} is no name of a header")
    for name, value in lines:
        if not isinstance(value, str):
            raise TypeError(f"{name} is given {type(value).__name__}, not text")
    return said


def _own_answer(view: RequestView, decision: Decision) -> Reply:
    action = decision.rule.action
    if isinstance(action, Redirect):
        location = filled(action.location, view)
        if action.keep_query and view.query:
            location += ("&" if "?" in location else "?") + view.query
        return Reply(action.status, [("Location", location)])
    assert isinstance(action, Respond)
    return action.reply


_HOLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def filled(template: str, view: RequestView) -> str:
    """Return a redirect's location or a rewritten path with the names of the path put in, percent-encoded."""
    if "{" not in template:
        return template
    return _HOLE.sub(lambda hole: quote(view.param(hole[1]), safe="!$&'()*+,=:@-._~"), template)


def _split_cookie(view: RequestView, response: ResponseView) -> Edits:
    """A visitor who was dealt a bucket keeps it by a cookie; caches learn that the page depends on it."""
    if view.allotted < 0:
        return varied(response.headers.lines, "Cookie")
    name = SPLIT_COOKIE if view.scheme != "https" else f"__Host-{SPLIT_COOKIE}"
    secure = "; Secure" if view.scheme == "https" else ""
    cookie = f"{name}={view.allotted}; Path=/; Max-Age={_SPLIT_LIFE}; HttpOnly; SameSite=Lax{secure}"
    return Edits(set={"Cache-Control": "no-store"}, add=[("Set-Cookie", cookie)])

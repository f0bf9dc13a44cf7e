"""What a plugin looks like to the edge: a value whose fields are its options, with one or more of three hooks.

A plugin module names its class in `PLUGIN`. The class is a dataclass; its fields, with their types and defaults, are
the options that rules.yaml may set. A plugin never sees a body. One that raises costs its own effect, never the
request, and is counted in `inseam_plugin_errors_total`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from router.model import Edits, Reply, RequestView, ResponseView


@runtime_checkable
class OnRequest(Protocol):
    """Called before the system is asked; a Reply ends the matter."""

    def on_request(self, view: RequestView) -> Edits | Reply | None: ...


@runtime_checkable
class OnResponse(Protocol):
    """Called with the head of the answer, before it goes to the client."""

    def on_response(self, view: RequestView, response: ResponseView) -> Edits | None: ...


@runtime_checkable
class OnRequestWaiting(Protocol):
    """The hook for a plugin that must wait for somebody: it costs a task per request, so use it only then.

    `budget` is the time it may take, in seconds; when it is over, or the plugin raises, `otherwise` is the result
    (None: go on as if the plugin were not there).
    """

    budget: float
    otherwise: Reply | None

    async def on_request_waiting(self, view: RequestView) -> Edits | Reply | None: ...


class Hooks:
    """The plugins of one rule by what they can do: the file's first, then the rule's."""

    __slots__ = ("on_request", "on_response", "on_waiting")

    def __init__(self, plugins: Iterable[object]) -> None:
        every = tuple(plugins)
        self.on_request: tuple[OnRequest, ...] = tuple(hook for hook in every if isinstance(hook, OnRequest))
        self.on_response: tuple[OnResponse, ...] = tuple(hook for hook in every if isinstance(hook, OnResponse))
        self.on_waiting: tuple[OnRequestWaiting, ...] = tuple(
            hook for hook in every if isinstance(hook, OnRequestWaiting)
        )

"""Give every request's id to both systems, and back to the client, under the header that your logs look for.

The edge itself sends `X-Request-Id`; this is for systems that log another name.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.model import Edits, RequestView, ResponseView
from router.options import HeaderName


@dataclass(frozen=True, slots=True)
class RequestId:
    """`header` carries the id; with `respond` the client receives it too."""

    header: HeaderName = "X-Correlation-Id"
    respond: bool = True

    def on_request(self, view: RequestView) -> Edits:
        return Edits(set={self.header: view.request_id})

    def on_response(self, view: RequestView, response: ResponseView) -> Edits | None:
        return Edits(set={self.header: view.request_id}) if self.respond else None


PLUGIN = RequestId

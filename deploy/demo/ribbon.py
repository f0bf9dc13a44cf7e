"""Tell the demo's systems how a request was routed, so that each page can show it. For the demo only.

A real system has no use for these headers, and an edge in production does not load this plugin.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from deploy.demo.banner import PAGE, RULE, SYSTEM, WHY
from router.model import Edits, RequestView

_PLAIN = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""What may stand in a header as it is; `%` is left out, so that decoding gives back what was meant."""


@dataclass(frozen=True, slots=True)
class DemoRibbon:
    """`admin` is where the edge explains itself, such as `http://127.0.0.1:9090`; empty for no link."""

    admin: str = ""

    def on_request(self, view: RequestView) -> Edits | None:
        """Return the headers that name the rule, the page type and the system that the rule asks first.

        A system that is asked as the fallback sees another's name there, and so knows what it is.
        """
        decision = view.decision
        if decision is None:
            return None
        rule = decision.rule
        asked = decision.system if decision.system in rule.systems or not rule.systems else rule.systems[0]
        said = {RULE: rule.name, PAGE: rule.page, SYSTEM: asked}
        if self.admin:
            said[WHY] = f"{self.admin}/api/explain?{urlencode({'method': view.method, 'url': view.target})}"
        return Edits(set={name: quote(value, safe=_PLAIN) for name, value in said.items()})


PLUGIN = DemoRibbon

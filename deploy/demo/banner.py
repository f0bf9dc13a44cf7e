"""The ribbon on top of each demo page: which system served it, by which rule, and why.

The edge of the demo says so in `Inseam-Demo-*` headers (see `deploy.demo.ribbon`). Without them there is no ribbon, so
a system that is asked directly shows its plain page.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from deploy.demo.markup import Html, html

SYSTEM, RULE, PAGE, WHY = "Inseam-Demo-System", "Inseam-Demo-Rule", "Inseam-Demo-Page", "Inseam-Demo-Why"
"""Names of headers. Their values are percent-encoded: a rule's name may be in any script, a header may not."""


def ribbon(headers: Mapping[str, str], served_by: str) -> Html:
    """Return the ribbon for a page that `served_by` gives to a request with these headers; empty without the edge's."""
    rule = unquote(headers.get(RULE, ""))
    if not rule:
        return Html()
    asked = unquote(headers.get(SYSTEM, ""))
    why = unquote(headers.get(WHY, ""))
    fallback = html('<span class="ribbon-note">fallback for {asked}</span>', asked=asked)
    link = html('<a href="{why}">why?</a>', why=why)
    return html(
        '<aside class="ribbon ribbon-{css}" aria-label="How the edge routed this page"><p>'
        '<strong class="ribbon-system">{served_by}</strong>{fallback}'
        '<span><span class="ribbon-word">by rule</span> <b>{rule}</b></span>'
        '<span class="ribbon-page"><span class="ribbon-word">page type</span> <b>{page}</b></span>{link}</p></aside>',
        css="cms" if served_by == "cms" else "commerce",
        served_by=served_by,
        fallback=fallback if asked and asked != served_by else "",
        rule=rule,
        page=unquote(headers.get(PAGE, "")) or "none",
        link=link if why.startswith(("http://", "https://")) else "",
    )

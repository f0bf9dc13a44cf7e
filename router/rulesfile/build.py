"""From shapes to a generation: the phases of compiling one file, in order."""

from __future__ import annotations

import re
from typing import Any

from router.conditions import Host, In, Network, Text
from router.errors import Position, RulesProblems
from router.generation import Expectation, Generation
from router.index import Index
from router.model import Limits, SystemSpec
from router.patterns import PathPattern, PatternError
from router.rules import Example, Rule, To, intent_of
from router.rulesfile import shape
from router.rulesfile.addresses import BadAddress, hosts, network
from router.rulesfile.conditions import compiled_conditions
from router.rulesfile.document import Document, Loc
from router.rulesfile.findings import Findings, did_you_mean
from router.rulesfile.payment import check_payment, check_rewrites, check_spellings
from router.rulesfile.pluginuse import compiled_plugins
from router.rulesfile.requests import BadRequestText, ClientError, split_request, view_of
from router.rulesfile.sessions import compiled_policy
from router.rulesfile.shaping import shaped
from router.rulesfile.sources import Sources
from router.rulesfile.systems import compiled_list, compiled_system
from router.rulesfile.times import BadTime, moment
from router.rulesfile.treatments import compiled_action, compiled_treatment
from router.rulesfile.work import PluginFinder, Work
from sessions.model import Policy


def built(sources: Sources, document: Document, number: int, plugins: PluginFinder) -> Generation:
    """Return the generation that the sources say. Raises RulesProblems with all that is wrong with them."""
    if document.broken is not None:
        raise RulesProblems([document.broken])
    findings = Findings(document)
    said = shaped(document, findings)
    generation = _generation(Work(sources, document, findings, plugins), said, number)
    if findings.errors:
        raise RulesProblems(findings.errors)
    return generation


def _generation(work: Work, said: shape.File, number: int) -> Generation:
    work.country_header = _country_header(work, said.country_header)
    work.updates = said.updates
    work.lists = {name: compiled_list(work, name, value) for name, value in said.lists.items()}
    _systems(work, said)
    trusted = _networks(work, ("trusted_proxies",), said.trusted_proxies)
    everywhere = compiled_plugins(work, ("plugins",), said.plugins)
    rules = _rules(work, said.rules)
    tests = tuple(_test(work, ("tests", place), case, rules) for place, case in enumerate(said.tests))
    if not work.findings.errors:
        _unused(work, rules)
    return Generation(
        file=work.sources.file,
        rules=Index(rules if not work.findings.errors else ()),
        systems=work.systems,
        number=number,
        digest=work.sources.digest,
        hosts=_hosts(work, said.hosts),
        trusted=trusted,
        country_header=work.country_header,
        limits=Limits(**said.limits.model_dump()) if said.limits is not None else Limits(),
        session=compiled_policy(work, said.session) if said.session is not None else Policy(),
        plugins=everywhere,
        tests=tests,
        warnings=tuple(sorted(work.findings.warnings)),
        watched=work.sources.watched,
        lists=work.lists,
    )


# --- the top of the file ----------------------------------------------------------------------------------------------


def _systems(work: Work, said: shape.File) -> None:
    written = work.document.data.get("systems")
    work.known = tuple(written) if isinstance(written, dict) else None
    work.systems = {name: compiled_system(work, name, system) for name, system in said.systems.items()}
    known = [system for system in work.systems.values() if system.profile != "generic"]
    if known and not any(system.authority for system in work.systems.values()):
        work.findings.warn(
            ("systems", known[0].name, "profile"),
            "no system may tell of logins or baskets, so its profile is of no use",
            "give the shop `authority: [login, basket, order]`",
        )
    owner: dict[Any, SystemSpec] = {}
    for system in work.systems.values():
        if system.unsigned and system.authority:
            own = said.systems[system.name].updates
            work.findings.warn(
                ("systems", system.name, *(("updates",) if own else ())),
                "whoever can answer for it is believed what they tell of a visitor, unsigned",
                f"only for a trial: `inseam keys export {system.name}` says what to sign with",
            )
        for place, server in enumerate(system.servers):
            other = owner.setdefault((server.host, server.port), system)
            if other is not system and other.payment is not system.payment:
                work.findings.warn(
                    ("systems", system.name, "servers", place),
                    f'shares the server {server} with "{other.name}", so payment: true draws no line',
                    "give payment a server of its own",
                )
        if system.payment and not system.verify:
            work.findings.warn(
                ("systems", system.name, "tls", "verify"),
                "certificates of a payment system are not checked",
                "name its CA with `ca`",
            )


def _country_header(work: Work, name: str) -> str:
    if name and not re.fullmatch(r"[A-Za-z0-9-]+", name):
        work.findings.error(("country_header",), f'"{name}" is no name of a header', "such as cf-ipcountry")
    elif name and "trusted_proxies" not in work.document.data:
        work.findings.warn(
            ("country_header",),
            "nobody is believed to tell the country",
            "name the proxies that set it in `trusted_proxies`",
            key=True,
        )
    return name.lower()


def _networks(work: Work, loc: Loc, texts: list[str]) -> tuple[Network, ...]:
    found = []
    for place, text in enumerate(texts):
        try:
            found.append(network(text))
        except BadAddress as error:
            work.findings.error((*loc, place), str(error), error.hint)
            continue
        if found[-1].prefixlen == 0:
            work.findings.warn(
                (*loc, place),
                f"{text} is everybody: any client may then say who it is",
                "name the proxies' own networks",
            )
    return tuple(found)


def _hosts(work: Work, texts: list[str]) -> Host | None:
    good = []
    for place, text in enumerate(texts):
        try:
            hosts([text])
            good.append(text)
        except BadAddress as error:
            work.findings.error(("hosts", place), str(error), error.hint)
    return hosts(good) if texts else None


# --- rules ------------------------------------------------------------------------------------------------------------

_PAGE = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def _rules(work: Work, said: list[shape.Rule]) -> list[Rule]:
    if not said:
        if work.document.data.get("rules") == []:
            work.findings.error(("rules",), "there is no rule", "begin with `- {name: everything, path: /**, to: cms}`")
        return []
    positions = work.document.positions(("rules",))
    names: dict[str, int] = {}
    owners: dict[str, To] = {}
    rules = []
    for place, one in enumerate(said):
        loc: Loc = ("rules", place)
        name = one.name
        if name in names:
            first = positions[names[name]].line
            work.findings.error((*loc, "name"), "another rule has this name", f"it stands on line {first}")
        else:
            names[name] = place
            if not name.isprintable() or name != name.strip():
                work.findings.error((*loc, "name"), "a name is one line of printable text, without blanks around it")
        rules.append(_rule(work, loc, one, positions[place], owners))
    check_rewrites(work, rules)
    check_spellings(work, rules)
    return rules


def _rule(work: Work, loc: Loc, said: shape.Rule, position: Position, owners: dict[str, To]) -> Rule:
    paths = _paths(work, (*loc, "path"), said.path)
    action = compiled_action(work, loc, said, paths)
    if type(action) is To:  # a hundred thousand rules need two values, not a hundred thousand
        action = owners.setdefault(action.system, action)
    page = said.page
    if page and not _PAGE.fullmatch(page):
        work.findings.error((*loc, "page"), f'"{page}" is no page type', "use small letters, digits, - and _")
    rule = Rule(
        said.name,
        paths,
        action,
        compiled_conditions(work, (*loc, "when"), said.when, paths) if said.when is not None else (),
        page,
        said.intent or intent_of(page),
        compiled_treatment(work, loc, said, action, paths),
        _examples(work, (*loc, "examples"), said.examples) if said.examples else (),
        position,
    )
    check_payment(work, loc, rule)
    return rule


def _paths(work: Work, loc: Loc, said: str | list[str]) -> tuple[PathPattern, ...]:
    """Return the patterns of a rule; none at all when one has a problem, so that nobody wonders about its names."""
    if isinstance(said, str):
        try:
            return (PathPattern.parse(said),)
        except PatternError as error:
            work.findings.error(loc, str(error), error.hint, offset=error.column)
            return ()
    if not said:
        work.findings.error(loc, "the list is empty, so the rule could never hold", "`path: /**` is every path")
    paths: list[PathPattern] = []
    for place, text in enumerate(said):
        try:
            path = PathPattern.parse(text)
        except PatternError as error:
            work.findings.error((*loc, place), str(error), error.hint, offset=error.column)
            continue
        if any((path.kinds, path.texts) == (other.kinds, other.texts) for other in paths):
            work.findings.warn((*loc, place), f"the path {text} stands here twice", "leave one out")
        paths.append(path)
    return tuple(paths) if len(paths) == len(said) else ()


def _examples(work: Work, loc: Loc, said: list[str]) -> tuple[Example, ...]:
    examples = []
    for place, (text, position) in enumerate(zip(said, work.document.positions(loc), strict=True)):
        try:
            view_of(*split_request(text))
        except (BadRequestText, ClientError) as error:
            work.findings.error(
                (*loc, place), f"example: {error}", getattr(error, "hint", "no such request is passed on")
            )
            continue
        examples.append(Example(text, position))
    return tuple(examples)


def _unused(work: Work, rules: list[Rule]) -> None:
    """Warn of systems and lists that no rule asks for: most often a rule was meant that is not there."""
    systems: set[str] = set()
    lists: set[str] = set()
    for rule in rules:
        systems.update(rule.decisions)
        if rule.treatment.mirror is not None:
            systems.add(rule.treatment.mirror.system)
        for condition in rule.conditions:
            if isinstance(condition, Text) and isinstance(condition.test, In):
                lists.add(condition.test.name)
    for name in work.systems.keys() - systems:
        work.findings.warn(("systems", name), "no rule sends anything there", "take it out", key=True)
    for name in work.lists.keys() - lists:
        work.findings.warn(("lists", name), "no rule asks for it", "take it out", key=True)


# --- tests ------------------------------------------------------------------------------------------------------------


def _test(work: Work, loc: Loc, said: shape.Case, rules: list[Rule]) -> Expectation:
    method, url, at = "GET", "/", None
    headers = tuple(said.headers.items())
    try:
        method, url = split_request(said.request)
        view_of(method, url, headers)
    except BadRequestText as error:
        work.findings.error((*loc, "request"), str(error), error.hint)
    except ClientError:
        pass  # that such a path is refused may be what the test is for
    if said.at is not None:
        try:
            at = moment(said.at)
        except BadTime as error:
            work.findings.error((*loc, "at"), str(error), error.hint)
    expect = said.expect.model_dump(exclude_none=True)
    if not expect:
        work.findings.error((*loc, "expect"), "expects nothing", "write {rule: ...} or {system: ...}", key=True)
    if said.expect.system is not None:
        work.is_system(said.expect.system, (*loc, "expect", "system"))
    names = {rule.name for rule in rules} if said.expect.rule is not None else set()
    if said.expect.rule is not None and said.expect.rule not in names:
        work.findings.error(
            (*loc, "expect", "rule"),
            f'unknown rule "{said.expect.rule}"',
            did_you_mean(said.expect.rule, names, "`inseam routes` lists all rules"),
        )
    return Expectation(method or "GET", url, headers, at, expect, work.document.position(loc))

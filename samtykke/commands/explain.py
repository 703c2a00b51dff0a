"""`samtykke explain`: what the proxy would do with a URL, cookie, key or inline script, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from policies.purpose import ACCEPT, REJECT, UNDECIDED, Consent
from policies.rules import CookieName, InlineScript, Rules, StorageKey, decide
from policies.verdict import Request, Verdict
from samtykke.commands.options import ConfigFile, SiteName
from samtykke.config import ConfigError, load_config
from samtykke.plain import plain
from samtykke.wiring import rules_for

_STATES = {"none": UNDECIDED, "reject": REJECT, "accept": ACCEPT}


def register(app: typer.Typer) -> None:
    app.command()(explain)


def explain(
    subject: Annotated[
        str | None, typer.Argument(metavar="URL|cookie:NAME|storage:KEY|inline:-", help="What to explain.")
    ] = None,
    page: Annotated[str | None, typer.Option("--page", metavar="URL", help="The page it happens on.")] = None,
    kind: Annotated[str, typer.Option("--type", help="What a URL is loaded as: script, frame, image ...")] = "script",
    consent: Annotated[str, typer.Option("--consent", help="none, reject, accept or PURPOSE,..")] = "none",
    json_source: Annotated[
        str | None,
        typer.Option(
            "--json",
            metavar="-|FILE",
            help="Read JSON Lines and answer one line each; what a line does not say, the options do.",
        ),
    ] = None,
    site: SiteName = None,
    config: ConfigFile = None,
) -> None:
    """What would be done with this, and why.

    Example: samtykke explain https://www.google-analytics.com/analytics.js --page http://shop.localhost/
    """
    rules = rules_for(load_config(config), site)
    given = consent_named(consent)
    if json_source:
        unsaid = {"page": page, "type": kind}
        lines = sys.stdin if json_source == "-" else _lines(json_source)
        for number, line in enumerate(lines, 1):
            if line.strip():
                typer.echo(json.dumps(_answer_line(rules, line, number, unsaid, given), ensure_ascii=False))
        return
    if subject is None:
        raise ConfigError("say what to explain: a URL, cookie:NAME, storage:KEY or inline:- (or --json -)")
    what, name, value = subject.partition(":")
    if what in {"cookie", "storage", "inline"} and name:
        question = {"kind": what, "value": sys.stdin.read() if what == "inline" and value == "-" else value}
    else:
        question = {"kind": "url", "value": subject, "type": kind}
    try:
        verdict = _decide(rules, question | {"page": page}, given)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    typer.echo(plain(f"{verdict.action}: {verdict.because}"))
    for label, fact in (("tracker", verdict.tracker), ("vendor", verdict.vendor), ("purpose", verdict.purpose)):
        if fact:
            typer.echo(plain(f"  {label}: {fact}"))


def consent_named(text: str) -> Consent:
    """`none`, `reject`, `accept` or purposes joined by commas. Raises ConfigError for anything else."""
    if text in _STATES:
        return _STATES[text]
    try:
        return Consent.of(part.strip() for part in text.split(","))
    except ValueError as error:
        raise ConfigError(f"--consent {text}: {error}; write none, reject, accept or purposes joined by ,") from error


def _answer_line(
    rules: Rules, line: str, number: int, unsaid: dict[str, str | None], consent: Consent
) -> dict[str, Any]:
    try:
        question = json.loads(line)
        said = {key: value for key, value in question.items() if value is not None}
        if "consent" in said:
            consent = Consent.of(said["consent"])
        verdict = _decide(rules, unsaid | said, consent)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f"line {number}: {error}: {line.strip()[:120]}") from error
    return {
        "action": verdict.action,
        "tracker": verdict.tracker,
        "vendor": verdict.vendor,
        "purpose": verdict.purpose,
        "because": verdict.because,
    }


def _decide(rules: Rules, question: dict[str, Any], consent: Consent) -> Verdict:
    return decide(_subject(rules, question), consent, rules)


def _subject(rules: Rules, question: dict[str, Any]) -> Request | CookieName | StorageKey | InlineScript:
    value = str(question["value"])
    match question["kind"]:
        case "cookie":
            return CookieName(value)
        case "storage":
            return StorageKey(value)
        case "inline":
            return InlineScript(value)
        case "url":
            return request_of(value, question.get("page"), question.get("type") or "script", rules)
        case other:
            raise ValueError(f"kind {other!r} is none of url, cookie, storage, inline")


def request_of(url: str, page: str | None, kind: str, rules: Rules) -> Request:
    """A request in the rules' words. Raises ValueError for what is no absolute URL."""
    parts, at = urlsplit(url), urlsplit(page or "")
    if not parts.hostname:
        raise ValueError(f"{url!r} is no absolute URL")
    host = at.hostname or next(iter(rules.hosts), "") or "site.invalid"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Request(url, parts.hostname, path, host, kind, at.path or "/")


def _lines(path: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8") as file:
            yield from file
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error

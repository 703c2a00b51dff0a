"""Content-Security-Policy as the backstop. Strings in, strings out: no I/O.

CSP knows no deny-list. Our own policy is a second header, which can only restrict: per directive the site's own
hosts, the necessary and the consented ones; a directive is left out where unknown third parties may pass. The site's
own policies are edited only where they would keep our own files under /.samtykke/ from a page; every other byte of
them stays. Ours never names form-action (payments, newsletters) and stays below 4 KB.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policies.party import registrable_domain

OWN_PATH = "/.samtykke/"
REPORT_PATH = "/.samtykke/report"
REPORT_GROUP = "samtykke"
LONGEST = 4096
"""Bytes; some servers in between refuse a longer header."""

_DIRECTIVES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("script-src", ("script",), "'self' 'unsafe-inline' 'unsafe-eval' data: blob:"),
    ("worker-src", ("worker", "script"), "'self' data: blob:"),
    ("frame-src", ("frame",), "'self' data: blob:"),
    ("object-src", ("object",), "'self' data: blob:"),
    ("connect-src", ("connect", "ping", "worker"), "'self' data: blob:"),
    ("img-src", ("image",), "'self' data: blob:"),
    ("style-src", ("style",), "'self' 'unsafe-inline' data: blob:"),
    ("font-src", ("font",), "'self' data: blob:"),
    ("media-src", ("media",), "'self' data: blob: mediastream:"),
)
"""Directive, the kinds of load it governs (`policies.verdict.Request`), and what any page may use beside hosts."""
_RUNS_CODE = frozenset({"script-src", "worker-src", "frame-src", "object-src"})
_EVERYTHING = "'self' 'unsafe-inline' 'unsafe-eval' data: blob: mediastream:"

_NEEDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("script-src-elem", ("script-src", "default-src")),
    ("style-src-elem", ("style-src", "default-src")),
    ("connect-src", ("default-src",)),
    ("form-action", ()),
    ("trusted-types", ()),
)
"""What our files and form need, and the directives that speak for it where it is absent (CSP3 6.8.3)."""
_TRUSTED = ("samtykke", "samtykke-banner")
"""Trusted Types policies that the guard and the banner create."""
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")


@dataclass(frozen=True, slots=True)
class Admitted:
    """The site's headers as they are sent on, and the nonce our tags may carry."""

    values: tuple[str, ...]
    nonce: str | None = None


def own_policy(
    hosts: Mapping[str, tuple[str, ...]],
    own_hosts: Iterable[str],
    *,
    code_open: bool = False,
    longest: int = LONGEST,
) -> str | None:
    """Our header. `hosts`: allowed third-party hosts by kind of load.

    `code_open`: unknown third parties may run code (by setting or exempt path), so that part is left out.
    None where nothing is left to say.
    """
    governed = [row for row in _DIRECTIVES if not (code_open and row[0] in _RUNS_CODE)]
    own = _sources({pattern for host in own_hosts for pattern in _family(host)})
    tail = f"report-uri {REPORT_PATH}; report-to {REPORT_GROUP}"

    def directive(name: str, kinds: tuple[str, ...], always: str, found: Mapping[str, tuple[str, ...]]) -> str:
        named = _sources({host for kind in kinds for host in found.get(kind, ())})
        return " ".join(part for part in (name, always, own, named) if part)

    def spelled(found: Mapping[str, tuple[str, ...]]) -> str:
        return "; ".join([*(directive(*row, found) for row in governed), tail])

    full = spelled(hosts)
    if len(full) < longest:
        return full
    wide = {kind: tuple(sorted({p for host in some for p in _family(host)})) for kind, some in hosts.items()}
    widened = spelled(wide)
    if len(widened) < longest:
        return widened
    if not code_open:
        every = {"any": tuple({host for some in wide.values() for host in some})}
        single = "; ".join([directive("default-src", ("any",), _EVERYTHING, every), tail])
        if len(single) < longest:
            return single
    governed = [row for row in governed if row[0] in _RUNS_CODE]
    reduced = spelled(wide)
    return reduced if governed and len(reduced) < longest else None


def _family(host: str) -> tuple[str, ...]:
    """A host's whole site. A name without a dot (localhost) and an IP address stand for themselves alone."""
    site = registrable_domain(host.removeprefix("*.").partition(":")[0])
    return (site, f"*.{site}") if "." in site and not site.rpartition(".")[2].isdigit() else (site,)


def _sources(hosts: set[str]) -> str:
    """Host sources for any port. A host covered by a wildcard beside it is left out."""
    kept = [
        host for host in hosts
        if not any(f"*.{parent}" in hosts and host != f"*.{parent}" for parent in _parents(host.removeprefix("*.")))
    ]  # fmt: skip
    return " ".join(f"{host}:*" for host in sorted(kept) if re.fullmatch(r"[\w*.\-]+", host))


def _parents(host: str) -> list[str]:
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels))]


def admit(values: Iterable[str], origin: str, hashes: tuple[str, ...] = (), *, nonce: str | None = None) -> Admitted:
    """Let /.samtykke/ into the site's own policies at `origin`, changing no more than that.

    `hashes` are those of our scripts (`sha256-...`): the only way into a policy with 'strict-dynamic' and no nonce.
    `nonce` is the one our tags carry already; without it the policies' own first one becomes theirs.
    """
    given = tuple(values)
    if nonce is None:
        found = _NONCE.search(" ".join(part for value in given for part in value.split(";") if "script" in part))
        nonce = found[1] if found else None
    edited = tuple(
        ",".join(_admit_one(policy, origin, nonce, hashes) for policy in value.split(",")) for value in given
    )
    return Admitted(edited, nonce)


def _admit_one(policy: str, origin: str, nonce: str | None, hashes: tuple[str, ...]) -> str:
    directives = policy.split(";")
    where: dict[str, int] = {}
    for index, text in enumerate(directives):
        words = text.split()
        if words:
            where.setdefault(words[0].lower(), index)
    for name, fallbacks in _NEEDS:
        speaking = next((key for key in (name, *fallbacks) if key in where), None)
        if speaking is None:
            continue
        text = directives[where[speaking]]
        sources = text.split()[1:]
        wanted = _wanted(name, sources, origin, nonce, hashes)
        if wanted is None:
            continue
        kept = " ".join(source for source in sources if source.lower() != "'none'")
        if speaking == "default-src":
            new = name.removesuffix("-elem")
            where[new] = len(directives)
            directives.append(f" {new} {kept} {wanted}".replace("  ", " "))
        elif len(kept) == len(" ".join(sources)):
            directives[where[speaking]] = f"{text.rstrip()} {wanted}"
        else:
            directives[where[speaking]] = f" {text.split()[0]} {kept} {wanted}".replace("  ", " ")
    return ";".join(directives)


def _wanted(name: str, sources: list[str], origin: str, nonce: str | None, hashes: tuple[str, ...]) -> str | None:
    """The source our files still need in this list, or None where they get in already."""
    lower = {source.lower() for source in sources}
    if name in {"script-src-elem", "style-src-elem"} and nonce and f"'nonce-{nonce}'" in sources:
        return None
    if name == "trusted-types":
        missing = [each for each in _TRUSTED if each not in sources]
        return None if "*" in sources else " ".join(missing) or None
    if name == "script-src-elem" and "'strict-dynamic'" in lower:
        return " ".join(f"'{one}'" for one in hashes if f"'{one}'" not in sources) or None
    scheme, _, host = origin.partition("://")
    if lower & {"*", "'self'", f"{scheme}:", origin, host}:
        return None
    return origin + OWN_PATH


def admit_written(policy: str, origin: str, hashes: tuple[str, ...]) -> str:
    """A policy in a `meta` element, which governs what stands after it: our banner, its form, its files.

    By address, not by nonce: the document may be remembered, and its nonce is another's.
    """
    return ",".join(_admit_one(one, origin, None, hashes) for one in policy.split(","))


def admit_frames(policy: str, hosts: Iterable[str], longest: int = LONGEST) -> str:
    """Our own policy with these hosts for frames and objects: where a placeholder offers to load one, it must load.

    A loaded page's policy cannot be loosened, and a reload for one video would lose what the visitor was doing. The
    same policy where it would become too long.
    """
    directives = policy.split("; ")
    for index, text in enumerate(directives):
        words = text.split(" ")
        if words[0] in {"frame-src", "object-src"}:
            known = [word.removesuffix(":*") for word in words]
            more = {host for host in hosts if host not in known and f"*.{host.partition('.')[2]}" not in known}
            directives[index] = " ".join(part for part in (text, _sources(more)) if part)
    longer = "; ".join(directives)
    return longer if len(longer) < longest else policy


def quiet_downgrade(value: str) -> str:
    """A policy without upgrade-insecure-requests: behind a plain-http front it would break every file of the site."""
    kept = [part for part in value.split(";") if part.strip().lower() != "upgrade-insecure-requests"]
    return ";".join(kept)

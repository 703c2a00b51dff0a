"""What is known about one exchange while it passes the gates: whose it is, what was decided, what was stripped.

A plain record. It is begun by `arrival`, read and filled by the gates, and its notes go to log and evidence at the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from policies.purpose import Consent
from policies.rules import Rules
from policies.verdict import Verdict

Role = Literal["page", "frame", "fragment", "worker", "file"]
"""What a browser fetches an answer for: a top-level document, a framed one, markup for a script, a worker, the rest."""

_ROLES: dict[bytes, Role] = {
    b"document": "page",
    b"iframe": "frame", b"frame": "frame", b"embed": "frame", b"object": "frame", b"fencedframe": "frame",
    b"worker": "worker", b"sharedworker": "worker", b"serviceworker": "worker",
    b"empty": "fragment",
}  # fmt: skip


def role_of(destination: bytes | None, method: str, accept: bytes | None, by_script: bool) -> Role:
    """The role by `Sec-Fetch-Dest` (Fetch Metadata), or where a browser does not send it, by what navigation looks
    like. `by_script`: the request carries a mark of htmx, Turbo or jQuery."""
    if destination is not None:
        return _ROLES.get(destination.strip().lower(), "file")
    if by_script:
        return "fragment"
    if method in {"GET", "HEAD", "POST"} and (accept is None or b"html" in accept or b"*/*" in accept):
        return "page"
    return "fragment"


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What is stripped together each time, so that it is counted as one."""

    what: str
    verdicts: tuple[Verdict, ...]


@dataclass(slots=True)
class Exchange:
    """`host` is the visitor's Host, `path` the path without query, `now` UTC epoch seconds."""

    site: str
    rules: Rules
    consent: Consent
    method: str
    scheme: str
    host: str
    path: str
    role: Role
    now: float
    request_id: str
    own_csp: Callable[[Consent, bool, bool, str], str | None]
    """Our policy header by consent, whether consentable hosts are named, whether the path is exempt, page host."""
    navigates: bool = False
    """Is this surely a browser opening a page or frame? Then the answer is wanted whole and unconditionally."""
    render: Literal["private", "shared"] = "private"
    csp_undecided: Literal["consentable", "strict"] = "consentable"
    csp_enforced: bool = True
    """Does our policy refuse, or only report?"""
    consent_header: bool = False
    nonce: str | None = None
    """The site's own CSP nonce, once its answer is here."""
    fresh: bool = False
    """The document holds something that expires (a notice token): it must not be revived by a 304."""
    script_hashes: tuple[str, ...] = ()
    """`sha256-...` of our scripts, for policies that take nothing else."""
    notes: list[tuple[str, Verdict]] = field(default_factory=list)
    """What was stripped, and what consent let through; the site's own and the unknown are not noted."""
    tally: Tally | None = None
    """What was stripped from a document that was rewritten before."""
    sightings: list[tuple[str, str]] = field(default_factory=list)

    @property
    def variant(self) -> str:
        """Short hash of everything that makes this visitor's document differ from another's."""
        return _variant(self.rules.policy_hash, self.consent, self.role)

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def page_host(self) -> str:
        """The host without its port."""
        host = self.host
        return host[: host.index("]") + 1] if host.startswith("[") else host.partition(":")[0]

    @property
    def exempt(self) -> bool:
        """Is the page on one of the site's exempt paths?"""
        paths = self.rules.exempt_paths
        return any(self.path == path or self.path.startswith(path.rstrip("/") + "/") for path in paths)

    def note(self, what: str, verdict: Verdict) -> None:
        """Something was decided: `cookie_set`, `cookie_sent`, `link`, `html` ..."""
        if not verdict.allowed or (verdict.known and verdict.tracker is not None):
            self.notes.append((what, verdict))

    @property
    def stripped(self) -> dict[str, int]:
        """How many things of each kind did not pass: `cookie_set`, `html` ..."""
        return stripped(self.notes, self.tally)

    def unknown(self, kind: str, subject: str) -> None:
        """Something nobody knows passed by: for the sightings."""
        self.sightings.append((kind, subject))


def stripped(notes: Iterable[tuple[str, Verdict]], tally: Tally | None) -> dict[str, int]:
    """How many things of each kind did not pass."""
    found = {tally.what: len(tally.verdicts)} if tally is not None else {}
    for what, verdict in notes:
        if not verdict.allowed:
            found[what] = found.get(what, 0) + 1
    return found


@lru_cache(maxsize=1024)
def _variant(policy_hash: str | None, consent: Consent, role: Role) -> str:
    granted = ",".join(sorted(consent.purposes))
    text = f"{policy_hash}|{granted}|{consent.vendors}|{consent.decided}|{role}"
    return hashlib.sha256(text.encode()).hexdigest()[:10]

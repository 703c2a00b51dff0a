"""Does the log still say what it said when it was written? `verify` brings the pages that chain_check judges.

What it proves: every row is there, in order, unaltered, back to the origin or to a signed boundary, and up to the
newest checkpoint nobody has cut off or replaced the end. What it does not prove: that nobody who holds the signing key
*and* the database *and* every copy of the checkpoints has rewritten all of them, nor anything about rows younger than
the newest checkpoint having been cut off.

Long chains are judged in stretches by a process for each processor. Only a "yes" is taken from them: each reads a
snapshot of its own, so whatever looks odd there is judged once more, row by row, in one snapshot.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from proxy.consent.log import boundary, checkpoints, store
from proxy.consent.log.chain import Answers, Head, Quoted, record_of
from proxy.consent.log.chain_check import ChainCheck, Expected, Fault
from proxy.consent.log.opening import store_of
from proxy.consent.log.stretches import Division, joined


@dataclass(frozen=True, slots=True)
class Verification:
    """The contract's answer, and besides: how many faults there were, rows erased, and notices whose bytes are gone."""

    rows: int
    chains: int
    first_bad: Fault | None
    faults: int
    checkpoints_seen: int
    checkpoints_matched: int
    erased: int
    notices_missing: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.first_bad is None

    @property
    def remarks(self) -> list[str]:
        """What is no fault in a row, and yet lessens what the log can prove."""
        said = []
        if self.notices_missing:
            names = ", ".join(self.notices_missing)
            said.append(f"notices that rows name are not kept, so what was shown cannot be shown again: {names}")
        if self.rows and not self.checkpoints_seen:
            said.append("no checkpoint was found: a log that was cut off at its end, or rewritten, would look the same")
        return said

    def as_dict(self) -> dict[str, object]:
        return {
            "rows": self.rows,
            "chains": self.chains,
            "ok": self.ok,
            "first_bad": None if self.first_bad is None else self.first_bad.as_dict(),
            "checkpoints": {"seen": self.checkpoints_seen, "matched": self.checkpoints_matched},
            "faults": self.faults,
            "erased": self.erased,
            "notices_missing": list(self.notices_missing),
            "remarks": self.remarks,
        }


async def verify(
    source: str | Path,
    public_keys: Mapping[str, bytes],
    checkpoint_folder: Path,
    *,
    site: str | None = None,
    division: Division | None = None,
) -> Verification:
    """Check a log by its URL, or an export (JSON Lines) by its path. `division`: how long chains are shared out.

    With `site` only its chain, the notices its rows name and the checkpoints that speak of it; a checkpoint that
    proves nothing is a fault all the same. Raises LogUnavailable (cannot be reached), OSError (export or checkpoints
    cannot be read), ValueError (bad URL).
    """
    lines = await asyncio.to_thread(lambda: list(checkpoints.read(checkpoint_folder, public_keys)))
    expected = Expected.of(lines if site is None else _speaking_of(site, lines))
    if isinstance(source, Path):
        return await asyncio.to_thread(_of_export, source, expected, site)
    return await _of_store(source, expected, public_keys, site, division or Division.of_this_machine())


def _speaking_of(chain: str, lines: Iterable[checkpoints.Checkpoint]) -> Iterator[checkpoints.Checkpoint]:
    """What the checkpoints say about one chain, and those that are at fault."""
    for line in lines:
        heads = {chain: line.heads[chain]} if chain in line.heads else {}
        if heads or line.fault is not None:
            yield replace(line, heads=heads)


async def _of_store(
    url: str, expected: Expected, public_keys: Mapping[str, bytes], site: str | None, division: Division
) -> Verification:
    database = store_of(url, read_only=True)
    checks: list[ChainCheck] = []
    faults = list(expected.faults)
    missing: set[str] = set()
    quoted, answers = Quoted(), Answers()
    try:
        async with database.reading() as session:
            present = [chain for chain in await store.chains(session) if site in (None, chain)]
            for chain in present:
                start, unsound = await boundary.newest(session, chain, public_keys)
                faults += [Fault(chain, seq, what) for seq, what in unsound]
                check = await joined(url, start, (await store.head(session, chain)).seq, expected, division)
                if check is None:
                    check = ChainCheck(start, expected, quoted, answers)
                    await _fed(check, session)
                    check.close()
                checks.append(check)
            faults += [
                Fault(chain, 1, f"the whole chain is gone: a checkpoint has seen {max(expected.claims[chain])} rows")
                for chain in sorted(expected.claims.keys() - set(present))
            ]
            for chain in expected.claims.keys() - set(present):
                expected.disown(chain)
            named = set().union(*(check.notices for check in checks))
            stored, altered = await _notices(session, None if site is None else named)
            faults += altered
            missing = named - stored
    except store.LogUnavailable as error:
        if not _damage(error.reason):
            raise
        faults.append(Fault(None, None, f"the database is damaged: {error.reason}"))
    finally:
        await database.close()
    return _verification(checks, faults, expected, missing)


async def _fed(check: ChainCheck, session: store.Session) -> None:
    """A page that cannot be read is damage like any other, and its first bad row is found; a lost server is not."""
    try:
        async for page in store.records(session, check.chain):
            check.feed(page)
    except store.LogUnavailable as error:
        if not _damage(error.reason):
            raise
        with suppress(store.LogUnavailable):
            async for page in store.records(session, check.chain, first=check.next, size=1):
                check.feed(page)
        check.unreadable(error.reason)


def _damage(reason: str) -> bool:
    return any(word in reason for word in ("malformed", "decode", "corrupt", "invalid page", "no SQLite database"))


async def _notices(session: store.Session, only: set[str] | None) -> tuple[set[str], list[Fault]]:
    """(the notices that are kept, those whose bytes were altered); all of them where `only` is None."""
    stored: set[str] = set()
    altered: list[Fault] = []
    for (hash_,) in await session.fetch("SELECT hash FROM consent_notice ORDER BY hash"):
        if only is not None and hash_ not in only:
            continue
        for (kept,) in await session.fetch("SELECT content FROM consent_notice WHERE hash = ?", (hash_,)):
            stored.add(hash_)
            if sha256(kept).hexdigest() != hash_:
                altered.append(Fault(None, None, f"the bytes kept of notice {hash_} were altered"))
    return stored, altered


def _of_export(path: Path, expected: Expected, site: str | None) -> Verification:
    """An export is a stretch of each chain: what lies before and after it is outside what can be judged."""
    checks: dict[str, ChainCheck] = {}
    faults = list(expected.faults)
    leading: Fault | None = None
    quoted, answers = Quoted(), Answers()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                record = record_of(json.loads(line))
            except (ValueError, TypeError, RecursionError) as error:
                faults.append(Fault(None, None, f"line {number} of {path.name} is no exported row: {error}"))
                if leading is None and not any(check.faults for check in checks.values()):
                    leading = faults[-1]
                continue
            if site not in (None, record[0]):
                continue
            check = checks.get(record[0])
            if check is None:
                start = Head(record[0], record[1] - 1, record[20])
                check = checks[record[0]] = ChainCheck(start, expected, quoted, answers, whole=False)
            check.feed((record,))
    for check in checks.values():
        check.close()
    for chain in expected.claims.keys() - checks.keys():
        expected.disown(chain)
    return _verification(list(checks.values()), faults, expected, set(), leading)


def _verification(
    checks: Sequence[ChainCheck],
    faults: Sequence[Fault],
    expected: Expected,
    missing: set[str],
    leading: Fault | None = None,
) -> Verification:
    """Faults in rows are named before faults in what stands beside them; `leading` comes before both."""
    in_rows = [check.first for check in checks if check.first is not None]
    ordered = [*([leading] if leading else []), *in_rows, *faults]
    return Verification(
        rows=sum(check.rows for check in checks),
        chains=len(checks),
        first_bad=ordered[0] if ordered else None,
        faults=sum(check.faults for check in checks) + len(faults),
        checkpoints_seen=expected.seen,
        checkpoints_matched=len(expected.matched),
        erased=sum(check.erased for check in checks),
        notices_missing=tuple(sorted(missing)),
    )

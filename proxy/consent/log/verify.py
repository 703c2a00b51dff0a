"""Does the log still say what it said when it was written? Pure checks, fed page by page; `verify` brings the pages.

What it proves: every row is there, in order, unaltered, back to the origin or to a signed boundary, and up to the
newest checkpoint nobody has cut off or replaced the end. What it does not prove: that nobody who holds the signing key
*and* the database *and* every copy of the checkpoints has rewritten all of them, nor anything about rows younger than
the newest checkpoint having been cut off.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from proxy.consent.log import boundary, checkpoints, store
from proxy.consent.log.chain import Answers, Head, Quoted, Record, content, linked, personal, record_of
from proxy.consent.log.opening import store_of

_NEARBY = 1000
"""How far a displaced row is looked for, so that "reordered" can be told from "replaced"."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place. `row` is the seq in the chain; both are None for a fault outside the rows."""

    chain: str | None
    row: int | None
    what: str

    def as_dict(self) -> dict[str, object]:
        return {"chain": self.chain, "row": self.row, "what": self.what}


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
        }


@dataclass
class Expected:
    """What the sound checkpoints say about each chain: seq -> the hashes and the lines that claim them."""

    seen: int = 0
    faults: list[Fault] = field(default_factory=list)
    matched: set[int] = field(default_factory=set)
    times: list[str] = field(default_factory=list)
    claims: dict[str, dict[int, list[tuple[bytes, int]]]] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[checkpoints.Checkpoint]) -> Expected:
        expected = cls()
        for line in lines:
            number, expected.seen = expected.seen, expected.seen + 1
            expected.times.append(line.time)
            if line.fault is not None:
                expected.faults.append(Fault(None, None, f"checkpoint {line.where} {line.fault}"))
                continue
            expected.matched.add(number)
            for chain, (seq, hash_) in line.heads.items():
                expected.claims.setdefault(chain, {}).setdefault(seq, []).append((hash_, number))
        return expected

    def disown(self, chain: str, *, below: int = 2**63, above: int = -1) -> None:
        """Checkpoints of rows that are not there to compare (pruned, cut off, outside an export) count as unmatched."""
        for seq, claims in self.claims.get(chain, {}).items():
            if above < seq < below:
                self.matched.difference_update(number for _, number in claims)


class ChainCheck:
    """Feed it the records of one chain in order, then close it. Keeps only the last hash and the erased places."""

    def __init__(
        self, start: Head, expected: Expected, quoted: Quoted, answers: Answers, *, whole: bool = True
    ) -> None:
        self.chain = start.chain
        self.rows = 0
        self.erased = 0
        self.faults = 0
        self.first: Fault | None = None
        self.notices: set[str] = set()
        self._seq, self._hash = start.seq, start.hash
        self._start = start.seq
        self._whole = whole
        self._expected = expected
        self._claims = expected.claims.get(start.chain, {})
        self._quoted = quoted
        self._answers = answers
        self._unexplained: dict[int, None] = {}
        if whole:
            self._claimed(start.seq, start.hash)

    def feed(self, records: Sequence[Record]) -> None:
        """Judge the next records. This loop is what a million rows wait for: no call that can be spared."""
        quoted, answers, claims, notices = self._quoted, self._answers, self._claims, self.notices
        unexplained = self._unexplained
        seq, hash_ = self._seq, self._hash
        for record in records:
            salt, commitment, prev = record[18], record[19], record[20]
            try:
                sound = (
                    record[1] == seq + 1
                    and prev == hash_
                    and sha256(prev + content(record, quoted)).digest() == record[21]
                    and (salt is None or sha256(salt + personal(record, quoted)).digest() == commitment)
                    and answers[record[5]]
                    and answers[record[6]]
                )
            except (TypeError, ValueError, AttributeError):
                sound = False
            if not sound:
                self._diagnose(record, seq, hash_)
            seq, hash_ = record[1], record[21]
            if seq in claims:
                self._claimed(seq, hash_)
            if record[10] is not None:
                notices.add(record[10])
            if salt is None:
                unexplained[seq] = None
                self.erased += 1
                if record[14:18] != (None, None, None, None):
                    self._fault(
                        seq, "holds subject, path, ip or agent although its salt is gone: it was put in afterwards"
                    )
            if record[4] == "erase":
                self._explained(seq, record[13])
        self._seq, self._hash = seq, hash_
        self.rows += len(records)

    def close(self) -> None:
        """No more rows: is the end where the checkpoints say, and was everything erased on the record?"""
        self._expected.disown(self.chain, below=self._start)
        self._expected.disown(self.chain, above=self._seq)
        if not self._whole:
            return
        for seq in self._unexplained:
            self._fault(seq, "its salt and personal fields were removed, and no later erase row says so")
        if newest := max((seq for seq in self._claims if seq > self._seq), default=0):
            time = self._expected.times[self._claims[newest][-1][1]]
            cut = self._seq + 1
            self._fault(
                cut, f"rows {cut} to {newest} at least were cut off: the checkpoint of {time} has seen {newest}"
            )

    @property
    def next(self) -> int:
        """The seq expected next."""
        return self._seq + 1

    def unreadable(self, reason: str) -> None:
        """The database could not even hand out the next row."""
        self._fault(self.next, f"cannot be read: {reason}")

    def _claimed(self, seq: int, hash_: bytes) -> None:
        for claimed, number in self._claims.get(seq, ()):
            if claimed != hash_:
                self._expected.matched.discard(number)
                time = self._expected.times[number]
                self._fault(seq, f"is not the row that the checkpoint of {time} has signed: the log was rewritten")

    def _explained(self, seq: int, detail: str | None) -> None:
        try:
            rows = [int(row) for row in json.loads(detail or "{}")["rows"]]
        except (ValueError, KeyError, TypeError):
            self._fault(seq, "is an erase row that does not say which rows it erased")
            return
        for row in rows:
            if row in self._unexplained:
                del self._unexplained[row]
            elif row > self._start:
                self._fault(row, f"was erased by row {seq}, yet its personal fields are back: was a backup restored?")

    def _diagnose(self, record: Record, seq: int, hash_: bytes) -> None:
        try:
            self._fault(*_what(record, Head(self.chain, seq, hash_), self._start, self._quoted))
        except (TypeError, ValueError, AttributeError) as error:
            self._fault(seq + 1, f"cannot be read as a row: {error}")

    def _fault(self, row: int, what: str) -> None:
        self.faults += 1
        if self.first is None or row < (self.first.row or 0):
            self.first = Fault(self.chain, row, what)


def _what(record: Record, before: Head, start: int, quoted: Quoted) -> tuple[int, str]:
    """Which row to name, and what was done to it, given the place and hash of the row before."""
    seq = record[1]
    if seq <= before.seq:
        return before.seq + 1, f"row {seq} stands after row {before.seq}: rows were reordered or doubled"
    if seq > before.seq + 1:
        many = "row is" if seq == before.seq + 2 else f"rows up to {seq - 1} are"
        return before.seq + 1, f"{many} missing: deleted"
    if linked(record, quoted) != record[21]:
        for other in range(max(1, seq - _NEARBY), seq + _NEARBY):
            if linked((record[0], other, *record[2:]), quoted) == record[21]:
                return seq, f"holds what was written as row {other}: rows were reordered, or one was taken out"
        return seq, "its content no longer gives its hash: the row was edited"
    if record[20] != before.hash:
        if before.seq > start:
            return before.seq, f"its hash is not the one that row {seq} continues: the row was edited and hashed anew"
        return seq, "does not continue the origin or the signed boundary before it"
    if record[18] is not None and sha256(record[18] + personal(record, quoted)).digest() != record[19]:
        return seq, "its subject, path, ip or agent no longer fits its commitment: the row was edited"
    return seq, "its purposes or vendors are no canonical JSON: the row was edited"


async def verify(source: str | Path, public_keys: Mapping[str, bytes], checkpoint_folder: Path) -> Verification:
    """Check a log by its URL, or an export (JSON Lines) by its path.

    Raises LogUnavailable (cannot be reached), OSError (export or checkpoints cannot be read), ValueError (bad URL).
    """
    lines = await asyncio.to_thread(lambda: list(checkpoints.read(checkpoint_folder, public_keys)))
    expected = Expected.of(lines)
    if isinstance(source, Path):
        return await asyncio.to_thread(_of_export, source, expected)
    return await _of_store(source, expected, public_keys)


async def _of_store(url: str, expected: Expected, public_keys: Mapping[str, bytes]) -> Verification:
    database = store_of(url, read_only=True)
    checks: list[ChainCheck] = []
    faults = list(expected.faults)
    missing: set[str] = set()
    quoted, answers = Quoted(), Answers()
    try:
        async with database.reading() as session:
            present = await store.chains(session)
            for chain in present:
                start, unsound = await boundary.newest(session, chain, public_keys)
                faults += [Fault(chain, seq, what) for seq, what in unsound]
                check = ChainCheck(start, expected, quoted, answers)
                checks.append(check)
                await _fed(check, session)
                check.close()
            faults += [
                Fault(chain, 1, f"the whole chain is gone: a checkpoint has seen {max(expected.claims[chain])} rows")
                for chain in sorted(expected.claims.keys() - set(present))
            ]
            for chain in expected.claims.keys() - set(present):
                expected.disown(chain)
            stored, altered = await _notices(session)
            faults += altered
            missing = set().union(*(check.notices for check in checks)) - stored
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


async def _notices(session: store.Session) -> tuple[set[str], list[Fault]]:
    stored: set[str] = set()
    altered: list[Fault] = []
    for (hash_,) in await session.fetch("SELECT hash FROM consent_notice ORDER BY hash"):
        for (kept,) in await session.fetch("SELECT content FROM consent_notice WHERE hash = ?", (hash_,)):
            stored.add(hash_)
            if sha256(kept).hexdigest() != hash_:
                altered.append(Fault(None, None, f"the bytes kept of notice {hash_} were altered"))
    return stored, altered


def _of_export(path: Path, expected: Expected) -> Verification:
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

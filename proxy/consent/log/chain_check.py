"""One chain judged row by row against what its checkpoints have signed. Pure: pages of records in, nothing is read.

A chain may be judged in stretches, by several processes at once: `stretch` says what a check has found of its part, and
`join` continues one check by the stretch that begins where it ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from proxy.consent.log import checkpoints
from proxy.consent.log.chain import Answers, Head, Quoted, Record, content, linked, personal

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


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one check has found of its part of a chain: from behind `begin` to `end`, both as (seq, hash).

    `passed` are the hashes at the places it was asked to note, `erased` the rows whose salt is gone, `unexplained`
    those of them that no later row of the stretch accounts for, `earlier` rows before it that one of its rows says
    were erased. One fault spoils a stretch: which row it is, and what was done, is for the check of the whole chain.
    """

    begin: tuple[int, bytes]
    end: tuple[int, bytes]
    rows: int
    faults: int
    erased: int
    notices: frozenset[str]
    passed: tuple[tuple[int, bytes], ...]
    unexplained: tuple[int, ...]
    earlier: tuple[int, ...]


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
        self._begin = (start.seq, start.hash)
        self._start = start.seq
        self._whole = whole
        self._expected = expected
        self._claims = expected.claims.get(start.chain, {})
        self._quoted = quoted
        self._answers = answers
        self._unexplained: dict[int, None] = {}
        self._passed: list[tuple[int, bytes]] = []
        self._earlier: list[int] = []
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
                self._said_erased(seq, record[13])
        self._seq, self._hash = seq, hash_
        self.rows += len(records)

    def stretch(self) -> Stretch:
        """What was found so far, for the check that `join`s it."""
        return Stretch(
            self._begin,
            (self._seq, self._hash),
            self.rows,
            self.faults,
            self.erased,
            frozenset(self.notices),
            tuple(self._passed),
            tuple(self._unexplained),
            tuple(self._earlier),
        )

    def join(self, part: Stretch) -> bool:
        """Go on by a stretch that was judged elsewhere. False, and nothing to rely on, unless it is sound and fits."""
        if part.faults or part.begin != (self._seq, self._hash):
            return False
        for seq, hash_ in part.passed:
            self._claimed(seq, hash_)
        self._explained(part.begin[0] + 1, part.earlier)
        self._unexplained.update(dict.fromkeys(part.unexplained))
        self.notices |= part.notices
        self.rows += part.rows
        self.erased += part.erased
        self._seq, self._hash = part.end
        return not self.faults

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
        self._passed.append((seq, hash_))
        for claimed, number in self._claims.get(seq, ()):
            if claimed != hash_:
                self._expected.matched.discard(number)
                time = self._expected.times[number]
                self._fault(seq, f"is not the row that the checkpoint of {time} has signed: the log was rewritten")

    def _said_erased(self, seq: int, detail: str | None) -> None:
        try:
            rows = [int(row) for row in json.loads(detail or "{}")["rows"]]
        except (ValueError, KeyError, TypeError):
            self._fault(seq, "is an erase row that does not say which rows it erased")
            return
        self._explained(seq, rows)

    def _explained(self, seq: int, rows: Iterable[int]) -> None:
        for row in rows:
            if row in self._unexplained:
                del self._unexplained[row]
            elif row > self._start:
                self._fault(row, f"was erased by row {seq}, yet its personal fields are back: was a backup restored?")
            else:
                self._earlier.append(row)

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

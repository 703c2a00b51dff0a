"""What is hashed, and how rows hang together. Pure: bytes and texts in, bytes out; salts are passed in.

A *record* is a row as the databases keep it: one tuple in the order of COLUMNS. Its *content* is canonical JSON of
everything but the personal fields; for those it holds a commitment, SHA-256 over a random salt and their canonical
JSON. The row's hash is SHA-256 over the previous row's hash (32 bytes, zeros for the first) and the content. Destroy
the salt and the personal fields, and the commitment says nothing any more while every hash still fits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from json.encoder import encode_basestring

from proxy.consent.log.event import Event, Row, canonical, stamp

ORIGIN = bytes(32)
SALT_BYTES = 16
COLUMNS = (
    "chain",
    "seq",
    "time",
    "site",
    "event",
    "purposes",
    "vendors",
    "language",
    "surface",
    "method",
    "notice",
    "policy",
    "nonce",
    "detail",
    "path",
    "subject",
    "ip",
    "agent",
    "salt",
    "commitment",
    "prev",
    "hash",
)
Text = str | None
Record = tuple[
    str, int, str, str, str, str, str, str, str, str, Text, Text, Text, Text,
    Text, Text, Text, Text, bytes | None, bytes, bytes, bytes,
]  # fmt: skip
"""One row as kept; `purposes`, `vendors` and `detail` are canonical JSON texts."""

_SMALL_STEP = timedelta(seconds=5)


class Quoted(dict[str | None, str]):
    """Text -> JSON text, remembered: languages, hashes and agents repeat a million times. Never above 4096 entries."""

    def __missing__(self, text: str | None) -> str:
        if len(self) >= 4096:
            self.clear()
        quoted = self[text] = "null" if text is None else encode_basestring(text)
        return quoted


class Answers(dict[str, bool]):
    """Is this text the canonical JSON of an object? Remembered like Quoted."""

    def __missing__(self, text: str) -> bool:
        if len(self) >= 4096:
            self.clear()
        try:
            value = json.loads(text)
            fine = isinstance(value, dict) and canonical(value) == text
        except (ValueError, RecursionError):
            fine = False
        self[text] = fine
        return fine


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row of a chain, or where it starts: `seq` 0, hash of zeros."""

    chain: str
    seq: int = 0
    hash: bytes = ORIGIN
    time: str = ""


def personal(record: Record, quoted: Quoted) -> bytes:
    """Canonical JSON of the fields that identify; of these only the coarse agent repeats often."""
    path, subject, ip, agent = record[14:18]
    return (
        f'{{"agent":{quoted[agent]},"ip":{"null" if ip is None else encode_basestring(ip)},'
        f'"path":{"null" if path is None else encode_basestring(path)},'
        f'"subject":{"null" if subject is None else encode_basestring(subject)}}}'
    ).encode()


def content(record: Record, quoted: Quoted) -> bytes:
    """Canonical JSON of everything else and of the commitment: what the chain protects."""
    (
        chain, seq, time, site, event, purposes, vendors, language, surface, method, notice, policy, nonce, detail,
        _path, _subject, _ip, _agent, _salt, commitment, _prev, _hash,
    ) = record  # fmt: skip
    return (
        f'{{"chain":{quoted[chain]},"commitment":"{commitment.hex()}","detail":{"null" if detail is None else detail},'
        f'"event":{quoted[event]},"language":{quoted[language]},"method":{quoted[method]},'
        f'"nonce":{"null" if nonce is None else encode_basestring(nonce)},"notice":{quoted[notice]},'
        f'"policy":{quoted[policy]},"purposes":{purposes},"seq":{seq},"site":{quoted[site]},'
        f'"surface":{quoted[surface]},"time":{encode_basestring(time)},"vendors":{vendors}}}'
    ).encode()


def extended(head: Head, events: Iterable[Event], salt: Callable[[int], bytes], quoted: Quoted) -> list[Record]:
    """The records that append these events, in this order, to the chain whose newest row is `head`.

    Requests overtake each other by microseconds between clock and commit; within five seconds a row's time never
    precedes the one before, so that a range of times is a range of rows. A clock that was set back shows.
    """
    records: list[Record] = []
    for event in events:
        time = _not_before(event.time, head.time)
        record: Record = (
            head.chain, head.seq + 1, time, event.site, event.event,
            canonical(event.purposes), canonical(event.vendors), event.language, event.surface, event.method,
            event.notice, event.policy, event.nonce, None if event.detail is None else canonical(event.detail),
            event.path, event.subject, event.ip, event.agent, salt(SALT_BYTES), b"", head.hash, b"",
        )  # fmt: skip
        record = (*record[:19], committed(record, quoted), *record[20:])
        record = (*record[:21], linked(record, quoted))
        head = Head(head.chain, head.seq + 1, record[21], time)
        records.append(record)
    return records


def committed(record: Record, quoted: Quoted) -> bytes:
    """The commitment to the personal fields under the record's salt."""
    return sha256((record[18] or b"") + personal(record, quoted)).digest()


def linked(record: Record, quoted: Quoted) -> bytes:
    """The hash of a record: over its `prev` and its content."""
    return sha256(record[20] + content(record, quoted)).digest()


def row_of(record: Record) -> Row:
    """The record as people and exports see it."""
    (
        chain, seq, time, site, event, purposes, vendors, language, surface, method, notice, policy, nonce, detail,
        path, subject, ip, agent, salt, commitment, prev, hash_,
    ) = record  # fmt: skip
    return Row(
        f"{chain}/{seq}", chain, seq, time, site, path, subject, event, json.loads(purposes), json.loads(vendors),
        language, surface, method, notice, policy, ip, agent, prev.hex(), hash_.hex(), nonce,
        None if detail is None else json.loads(detail), commitment.hex(), None if salt is None else salt.hex(),
    )  # fmt: skip


def record_of(row: Mapping[str, object]) -> Record:
    """An exported row back as it was kept. Raises ValueError naming the key that is missing or no such thing."""
    if missing := [name for name in COLUMNS if name not in row]:
        raise ValueError(f"lacks {', '.join(missing)}")
    values: list[object] = []
    for name in COLUMNS:
        value = row[name]
        if name in _OBJECTS:
            value = canonical(value) if isinstance(value, dict) else value
        elif name in _BYTES and isinstance(value, str):
            value = bytes.fromhex(value)
        if not isinstance(value, _TYPES.get(name, str)) or isinstance(value, bool):
            raise ValueError(f"{name} is {row[name]!r}")  # noqa: TRY004  a line of a file, not an argument
        values.append(value)
    return tuple(values)  # type: ignore[return-value]  # every value was checked against its column's type above


_OBJECTS = frozenset({"purposes", "vendors", "detail"})
_BYTES = frozenset({"salt", "commitment", "prev", "hash"})
_MAY_BE_NONE = ("notice", "policy", "nonce", "detail", "path", "subject", "ip", "agent")
_TYPES: dict[str, tuple[type, ...]] = {
    "seq": (int,),
    "salt": (bytes, type(None)),
    **dict.fromkeys(("commitment", "prev", "hash"), (bytes,)),
    **dict.fromkeys(_MAY_BE_NONE, (str, type(None))),
}


def _not_before(time: datetime, previous: str) -> str:
    written = stamp(time)
    if written >= previous:
        return written
    return previous if stamp(time + _SMALL_STEP) >= previous else written

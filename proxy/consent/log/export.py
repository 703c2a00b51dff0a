"""Rows as JSON Lines or CSV, and a signed manifest that counts them. Pure but for the `write` it is given.

The same range of the same log always gives the same bytes. Each row carries the schema's number. The manifest stands
apart from the rows, so that every line of an export is a row: schema, range asked for, rows per event, the first and
last row of each chain, and the SHA-256 of the bytes written.
"""

from __future__ import annotations

import base64
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from hashlib import sha256
from typing import Literal

from proxy.consent.log.event import ROW_KEYS, SCHEMA, Row, canonical, stamp
from runtime.keys import Keys

Format = Literal["jsonl", "csv"]
_SIGNED = b"samtykke export 1\n"
_GROUP = 1000
COLUMNS = (*ROW_KEYS, "schema")


def jsonl_line(row: Row) -> str:
    """One row as one line of canonical JSON."""
    return canonical(row.as_dict()) + "\n"


def csv_header() -> str:
    return ",".join(COLUMNS) + "\r\n"


def csv_line(row: Row) -> str:
    """One row by RFC 4180; objects as canonical JSON, null as nothing.

    A text that a spreadsheet would take for a formula gets an apostrophe in front: a path is the visitor's to choose.
    """
    line = io.StringIO()
    csv.writer(line).writerow([_cell(value) for value in row.as_dict().values()])
    return line.getvalue()


async def write_export(
    rows: AsyncIterator[Row],
    write: Callable[[bytes], object],
    form: Format,
    keys: Keys,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    site: str | None = None,
) -> dict[str, object]:
    """Write every row as it comes, a thousand at a time; returns the manifest. `write` may raise what it likes."""
    line_of = jsonl_line if form == "jsonl" else csv_line
    digest = sha256()
    events: Counter[str] = Counter()
    chains: dict[str, dict[str, object]] = {}
    pending = [csv_header()] if form == "csv" else []

    def flush() -> None:
        piece = "".join(pending).encode()
        pending.clear()
        digest.update(piece)
        write(piece)

    async for row in rows:
        pending.append(line_of(row))
        events[row.event] += 1
        found = chains.setdefault(row.chain, {"first": row.seq, "prev": row.prev})
        found["last"], found["hash"] = row.seq, row.hash
        if len(pending) >= _GROUP:
            flush()
    flush()
    statement: dict[str, object] = {
        "chains": chains,
        "events": dict(sorted(events.items())),
        "format": form,
        "from": stamp(begin) if begin else None,
        "rows": events.total(),
        "schema": SCHEMA,
        "sha256": digest.hexdigest(),
        "site": site,
        "to": stamp(end) if end else None,
    }
    key, signature = keys.sign(_SIGNED + canonical(statement).encode())
    return {"export": statement, "key": key, "signature": base64.b64encode(signature).decode("ascii")}


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, dict):
        return canonical(value)
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value

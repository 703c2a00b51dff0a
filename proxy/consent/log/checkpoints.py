"""Signed statements, kept outside the database, of which row was the newest in each chain at a moment.

One line of JSON per checkpoint in `checkpoints/YYYY-MM-DD.jsonl`, appended under a file lock, so that several processes
share one folder. Each line names the SHA-256 of the line before it: taking lines out of the middle shows. Cutting the
end off shows only where a copy was kept elsewhere, which is why the folder belongs on another disk or machine.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from proxy.consent.log.chain import Head
from proxy.consent.log.event import canonical, stamp
from runtime.keys import Keys, signature_fits

_SIGNED = b"samtykke checkpoint 1\n"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One line: `where` is file and line number. `fault` says why it proves nothing, None where it is sound."""

    where: str
    time: str
    heads: Mapping[str, tuple[int, bytes]]
    fault: str | None = None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder against other processes. Blocks: call it in a thread. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def append(folder: Path, heads: Sequence[Head], keys: Keys, now: datetime) -> Path:
    """Sign the heads and add them as one durable line; call it with the folder locked. Raises OSError."""
    files = _files(folder)
    newest = files[-1] if files else None
    path = folder / f"{stamp(now)[:10]}.jsonl"
    if newest is not None and newest.name > path.name:
        path = newest  # the clock was set back: names must keep the order in which lines were written
    previous = None if newest is None else _mended(newest)
    line = signed_line(heads, keys, stamp(now), previous)
    with path.open("ab") as file:
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return path


def signed_line(heads: Sequence[Head], keys: Keys, time: str, previous: bytes | None) -> bytes:
    """One checkpoint as canonical JSON: what is signed, the key's id and the Ed25519 signature in Base64."""
    statement = {
        "heads": {head.chain: {"hash": head.hash.hex(), "seq": head.seq} for head in heads},
        "previous": None if previous is None else sha256(previous).hexdigest(),
        "time": time,
        "version": VERSION,
    }
    key, signature = keys.sign(_SIGNED + canonical(statement).encode())
    return canonical(
        {"checkpoint": statement, "key": key, "signature": base64.b64encode(signature).decode("ascii")}
    ).encode()


def read(folder: Path, public_keys: Mapping[str, bytes]) -> Iterator[Checkpoint]:
    """All checkpoints in the order written, each judged by itself and by the line before it.

    A last line without its end is what a crash leaves behind; it was never counted on and is skipped.
    """
    previous: bytes | None = None
    for path in _files(folder):
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                line = line.rstrip(b"\n")
                yield _judged(line, previous, public_keys, f"{path.name} line {number}")
                previous = line


def _judged(line: bytes, previous: bytes | None, public_keys: Mapping[str, bytes], where: str) -> Checkpoint:
    try:
        document = json.loads(line)
        statement = document["checkpoint"]
        heads = {
            str(chain): (int(head["seq"]), bytes.fromhex(head["hash"])) for chain, head in statement["heads"].items()
        }
        time, before, key = str(statement["time"]), statement["previous"], str(document["key"])
        signature = base64.b64decode(document["signature"], validate=True)
        version = statement["version"]
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return Checkpoint(where, "", {}, "is no checkpoint")
    fault = None
    if version != VERSION:
        fault = f"has version {version!r}, this program knows {VERSION}"
    elif key not in public_keys:
        fault = f"was signed with key {key}, which is not among the public keys given"
    elif not signature_fits(public_keys, key, _SIGNED + canonical(statement).encode(), signature):
        fault = "carries a signature that does not fit: it was altered or forged"
    elif previous is not None and before != sha256(previous).hexdigest():
        fault = "does not follow the line before it: lines were taken out, put in or reordered"
    return Checkpoint(where, time, heads, fault)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("????-??-??.jsonl"))


def _mended(path: Path) -> bytes | None:
    """The last whole line of the file; half a line that a crash has left after it is cut off."""
    content = path.read_bytes()
    whole, end, torn = content.rpartition(b"\n")
    if torn:
        with path.open("r+b") as file:
            file.truncate(len(content) - len(torn))
    return whole.rpartition(b"\n")[2] if end else None

#!/usr/bin/env python3
"""Check an export of a Samtykke consent log without Samtykke: one file, Python 3.9+, standard library only.

    python3 standalone_verify.py export.jsonl [--checkpoints FOLDER] [--manifest FILE] [--key ID=BASE64]...

Rows are checked by SHA-256: place, content, personal fields, link to the row before. With `--key` (the public Ed25519
keys, got from the operator by another way than the export) and the package `cryptography` installed, the signatures of
checkpoints and manifest are checked too; without them the answer says so. It shares no code with the program on
purpose. Exit 0: everything checked is in order; 1: it is not; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

PERSONAL = ("agent", "ip", "path", "subject")
CONTENT = (
    "chain", "commitment", "detail", "event", "language", "method", "nonce", "notice",
    "policy", "purposes", "seq", "site", "surface", "time", "vendors",
)  # fmt: skip


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def fault_of(row: dict[str, Any], before: dict[str, Any] | None) -> str | None:
    """What is wrong with a row, given the one before it in the same chain."""
    personal = {name: row[name] for name in PERSONAL}
    content = {name: row[name] for name in CONTENT}
    if row["hash"] != hashlib.sha256(bytes.fromhex(row["prev"]) + canonical(content)).hexdigest():
        return "its content does not give its hash: edited, or moved from another place"
    if row["salt"] is None:
        if any(value is not None for value in personal.values()):
            return "erased, yet it holds personal fields"
    elif row["commitment"] != hashlib.sha256(bytes.fromhex(row["salt"]) + canonical(personal)).hexdigest():
        return "subject, path, ip or agent do not fit the commitment: edited"
    if before is not None and row["seq"] != before["seq"] + 1:
        return f"follows row {before['seq']}: rows between were deleted, or rows were reordered"
    if before is None and row["seq"] == 1 and row["prev"] != "00" * 32:
        return "is the first row, yet continues another"
    if before is not None and row["prev"] != before["hash"]:
        return "does not continue the row before it: one of the two was replaced"
    return None


class Signatures:
    """Ed25519 where it can be had: `fit` answers None when nothing can be said."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self.keys = keys
        try:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        except ImportError:
            self.kind = None
        else:
            self.kind = Ed25519PublicKey

    def fit(self, document: dict[str, Any], part: str, label: bytes) -> bool | None:
        if self.kind is None or not self.keys:
            return None
        if document["key"] not in self.keys:
            return False
        try:
            key = self.kind.from_public_bytes(self.keys[document["key"]])
            key.verify(base64.b64decode(document["signature"]), label + canonical(document[part]))
        except Exception:  # InvalidSignature is only there when the package is
            return False
        return True


def claims_of(folder: Path, signatures: Signatures, problems: list[str]) -> tuple[dict[tuple[str, int], str], int]:
    """(chain, seq) -> hash from every checkpoint line that may be believed, and how many lines there were."""
    claims: dict[tuple[str, int], str] = {}
    seen, before = 0, None
    for path in sorted(folder.glob("????-??-??.jsonl")):
        for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
            seen += 1
            try:
                document = json.loads(line)
                statement = document["checkpoint"]
                linked = before is None or statement["previous"] == hashlib.sha256(before).hexdigest()
                if not linked or signatures.fit(document, "checkpoint", b"samtykke checkpoint 1\n") is False:
                    problems.append(
                        f"checkpoint {path.name} line {number}: forged, altered, or lines are missing before it"
                    )
                else:
                    for chain, head in statement["heads"].items():
                        claims.setdefault((chain, head["seq"]), head["hash"])
            except (ValueError, KeyError, TypeError, AttributeError):
                problems.append(f"checkpoint {path.name} line {number}: unreadable")
            before = line
    return claims, seen


def check(export: Path, checkpoints: Path | None, manifest: Path | None, keys: dict[str, bytes]) -> dict[str, Any]:
    problems: list[str] = []
    signatures = Signatures(keys)
    claims, seen = claims_of(checkpoints, signatures, problems) if checkpoints else ({}, 0)
    last: dict[str, dict[str, Any]] = {}
    matched = rows = erased = 0
    digest = hashlib.sha256()
    with export.open("rb") as file:
        for number, line in enumerate(file, start=1):
            digest.update(line)
            try:
                row = json.loads(line)
                where, fault = f"row {row['id']}", fault_of(row, last.get(row["chain"]))
                claimed = claims.get((row["chain"], row["seq"]))
                last[row["chain"]] = {"seq": row["seq"], "hash": row["hash"]}
                erased += row["salt"] is None
            except (ValueError, KeyError, TypeError) as error:
                where, fault, claimed, row = f"line {number}", f"no exported row ({error})", None, None
            rows += row is not None
            if fault:
                problems.append(f"{where} {fault}")
            elif claimed is not None and row is not None:
                matched += claimed == row["hash"]
                if claimed != row["hash"]:
                    problems.append(f"{where} is not the row that a checkpoint has signed: the log was rewritten")
    if manifest is not None:
        problems += manifest_faults(manifest, rows, digest.hexdigest(), signatures)
    return {
        "ok": not problems,
        "rows": rows,
        "erased": erased,
        "first_bad": problems[0] if problems else None,
        "faults": len(problems),
        "checkpoints": {"seen": seen, "rows_matched": matched},
        "signatures": "checked"
        if signatures.kind and keys
        else "not checked (needs --key and the package cryptography)",
    }


def manifest_faults(path: Path, rows: int, digest: str, signatures: Signatures) -> list[str]:
    try:
        document = json.loads(path.read_bytes())
        statement = document["export"]
        counted, expected = statement["rows"], statement["sha256"]
        signed = signatures.fit(document, "export", b"samtykke export 1\n")
    except (ValueError, KeyError, TypeError) as error:
        return [f"manifest {path.name} unreadable ({error})"]
    faults = []
    if signed is False:
        faults.append("the manifest's signature does not fit")
    if counted != rows:
        faults.append(f"the manifest counts {counted} rows, the export holds {rows}")
    if expected != digest:
        faults.append("the export is not byte for byte what the manifest describes")
    return faults


def key_of(text: str) -> tuple[str, bytes]:
    name, mark, value = text.partition("=")
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        raw = b""
    if not mark or len(raw) != 32:
        raise argparse.ArgumentTypeError("write ID=BASE64 with the 32 bytes of a public key")
    return name, raw


def main() -> int:
    parser = argparse.ArgumentParser(description="Check an export of a Samtykke consent log.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--checkpoints", type=Path)
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--key", type=key_of, action="append", default=[], metavar="ID=BASE64")
    given = parser.parse_args()
    try:
        answer = check(given.export, given.checkpoints, given.manifest, dict(given.key))
    except OSError as error:
        parser.error(str(error))
    print(json.dumps(answer, indent=2))
    return 0 if answer["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())

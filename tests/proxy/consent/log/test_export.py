"""An export is the log by other means: same bytes every time, and checkable without the program."""

import base64
import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.consent.log import export as exporting
from proxy.consent.log import verify

SCRIPT = Path(exporting.__file__).with_name("standalone_verify.py")


@pytest.fixture
def url(tmp_path):
    """One store is enough: what is checked here comes after it."""
    return f"sqlite:///{tmp_path}/consent.db"


@pytest.fixture
async def filled(log, accept, clock):
    for number in range(6):
        await log.append(accept(event="shown", subject=None, nonce=f"n{number}", path=f"/å{number}"))
        await log.append(accept(subject=f"v{number}", nonce=f"n{number}", detail={"q": [1, 'a"\n']}))
        clock.pass_time(hours=1)
    await log.erase("v2")
    await log.checkpoint()
    return log


async def _written(log, keys, form="jsonl", **bounds):
    pieces = []
    manifest = await exporting.write_export(log.export(**bounds), pieces.append, form, keys, **bounds)
    return b"".join(pieces), manifest


async def test_an_export_is_the_same_bytes_every_time(filled, keys):
    assert await _written(filled, keys) == await _written(filled, keys)


async def test_every_line_is_a_row_and_the_manifest_counts_them(filled, keys):
    content, manifest = await _written(filled, keys)
    rows = [json.loads(line) for line in content.splitlines()]
    assert [row["seq"] for row in rows] == list(range(1, 16))
    assert {row["schema"] for row in rows} == {1}
    statement = manifest["export"]
    assert statement["rows"] == 15
    assert statement["events"] == {"accept": 6, "checkpoint": 1, "erase": 1, "shown": 6, "withdraw": 1}
    assert statement["chains"]["shop"]["last"] == 15
    assert statement["chains"]["shop"]["hash"] == rows[-1]["hash"]


async def test_the_counts_of_an_export_are_those_of_the_statistics(filled, keys):
    _, manifest = await _written(filled, keys)
    days = await filled.stats()
    for event in ("shown", "accept", "withdraw"):
        assert manifest["export"]["events"][event] == sum(getattr(day, event) for day in days)


async def test_csv_holds_the_same_rows(filled, keys):
    lines, _ = await _written(filled, keys)
    table, _ = await _written(filled, keys, "csv")
    read = list(csv.DictReader(io.StringIO(table.decode(), newline="")))
    rows = [json.loads(line) for line in lines.splitlines()]
    assert [each["hash"] for each in read] == [row["hash"] for row in rows]
    assert json.loads(read[1]["purposes"]) == rows[1]["purposes"]
    assert json.loads(read[1]["detail"]) == {"q": [1, 'a"\n']}
    assert read[4]["path"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
async def test_csv_cells_are_no_formulas(log, keys, accept, start):
    await log.append(accept(agent=f"{start}HYPERLINK(1)"))
    table, _ = await _written(log, keys, "csv")
    (row,) = csv.DictReader(io.StringIO(table.decode(), newline=""))
    assert row["agent"] == f"'{start}HYPERLINK(1)"


async def test_an_empty_export_has_a_manifest_too(log, keys):
    content, manifest = await _written(log, keys)
    assert content == b""
    assert manifest["export"]["rows"] == 0


class _Auditor:
    def __init__(self, place: Path, keys, folder: Path) -> None:
        self.export, self.manifest = place / "export.jsonl", place / "manifest.json"
        self._keys, self._folder = keys, folder

    def asks(self, *, alone: bool = False) -> tuple[int, dict]:
        command = [sys.executable, "-I", *(["-S"] if alone else []), str(SCRIPT), str(self.export)]
        command += ["--checkpoints", str(self._folder), "--manifest", str(self.manifest)]
        for name, raw in self._keys.public_keys.items():
            command += ["--key", f"{name}={base64.b64encode(raw).decode()}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not done.stderr
        return done.returncode, json.loads(done.stdout)

    def changes(self, change) -> None:
        rows = [json.loads(line) for line in self.export.read_bytes().splitlines()]
        change(rows)
        self.export.write_text("".join(exporting.canonical(row) + "\n" for row in rows))


@pytest.fixture
async def auditor(filled, keys, folder, tmp_path):
    content, manifest = await _written(filled, keys)
    auditor = _Auditor(tmp_path, keys, folder)
    auditor.export.write_bytes(content)
    auditor.manifest.write_text(json.dumps(manifest))
    return auditor


@pytest.mark.parametrize("alone", [False, True])
async def test_an_auditor_without_the_program_finds_an_export_in_order(auditor, alone):
    code, answer = auditor.asks(alone=alone)
    assert (code, answer["ok"], answer["rows"], answer["erased"]) == (0, True, 15, 2)
    assert answer["checkpoints"] == {"seen": 1, "rows_matched": 1}
    assert answer["signatures"].startswith("not checked" if alone else "checked")


async def test_the_program_itself_finds_an_export_in_order(auditor, keys, folder):
    found = await verify(auditor.export, keys.public_keys, folder)
    assert (found.ok, found.rows, found.checkpoints_matched) == (True, 15, 1)


async def test_a_part_of_the_log_can_be_checked_too(filled, auditor, keys, folder, clock):
    first = [row async for row in filled.export()][6]
    begin = exporting.datetime.fromisoformat(first.time)
    content, manifest = await _written(filled, keys, begin=begin, site="shop")
    auditor.export.write_bytes(content)
    auditor.manifest.write_text(json.dumps(manifest))
    assert auditor.asks()[1]["ok"]
    found = await verify(auditor.export, keys.public_keys, folder)
    assert (found.ok, found.rows) == (True, 9)


@pytest.mark.parametrize(
    ("change", "row", "what"),
    [
        (lambda rows: rows[7].update(event="reject"), 8, "edited"),
        (lambda rows: rows[7].update(subject="someone"), 8, "edited"),
        (lambda rows: rows[7].update(vendors={"meta": True}), 8, "edited"),
        (lambda rows: rows.pop(7), 8, "deleted"),
        (lambda rows: rows.insert(3, rows.pop(7)), 4, "reordered|deleted"),
        (lambda rows: rows[7].pop("salt"), None, "salt"),
        (lambda rows: rows[7].update(seq="8"), None, "seq|content"),
    ],
)
async def test_tampering_with_an_export_is_found_by_both(auditor, keys, folder, change, row, what):
    auditor.changes(change)
    code, answer = auditor.asks()
    assert (code, answer["ok"]) == (1, False)
    found = await verify(auditor.export, keys.public_keys, folder)
    assert not found.ok
    assert any(word in str(found.first_bad) for word in what.split("|"))
    assert any(word in answer["first_bad"] for word in what.split("|"))
    if row is not None:
        assert found.first_bad.row == row


async def test_rows_cut_off_an_export_are_missed_by_the_manifest(auditor):
    auditor.changes(lambda rows: rows.pop())
    assert "the manifest counts 15 rows, the export holds 14" in auditor.asks()[1]["first_bad"]


@pytest.mark.parametrize("content", [b"\n", b"\xff\n", b"[]\n", b"1\n", b'{"id":1}\n', b"{" * 5000])
async def test_lines_that_are_no_rows_are_named_by_both(auditor, keys, folder, content):
    auditor.export.write_bytes(content)
    assert "line 1" in auditor.asks()[1]["first_bad"]
    assert "line 1" in (await verify(auditor.export, keys.public_keys, folder)).first_bad.what

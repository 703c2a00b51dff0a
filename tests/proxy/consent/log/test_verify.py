"""Whatever is done to the rows behind our back, `verify` names the first bad row and what was done."""

import base64
import json
from hashlib import sha256

import pytest

from proxy.consent.log import verify
from proxy.consent.log.chain import COLUMNS, Quoted, linked
from proxy.consent.log.opening import store_of


@pytest.fixture
async def tampered(log, url, keys, folder, accept):
    """Ten rows and a checkpoint; then run the given statements as an intruder would, and verify."""
    for number in range(10):
        await log.append(accept(subject=f"v{number}", nonce=f"n{number}"))
    await log._sign()

    async def run(*statements: tuple[str, tuple[object, ...]]):
        store = store_of(url)
        async with store.writing() as session:
            for sql, parameters in statements:
                await session.many(sql, [parameters])
        await store.close()
        return await verify(url, keys.public_keys, folder)

    return run


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("purposes", '{"marketing":true}', "edited"),
        ("vendors", "{}", "edited"),
        ("time", "2026-11-20T10:30:00.000001Z", "edited"),
        ("event", "reject", "edited"),
        ("site", "blog", "edited"),
        ("language", "en", "edited"),
        ("surface", "api", "edited"),
        ("method", "", "edited"),
        ("notice", "c" * 64, "edited"),
        ("notice", None, "edited"),
        ("policy", None, "edited"),
        ("nonce", "n1", "edited"),
        ("detail", "", "edited"),
        ("detail", "{}", "edited"),
        ("path", "/other", "edited"),
        ("subject", "v2", "edited"),
        ("subject", None, "edited"),
        ("ip", None, "edited"),
        ("agent", "", "edited"),
        ("salt", bytes(16), "edited"),
        ("salt", None, "although its salt is gone"),
        ("commitment", bytes(32), "edited"),
        ("prev", bytes(32), "edited"),
        ("hash", bytes(32), "edited"),
    ],
)
async def test_an_edit_of_any_column_is_found_in_its_row(tampered, column, value, what):
    found = await tampered((f"UPDATE consent_entry SET {column} = ? WHERE seq = 5", (value,)))
    assert (found.ok, found.first_bad.chain, found.first_bad.row) == (False, "shop", 5)
    assert what in found.first_bad.what


async def test_an_untouched_log_is_fine(tampered):
    found = await tampered()
    assert (found.ok, found.rows, found.checkpoints_seen, found.checkpoints_matched) == (True, 10, 1, 1)


async def test_a_deleted_row_is_named(tampered):
    found = await tampered(("DELETE FROM consent_entry WHERE seq = ?", (5,)))
    assert (found.first_bad.row, found.rows) == (5, 9)
    assert "deleted" in found.first_bad.what


async def test_several_deleted_rows_and_the_first_are_named(tampered):
    found = await tampered(("DELETE FROM consent_entry WHERE seq <= ?", (3,)))
    assert found.first_bad.row == 1
    assert "rows up to 3 are missing" in found.first_bad.what


async def test_swapped_rows_are_called_reordered(tampered):
    moves = [(5, 99), (6, 5), (99, 6)]
    found = await tampered(*(("UPDATE consent_entry SET seq = ? WHERE seq = ?", (to, at)) for at, to in moves))
    assert found.first_bad.row == 5
    assert "row 6" in found.first_bad.what
    assert "reordered" in found.first_bad.what


async def test_a_cut_off_end_is_found_against_the_checkpoint(tampered):
    found = await tampered(("DELETE FROM consent_entry WHERE seq > ?", (7,)))
    assert (found.first_bad.row, found.checkpoints_seen, found.checkpoints_matched) == (8, 1, 0)
    assert "cut off" in found.first_bad.what


async def test_an_emptied_log_is_found_against_the_checkpoint(tampered):
    found = await tampered(("DELETE FROM consent_entry WHERE seq > ?", (0,)))
    assert (found.first_bad.chain, found.first_bad.row, found.checkpoints_matched) == ("shop", 1, 0)
    assert "the whole chain is gone" in found.first_bad.what


async def test_a_row_edited_and_hashed_anew_is_found_by_the_row_after(tampered, log):
    record = await _record(log, 5)
    forged = (*record[:4], "reject", *record[5:])
    found = await tampered(
        ("UPDATE consent_entry SET event = ?, hash = ? WHERE seq = 5", ("reject", linked(forged, Quoted())))
    )
    assert found.first_bad.row == 5
    assert "hashed anew" in found.first_bad.what


async def test_a_rewritten_end_with_perfect_hashes_is_found_against_the_checkpoint(tampered, log):
    quoted = Quoted()
    statements, prev = [], (await _record(log, 4))[21]
    for seq in range(5, 11):
        record = await _record(log, seq)
        forged = (*record[:4], "reject", *record[5:20], prev, b"")
        prev = linked(forged, quoted)
        statements.append(
            ("UPDATE consent_entry SET event = ?, prev = ?, hash = ? WHERE seq = ?", ("reject", forged[20], prev, seq))
        )
    found = await tampered(*statements)
    assert (found.first_bad.row, found.checkpoints_matched) == (10, 0)
    assert "the log was rewritten" in found.first_bad.what


async def test_identifiers_removed_without_an_erase_row_are_found(tampered):
    found = await tampered(
        ("UPDATE consent_entry SET salt=NULL, subject=NULL, ip=NULL, agent=NULL, path=NULL WHERE seq = ?", (5,))
    )
    assert found.first_bad.row == 5
    assert "no later erase row" in found.first_bad.what


async def test_identifiers_that_came_back_after_an_erase_are_found(tampered, log):
    record = await _record(log, 5)
    await log.erase("v4")
    found = await tampered(
        (
            "UPDATE consent_entry SET path = ?, subject = ?, ip = ?, agent = ?, salt = ? WHERE seq = 5",
            record[14:19],
        )
    )
    assert found.first_bad.row == 5
    assert "backup" in found.first_bad.what


async def test_an_altered_or_removed_notice_is_found(tampered, log):
    content = b"what was shown"
    name = sha256(content).hexdigest()
    await log.keep_notice(name, content, "text/html")
    found = await tampered(("UPDATE consent_notice SET content = ?", (b"something else",)))
    assert name in found.first_bad.what
    assert found.first_bad.row is None
    assert found.notices_missing == ("a" * 64,)
    assert "a" * 64 in found.remarks[0]


async def test_a_forged_boundary_is_found(tampered, log):
    record = await _record(log, 3)
    found = await tampered(
        ("DELETE FROM consent_entry WHERE seq <= ?", (3,)),
        (
            "INSERT INTO consent_boundary (chain, seq, hash, time, key, signature) VALUES (?, ?, ?, ?, ?, ?)",
            ("shop", 3, record[21], "2026-11-20T10:30:00.000000Z", "s00000000", bytes(64)),
        ),
    )
    assert not found.ok
    assert found.first_bad.row == 1
    assert found.faults == 2


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda line: line.replace(b'"seq":10', b'"seq":11'), "signature that does not fit"),
        (lambda line: b"{}", "is no checkpoint"),
        (lambda line: b"\xff\xfe", "is no checkpoint"),
        (lambda line: line.replace(b'"key":"s', b'"key":"t'), "not among the public keys"),
    ],
)
async def test_a_checkpoint_that_was_tampered_with_is_found(tampered, folder, change, what):
    (file,) = folder.glob("*.jsonl")
    file.write_bytes(change(file.read_bytes().rstrip(b"\n")) + b"\n")
    found = await tampered()
    assert (found.ok, found.checkpoints_seen, found.checkpoints_matched) == (False, 1, 0)
    assert what in found.first_bad.what


async def test_a_checkpoint_line_taken_out_of_the_middle_is_found(tampered, log, folder):
    for _ in range(2):
        await log.checkpoint()
    (file,) = folder.glob("*.jsonl")
    first, _, last = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + last)
    assert "does not follow the line before it" in (await tampered()).first_bad.what


async def test_half_a_line_after_a_crash_is_no_fault_and_is_mended(tampered, log, folder):
    (file,) = folder.glob("*.jsonl")
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:40])
    assert (await tampered()).ok
    await log.checkpoint()
    found = await tampered()
    assert (found.ok, found.checkpoints_matched) == (True, 2)


async def test_a_signature_of_a_stranger_does_not_count(tampered, folder):
    (file,) = folder.glob("*.jsonl")
    document = json.loads(file.read_bytes())
    document["signature"] = base64.b64encode(bytes(64)).decode()
    file.write_text(json.dumps(document) + "\n")
    assert "forged" in (await tampered()).first_bad.what


async def _record(log, seq):
    row = (await log.row(f"shop/{seq}")).as_dict()
    return tuple(_kept(name, row[name]) for name in COLUMNS)


def _kept(name, value):
    if name in ("salt", "commitment", "prev", "hash"):
        return bytes.fromhex(value)
    return json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else value


async def test_a_log_without_checkpoints_says_what_would_not_show(log, accept, url, keys, tmp_path):
    await log.append(accept(notice=None))
    found = await verify(url, keys.public_keys, tmp_path / "nothing here")
    assert found.ok
    assert [remark.partition(":")[0] for remark in found.remarks] == ["no checkpoint was found"]

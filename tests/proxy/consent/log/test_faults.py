"""Real faults: what was acknowledged is there, what was not is refused with a reason, and the log mends itself."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from postgres_server import running_postgres

from proxy.consent.log import ConsentLog, LogUnavailable, verify
from proxy.consent.log.sqlite import SqliteStore
from runtime.keys import create_key_file

ROOT = Path(__file__).parents[4]
NOBODY = 65534


def _writer(*arguments: str) -> subprocess.Popen[str]:
    script = str(ROOT / "tests" / "support" / "consent_writer.py")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, script, *arguments], stdout=subprocess.PIPE, text=True, env=environment, cwd="/"
    )


async def test_a_writer_killed_twice_loses_no_acknowledged_row(url, tmp_path, folder):
    keys = create_key_file(tmp_path / "samtykke.key")
    acknowledged: list[str] = []
    for _ in range(2):
        with _writer(url, str(tmp_path / "samtykke.key"), str(folder)) as writer:
            lines = [writer.stdout.readline() for _ in range(1000)]
            writer.kill()
            lines += [line for line in writer.stdout if line.endswith("\n")]
            acknowledged += [line.strip() for line in lines if line.startswith("shop/")]
    log = await ConsentLog.open(url, keys, checkpoints=folder)
    kept = {f"{row.id} {row.hash}" async for row in log.export()}
    await log.close()
    assert len(acknowledged) >= 1990
    assert set(acknowledged) <= kept
    assert (await verify(url, keys.public_keys, folder)).ok


async def test_a_full_disk_refuses_with_a_reason_loses_nothing_and_mends(tmp_path, folder):
    keys = create_key_file(tmp_path / "samtykke.key")
    url = f"sqlite:///{tmp_path}/consent.db"
    with _writer(url, str(tmp_path / "samtykke.key"), str(folder), str(400_000)) as writer:
        output, _ = writer.communicate(timeout=180)
    lines = output.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("refused")]
    assert writer.returncode == 0
    assert at > 20
    assert "consent.db" in lines[at]
    assert len(lines) == at + 2
    log = await ConsentLog.open(url, keys, checkpoints=folder)
    kept = {f"{row.id} {row.hash}" async for row in log.export()}
    await log.close()
    assert {*lines[:at], lines[-1]} <= kept
    assert (await verify(url, keys.public_keys, folder)).ok


async def test_a_stopped_server_refuses_and_a_restarted_one_takes_rows_again(keys, folder, clock, accept):
    with running_postgres() as server:
        log = await ConsentLog.open(server.url(), keys, checkpoints=folder, clock=clock)
        await log.append(accept())
        server.stop()
        for _ in range(2):
            with pytest.raises(LogUnavailable, match=f"PostgreSQL at 127.0.0.1:{server.port}"):
                await log.append(accept())
        assert log.trouble
        server.start()
        assert (await log.append(accept())).id == "shop/2"
        assert log.trouble is None
        server.stop()
        server.start()
        assert (await log.append(accept())).id == "shop/3"
        await log.close()
        assert (await verify(server.url(), keys.public_keys, folder)).ok


async def test_a_log_may_be_opened_while_its_server_is_down(keys, folder, clock, accept):
    with running_postgres() as server:
        server.stop()
        with pytest.raises(LogUnavailable):
            await ConsentLog.open(server.url(), keys, checkpoints=folder, clock=clock)
        log = await ConsentLog.open(server.url(), keys, checkpoints=folder, clock=clock, must_answer=False)
        with pytest.raises(LogUnavailable):
            await log.append(accept())
        server.start()
        assert (await log.append(accept())).id == "shop/1"
        await log.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "consent.db"


@pytest.fixture
async def sqlite_log(path, keys, folder, clock):
    log = await ConsentLog.open(f"sqlite:///{path}", keys, checkpoints=folder, clock=clock)
    yield log
    await log.close()


async def test_a_locked_database_refuses_and_takes_rows_once_let_go(sqlite_log, path, accept):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LogUnavailable, match="locked"):
            await asyncio.wait_for(sqlite_log.append(accept()), 60)
        other.execute("ROLLBACK")
    assert (await sqlite_log.append(accept())).id == "shop/1"


async def test_a_removed_file_refuses_instead_of_writing_to_nowhere(sqlite_log, path, keys, folder, accept):
    await sqlite_log.append(accept())
    await sqlite_log.checkpoint()
    for each in path.parent.glob("consent.db*"):
        each.unlink()
    with pytest.raises(LogUnavailable, match="removed or replaced"):
        await sqlite_log.append(accept())
    await sqlite_log.append(accept())
    found = await verify(f"sqlite:///{path}", keys.public_keys, folder)
    assert (found.ok, found.first_bad.row) == (False, 2)


async def test_a_read_only_database_refuses_with_a_reason(keys, clock, accept):
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        log = await ConsentLog.open(f"sqlite:///{place}/consent.db", keys, checkpoints=place / "c", clock=clock)
        await log.append(accept())
        await log.close()
        for each in (place / "consent.db", place):
            each.chmod(0o444 if each.is_file() else 0o555)
        was = os.geteuid()
        if was == 0:
            os.seteuid(NOBODY)  # root may write everywhere
        try:
            log = await ConsentLog.open(
                f"sqlite:///{place}/consent.db", keys, checkpoints=place / "c", clock=clock, must_answer=False
            )
            with pytest.raises(LogUnavailable, match=r"consent\.db"):
                await log.append(accept())
            await log.close()
        finally:
            os.seteuid(was)
        os.chmod(place, 0o755)


@pytest.mark.parametrize("damage", [b"\xa5" * 4096, b"\0" * 4096])
@pytest.mark.parametrize("place", ["middle", "everywhere"])
async def test_corrupted_pages_are_named_by_verify(sqlite_log, path, keys, folder, accept, damage, place):
    await asyncio.gather(*(sqlite_log.append(accept(nonce=f"n{number}", subject="s")) for number in range(400)))
    await sqlite_log.close()
    content = path.read_bytes()
    rows = [at for at in range(0, len(content), 4096) if content[at : at + 4096].count(b"Firefox on Linux") > 3]
    for at in rows[len(rows) // 2 :][:1] if place == "middle" else range(4096, len(content), 4096):
        content = content[:at] + damage + content[at + 4096 :]
    path.write_bytes(content)
    found = await verify(f"sqlite:///{path}", keys.public_keys, folder)
    assert not found.ok
    assert found.faults
    if place == "middle":
        assert 1 < found.first_bad.row < 400


@pytest.mark.parametrize("text", [b"", b"no database at all" * 500])
async def test_something_that_is_no_database_is_refused(tmp_path, keys, folder, clock, text):
    path = tmp_path / "consent.db"
    path.write_bytes(text)
    if text:
        with pytest.raises(LogUnavailable, match="no SQLite database"):
            await ConsentLog.open(f"sqlite:///{path}", keys, checkpoints=folder, clock=clock)
    else:
        await (await ConsentLog.open(f"sqlite:///{path}", keys, checkpoints=folder, clock=clock)).close()


async def test_a_missing_database_is_not_created_by_verify(tmp_path, keys, folder):
    with pytest.raises(LogUnavailable, match="no such file"):
        await verify(f"sqlite:///{tmp_path}/none.db", keys.public_keys, folder)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("url", ["mysql://x", "consent.db", "", "sqlite:///", "sqlite:///:memory:"])
async def test_a_url_that_means_no_store_is_refused(url, keys, folder):
    with pytest.raises(ValueError, match=r"sqlite:///PATH|in memory"):
        await ConsentLog.open(url, keys, checkpoints=folder)


async def test_a_checkpoint_folder_that_fails_keeps_rows_safe_and_is_told(path, keys, tmp_path, clock, accept):
    (tmp_path / "file").write_text("in the way")
    log = await ConsentLog.open(f"sqlite:///{path}", keys, checkpoints=tmp_path / "file", clock=clock)
    await log.append(accept())
    with pytest.raises(OSError, match="file"):
        await log.checkpoint()
    await log.close()
    assert (await verify(f"sqlite:///{path}", keys.public_keys, tmp_path / "none")).rows == 2


async def test_a_stores_repr_tells_no_password():
    store = SqliteStore("sqlite:////srv/consent.db")
    assert repr(store) == "<SqliteStore /srv/consent.db closed>"

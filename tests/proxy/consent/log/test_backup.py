"""The whole log into a file and back, between both stores, while it is written to; and rows that are too old go."""

import asyncio
import itertools
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from proxy.consent.log import ConsentLog, LogUnavailable, Pace, verify
from proxy.consent.log.backup import Copied, back_up, digest, restore, schema

_number = itertools.count()
NOTICE = b"<p>Shown to everybody"


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Another, empty log, in either store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/other.db"
    return request.getfixturevalue("postgres").create_database(f"other_{next(_number)}")


async def filled(log: ConsentLog, accept, count: int = 20) -> str:
    hash_ = sha256(NOTICE).hexdigest()
    await log.keep_notice(hash_, NOTICE, "text/html")
    await asyncio.gather(*(log.append(accept(subject=f"visitor-{n}", notice=hash_)) for n in range(count)))
    await log.checkpoint()
    return hash_


async def exported(url: str, keys, folder: Path) -> list[object]:
    log = await ConsentLog.open(url, keys, checkpoints=folder / "none", pace=Pace(checkpoint_seconds=0))
    rows = [row async for row in log.export()]
    await log.close()
    return rows


async def test_a_backup_restored_elsewhere_is_the_same_log(log, url, keys, folder, tmp_path, accept, empty) -> None:
    hash_ = await filled(log, accept)
    copy = tmp_path / "copy" / "backup.db"
    copy.parent.mkdir()
    assert await back_up(url, copy) == Copied(21, 1, 1)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in copy.parent.iterdir()] == ["backup.db"]
    assert (await verify(f"sqlite:///{copy}", keys.public_keys, folder)).ok
    assert await restore(copy, empty) == Copied(21, 1, 1)
    found = await verify(empty, keys.public_keys, folder)
    assert (found.ok, found.checkpoints_matched) == (True, 1)
    assert await exported(empty, keys, tmp_path) == await exported(url, keys, tmp_path)
    other = await ConsentLog.open(empty, keys, checkpoints=tmp_path / "more")
    assert (await other.notice(hash_[:10])).content == NOTICE
    assert (await other.append(accept())).seq == 22
    await other.close()


async def test_a_backup_is_one_snapshot_of_a_log_being_written(log, url, keys, folder, tmp_path, accept) -> None:
    await filled(log, accept, 200)
    writing = (log.append(accept()) for _ in range(300))
    await asyncio.gather(back_up(url, tmp_path / "backup.db"), *writing)
    found = await verify(f"sqlite:///{tmp_path}/backup.db", keys.public_keys, folder)
    assert found.ok
    assert 201 <= found.rows <= 501


async def test_neither_a_file_nor_a_log_with_rows_is_overwritten(log, url, tmp_path, accept) -> None:
    await filled(log, accept)
    await back_up(url, tmp_path / "backup.db")
    before = digest(tmp_path / "backup.db")
    with pytest.raises(FileExistsError, match="is there already"):
        await back_up(url, tmp_path / "backup.db")
    with pytest.raises(ValueError, match="holds the chains shop already"):
        await restore(tmp_path / "backup.db", url)
    assert digest(tmp_path / "backup.db") == before


async def test_an_older_backup_is_told_from_the_log_by_its_checkpoints(
    log, url, keys, folder, tmp_path, accept, empty
) -> None:
    await filled(log, accept)
    await back_up(url, tmp_path / "backup.db")
    await filled(log, accept)
    await restore(tmp_path / "backup.db", empty)
    found = await verify(empty, keys.public_keys, folder)
    assert not found.ok
    assert "were cut off" in found.first_bad.what


async def test_what_is_no_backup_is_refused(tmp_path) -> None:
    (tmp_path / "text").write_text("no database" * 999)
    with pytest.raises(LogUnavailable):
        await restore(tmp_path / "text", f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(LogUnavailable, match="no such file"):
        await back_up(f"sqlite:///{tmp_path}/none.db", tmp_path / "backup.db")
    assert not list(tmp_path.glob("*backup.db*"))


async def test_the_schema_of_a_log_is_told(log, url, accept) -> None:
    await log.append(accept())
    assert await schema(url) == 1


async def test_an_open_log_prunes_what_is_past_its_retention_bite_by_bite(url, keys, folder, clock, accept) -> None:
    pace = Pace(checkpoint_seconds=0, prune_seconds=0.05, prune_rows=7)
    log = await ConsentLog.open(url, keys, checkpoints=folder, clock=clock, pace=pace, retention=timedelta(days=30))
    hash_ = await filled(log, accept)
    clock.pass_time(days=31)
    new = await log.append(accept(subject="young"))
    while await log.notice(hash_):  # noqa: ASYNC110  the log tells nobody that it has pruned
        await asyncio.sleep(0.05)
    rows = [row async for row in log.export()]
    assert {row.event for row in rows} == {"accept", "prune"}
    assert [row.hash for row in rows if row.event == "accept"] == [new.hash]
    assert [row.detail["rows"] for row in rows if row.event == "prune"] == [7, 7, 7]
    await log.close()
    assert (await verify(url, keys.public_keys, folder)).ok


async def test_a_log_without_retention_keeps_everything(url, keys, folder, clock, accept) -> None:
    pace = Pace(checkpoint_seconds=0, prune_seconds=0.01)
    log = await ConsentLog.open(url, keys, checkpoints=folder, clock=clock, pace=pace)
    await log.append(accept())
    clock.pass_time(days=9999)
    await asyncio.sleep(0.1)
    assert [row.event async for row in log.export()] == ["accept"]
    await log.close()

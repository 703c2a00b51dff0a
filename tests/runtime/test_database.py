"""A file is opened, brought up to date once, and refused with a reason where it cannot be."""

import asyncio
import random
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.database import DatabaseUnusableError, open_database, sqlite_path, statements, transaction

ONE = "CREATE TABLE page (url TEXT PRIMARY KEY); -- a semicolon; in a comment\nINSERT INTO page VALUES ('a;b');"
TWO = "ALTER TABLE page ADD COLUMN depth INTEGER NOT NULL DEFAULT 0"
BROKEN = "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1)"


def url(tmp_path, name="x.db"):
    return f"sqlite:///{tmp_path / name}"


async def rows(database, query):
    async with database.execute(query) as cursor:
        return [tuple(row) for row in await cursor.fetchall()]


async def test_scripts_are_applied_once_and_in_order(tmp_path):
    database = await open_database(url(tmp_path), [ONE])
    await database.close()
    database = await open_database(url(tmp_path), [ONE, TWO])
    assert await rows(database, "SELECT url, depth FROM page") == [("a;b", 0)]
    assert await rows(database, "SELECT number FROM schema_version ORDER BY 1") == [(1,), (2,)]
    await database.close()


async def test_the_journal_is_write_ahead_and_the_level_is_the_one_asked_for(tmp_path):
    database = await open_database(url(tmp_path), [ONE], synchronous="FULL")
    assert await rows(database, "PRAGMA journal_mode") == [("wal",)]
    assert await rows(database, "PRAGMA synchronous") == [(2,)]
    await database.close()


async def test_a_file_of_a_newer_program_is_refused(tmp_path):
    await (await open_database(url(tmp_path), [ONE, TWO])).close()
    with pytest.raises(DatabaseUnusableError, match="use a newer one"):
        await open_database(url(tmp_path), [ONE])


async def test_a_damaged_file_is_refused_with_its_name(tmp_path):
    (tmp_path / "x.db").write_bytes(b"not a database at all, " * 400)
    with pytest.raises(DatabaseUnusableError, match=r"x\.db: this is no SQLite database"):
        await open_database(url(tmp_path), [ONE])


async def test_a_script_that_fails_leaves_nothing_behind(tmp_path):
    with pytest.raises(DatabaseUnusableError, match="nowhere"):
        await open_database(url(tmp_path), [ONE, BROKEN])
    database = await open_database(url(tmp_path), [ONE])
    assert await rows(database, "SELECT name FROM sqlite_master WHERE name='half'") == []
    await database.close()


async def test_two_processes_may_create_the_file_at_the_same_moment(tmp_path):
    opened = await asyncio.gather(*(open_database(url(tmp_path), [ONE, TWO]) for _ in range(4)))
    for database in opened:
        assert await rows(database, "SELECT count(*) FROM page") == [(1,)]
        await database.close()


async def test_an_exclusive_file_is_nobody_elses(tmp_path):
    database = await open_database(url(tmp_path), [ONE], exclusive=True)
    with pytest.raises(DatabaseUnusableError, match="another process"):
        await open_database(url(tmp_path), [ONE], busy_timeout=0.05)
    await database.close()
    await (await open_database(url(tmp_path), [ONE])).close()


async def test_a_path_that_is_a_folder_is_refused(tmp_path):
    with pytest.raises(DatabaseUnusableError):
        await open_database(f"sqlite:///{tmp_path}", [ONE])


async def test_a_transaction_that_is_cancelled_while_it_waits_to_begin_is_not_left_open(tmp_path):
    database = await open_database(url(tmp_path), [ONE])
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write(value):
        async with transaction(database) as writing:
            await writing.execute("INSERT INTO page VALUES (?)", (value,))

    waiting = asyncio.create_task(write("cancelled"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    other.execute("ROLLBACK")
    other.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await write("whole")
    assert await rows(database, "SELECT url FROM page ORDER BY url") == [("a;b",), ("whole",)]
    await database.close()


async def test_however_late_a_transaction_is_cancelled_the_next_one_finds_none_open(tmp_path):
    database = await open_database(url(tmp_path), ["CREATE TABLE pair (number INTEGER)"])
    turns = random.Random(1)
    lock = asyncio.Lock()

    async def write(number):
        async with lock, transaction(database) as writing:
            await writing.execute("INSERT INTO pair VALUES (?)", (number,))
            await writing.execute("INSERT INTO pair VALUES (?)", (number,))

    for number in range(300):
        task = asyncio.create_task(write(number))
        for _ in range(turns.randrange(12)):
            await asyncio.sleep(turns.choice([0, 0, 0.0002]))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await write(300)
    assert await rows(database, "SELECT number FROM pair GROUP BY number HAVING count(*) <> 2") == []
    assert (300, 2) in await rows(database, "SELECT number, count(*) FROM pair GROUP BY number")
    await database.close()


async def test_a_commit_that_fails_is_taken_back(tmp_path):
    script = """CREATE TABLE a (id INTEGER PRIMARY KEY);
    CREATE TABLE b (a INTEGER REFERENCES a DEFERRABLE INITIALLY DEFERRED)"""
    database = await open_database(url(tmp_path), [script])
    with pytest.raises(sqlite3.IntegrityError):
        async with transaction(database) as write:
            await write.execute("INSERT INTO b VALUES (1)")
    async with transaction(database) as write:
        await write.execute("INSERT INTO a VALUES (1)")
        await write.execute("INSERT INTO b VALUES (1)")
    assert await rows(database, "SELECT count(*) FROM b") == [(1,)]
    await database.close()


@pytest.mark.parametrize("bad", ["postgresql://host/db", "inventory.db", "sqlite:///", "sqlite://x"])
def test_another_kind_of_url_is_an_error_that_shows_it(bad):
    with pytest.raises(ValueError, match="sqlite:///PATH"):
        sqlite_path(bad)


def test_relative_and_absolute_paths():
    assert sqlite_path("sqlite:///inventory.db") == "inventory.db"
    assert sqlite_path("sqlite:////srv/inventory.db") == "/srv/inventory.db"


def test_a_trigger_is_one_statement():
    trigger = "CREATE TRIGGER t AFTER INSERT ON page BEGIN DELETE FROM page; SELECT 1; END"
    assert list(statements(f"{ONE} {trigger}; {TWO};")) == [
        "CREATE TABLE page (url TEXT PRIMARY KEY)",
        "-- a semicolon; in a comment\nINSERT INTO page VALUES ('a;b')",
        trigger,
        TWO,
    ]


@given(st.text(alphabet="abc;'\" -\n/*", max_size=60))
def test_cutting_loses_nothing_but_separators(script):
    kept = "".join(statements(script))
    assert kept.replace(";", "").replace(" ", "").replace("\n", "") == script.replace(";", "").replace(" ", "").replace(
        "\n", ""
    )

"""What the log promises, whichever database keeps it. Every test here runs on SQLite and on PostgreSQL."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from proxy.consent.log import ConsentLog, LogUnavailable, Pace, verify
from proxy.consent.log.opening import store_of

CONTRACT_KEYS = [
    "id", "chain", "seq", "time", "site", "path", "subject", "event", "purposes", "vendors", "language", "surface",
    "method", "notice", "policy", "ip", "agent", "prev", "hash",
]  # fmt: skip


async def test_a_row_says_what_the_event_said(log, accept):
    row = (await log.append(accept(path="/cart?utm=1#top"))).as_dict()
    assert list(row)[: len(CONTRACT_KEYS)] == CONTRACT_KEYS
    assert {key: row[key] for key in CONTRACT_KEYS[:-1]} == {
        "id": "shop/1",
        "chain": "shop",
        "seq": 1,
        "time": "2026-11-20T10:30:00.000000Z",
        "site": "shop",
        "path": "/cart",
        "subject": "visitor-1",
        "event": "accept",
        "purposes": {"marketing": True, "preferences": True, "statistics": True},
        "vendors": {"meta": False},
        "language": "nb",
        "surface": "banner",
        "method": "button",
        "notice": "a" * 64,
        "policy": "b" * 64,
        "ip": "192.0.2.0",
        "agent": "Firefox on Linux",
        "prev": "0" * 64,
    }


async def test_what_is_read_back_is_what_was_answered(log, accept):
    written = [await log.append(accept(event=event)) for event in ("accept", "withdraw")]
    assert await log.rows_of("visitor-1") == written
    assert await log.row("shop/2") == written[1]
    assert [row async for row in log.export()] == written


@pytest.mark.parametrize("row_id", ["shop/9", "shop", "shop/", "/1", "shop/-1", "shop/1x", "shop/٣", "x/" + "9" * 30])
async def test_an_id_that_names_no_row_finds_none(log, accept, row_id):
    await log.append(accept())
    assert await log.row(row_id) is None


async def test_shown_is_found_with_the_choice_that_answered_it(log, accept):
    await log.append(accept(event="shown", subject=None, nonce="n1"))
    await log.append(accept(event="shown", subject=None, nonce="n2"))
    await log.append(accept(event="reject", subject="me", nonce="n2"))
    assert [(row.event, row.nonce) for row in await log.rows_of("me")] == [("shown", "n2"), ("reject", "n2")]
    assert await log.rows_of("nobody") == []


async def test_each_site_has_its_own_chain(log, accept):
    rows = await asyncio.gather(*(log.append(accept(site=site)) for site in ("a", "b", "a", "b", "b")))
    assert [row.id for row in rows] == ["a/1", "b/1", "a/2", "b/2", "b/3"]
    assert rows[4].prev == rows[3].hash


async def test_text_from_outside_never_keeps_a_choice_out(log, url, keys, folder, accept):
    strange = "/\x00\ud800\n\"'\\ø漢🍪\u2028" + "x" * 5000
    row = await log.append(accept(path=strange, agent=strange, vendors={strange: False}, detail={"q": 'a"\\\n?'}))
    assert len(row.path) == 2048
    assert (await log.rows_of("visitor-1"))[0] == row
    assert (await verify(url, keys.public_keys, folder)).ok


async def test_appends_of_many_tasks_make_one_unbroken_chain(log, url, keys, folder, accept):
    rows = await asyncio.gather(*(log.append(accept(subject=f"v{number}")) for number in range(500)))
    assert sorted(row.seq for row in rows) == list(range(1, 501))
    found = await verify(url, keys.public_keys, folder)
    assert (found.rows, found.chains, found.ok) == (500, 1, True)


async def test_two_logs_on_one_database_keep_one_order(log, url, keys, folder, clock, accept):
    other = await ConsentLog.open(url, keys, checkpoints=folder, clock=clock, pace=Pace(largest_group=7))
    try:
        writers = [each.append(accept(subject=f"v{number}")) for number in range(100) for each in (log, other)]
        rows = await asyncio.gather(*writers)
    finally:
        await other.close()
    assert sorted(row.seq for row in rows) == list(range(1, 201))
    assert (await verify(url, keys.public_keys, folder)).ok


async def test_a_time_never_precedes_the_row_before_unless_the_clock_was_set_back(log, accept, clock):
    first = clock()
    rows = [await log.append(accept(time=first - timedelta(seconds=back))) for back in (0, 1, 3600)]
    assert [row.time[11:19] for row in rows] == ["10:30:00", "10:30:00", "09:30:00"]


async def test_the_exact_notice_is_kept_once_and_given_back(log):
    content = b"<p>\xc3\x85 velge</p>\x00\xff"
    name = sha256(content).hexdigest()
    for _ in range(2):
        await log.keep_notice(name, content, "text/html")
    kept = await log.notice(name)
    assert (kept.content, kept.media_type) == (content, "text/html")
    assert await log.notice("0" * 64) is None


async def test_a_notice_under_a_false_hash_is_refused(log):
    with pytest.raises(ValueError, match="not the SHA-256"):
        await log.keep_notice("0" * 64, b"something else", "text/html")


async def test_export_takes_begin_leaves_end_and_keeps_to_the_site(log, accept, clock):
    for site in ("shop", "blog", "shop"):
        for _ in range(3):
            await log.append(accept(site=site))
            clock.pass_time(hours=1)
    begin = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
    end = begin + timedelta(hours=6)
    assert [row.id async for row in log.export(begin, end)] == [
        "blog/1",
        "blog/2",
        "blog/3",
        "shop/2",
        "shop/3",
        "shop/4",
    ]
    assert [row.id async for row in log.export(begin, end, "shop")] == ["shop/2", "shop/3", "shop/4"]
    assert [row async for row in log.export(site="nowhere")] == []


async def test_statistics_count_by_day_site_language_and_notice_without_prove(log, accept, clock):
    for event, surface, language in [
        ("shown", "banner", "nb"), ("accept", "banner", "nb"), ("reject", "noscript", "nb"), ("reject", "banner", "en"),
        ("accept", "prove", "nb"), ("checkpoint", "api", "nb"),
    ]:  # fmt: skip
        await log.append(accept(event=event, surface=surface, language=language))
    clock.pass_time(days=1)
    await log.append(accept(event="withdraw"))
    counted = [
        (day.day, day.site, day.language, day.notice, day.shown, day.accept, day.reject, day.save, day.withdraw)
        for day in await log.stats()
    ]
    assert counted == [
        ("2026-11-20", "shop", "en", "a" * 64, 0, 0, 1, 0, 0),
        ("2026-11-20", "shop", "nb", "a" * 64, 1, 1, 1, 0, 0),
        ("2026-11-21", "shop", "nb", "a" * 64, 0, 0, 0, 0, 1),
    ]
    assert await log.stats(site="blog") == []


async def test_erase_withdraws_and_destroys_what_identifies_while_the_chain_still_verifies(
    log, url, keys, folder, accept
):
    await log.append(accept(event="shown", subject=None, nonce="n1"))
    await log.append(accept(nonce="n1"))
    await log.append(accept(subject="visitor-2", nonce="n2"))
    assert await log.erase("visitor-1") == 2

    rows = [row async for row in log.export()]
    assert [row.event for row in rows] == ["shown", "accept", "accept", "withdraw", "erase"]
    for row in rows[:2]:
        assert (row.subject, row.path, row.ip, row.agent, row.salt) == (None,) * 5
    assert rows[1].purposes == {"marketing": True, "preferences": True, "statistics": True}
    assert rows[3].purposes == {"marketing": False, "preferences": False, "statistics": False}
    assert rows[4].detail == {"rows": [1, 2]}
    assert await log.rows_of("visitor-1") == []
    assert rows[2].subject == "visitor-2"
    found = await verify(url, keys.public_keys, folder)
    assert (found.ok, found.erased) == (True, 2)


async def test_erase_of_a_refuser_withdraws_nothing_and_of_nobody_does_nothing(log, accept):
    await log.append(accept(event="reject", purposes={"statistics": False}, vendors={}))
    assert await log.erase("visitor-1") == 1
    assert await log.erase("visitor-1") == 0
    assert await log.erase("nobody") == 0
    assert [row.event async for row in log.export()] == ["reject", "erase"]


async def test_prune_leaves_a_signed_boundary_and_says_so(log, url, keys, folder, accept, clock):
    content = b"old notice"
    await log.keep_notice(sha256(content).hexdigest(), content, "text/html")
    for _ in range(5):
        await log.append(accept())
        clock.pass_time(days=1)
    await log.checkpoint()
    assert await log.prune(datetime(2026, 11, 22, 12, tzinfo=UTC)) == 3

    rows = [row async for row in log.export()]
    assert [(row.seq, row.event) for row in rows] == [
        (4, "accept"), (5, "accept"), (6, "checkpoint"), (7, "prune"),
    ]  # fmt: skip
    assert rows[-1].detail == {"before": "2026-11-22T12:00:00.000000Z", "rows": 3, "to": 3}
    assert await log.notice(sha256(content).hexdigest()) is None
    assert (await verify(url, keys.public_keys, folder)).ok
    assert await log.prune(datetime(2026, 11, 22, 12, tzinfo=UTC)) == 0


async def test_pruning_everything_keeps_the_chain_going(log, url, keys, folder, accept, clock):
    await log.append(accept())
    assert await log.prune(clock.pass_time(days=1)) == 1
    assert (await log.append(accept())).seq == 3
    assert (await verify(url, keys.public_keys, folder)).ok


async def test_one_site_is_erased_pruned_signed_and_judged_without_the_others(log, url, keys, folder, accept, clock):
    digests = {site: sha256(site.encode()).hexdigest() for site in ("shop", "blog")}
    for site, digest in digests.items():
        await log.keep_notice(digest, site.encode(), "text/html")
        await log.append(accept(site=site, nonce=site, notice=digest))
    assert await log.chains() == ["blog", "shop"]
    assert await log.notice(digests["blog"], "shop") is None
    assert (await log.notice(digests["blog"][:12], "blog")).content == b"blog"
    path = await log.checkpoint(site="shop")
    assert list(json.loads(path.read_text())["checkpoint"]["heads"]) == ["shop"]
    assert await log.erase("visitor-1", "shop") == 1
    assert [row.chain for row in await log.rows_of("visitor-1")] == ["blog"]
    clock.pass_time(days=2000)
    assert await log.prune(clock() - timedelta(days=1), "blog") == 1
    for site, rows in (("shop", 4), ("blog", 1), (None, 5)):
        found = await verify(url, keys.public_keys, folder, site=site)
        assert (found.ok, found.rows, found.checkpoints_seen) == (True, rows, site != "blog"), site


def has_checkpoint(folder: Path) -> bool:
    """Is there one with all of its line? The file is made first."""
    return any(file.read_bytes().endswith(b"\n") for file in folder.glob("*.jsonl"))


async def signed(folder: Path) -> None:
    """Wait for the first checkpoint."""
    async with asyncio.timeout(60):
        while not has_checkpoint(folder):  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.02)


async def test_checkpoints_follow_by_number_of_rows_and_at_the_end(url, keys, folder, clock, accept):
    log = await ConsentLog.open(url, keys, checkpoints=folder, clock=clock, pace=Pace(checkpoint_rows=10))
    for _ in range(10):
        await log.append(accept())
    await signed(folder)
    assert (await verify(url, keys.public_keys, folder)).checkpoints_seen == 1
    await log.append(accept())
    await log.close()
    found = await verify(url, keys.public_keys, folder)
    assert (found.ok, found.checkpoints_seen, found.checkpoints_matched) == (True, 2, 2)


async def test_checkpoints_follow_by_time(url, keys, folder, clock, accept):
    log = await ConsentLog.open(url, keys, checkpoints=folder, clock=clock, pace=Pace(checkpoint_seconds=0.05))
    await log.append(accept())
    await signed(folder)
    await asyncio.sleep(0.6)
    assert (await verify(url, keys.public_keys, folder)).checkpoints_seen == 1
    await log.close()
    assert (await verify(url, keys.public_keys, folder)).checkpoints_seen == 1


async def test_a_closed_log_takes_no_more_rows(url, keys, folder, clock, accept):
    log = await ConsentLog.open(url, keys, checkpoints=folder, clock=clock)
    await log.close()
    with pytest.raises(LogUnavailable, match="closed"):
        await log.append(accept())


async def test_what_was_accepted_before_closing_is_written(url, keys, folder, clock, accept):
    log = await ConsentLog.open(url, keys, checkpoints=folder, clock=clock)
    waiting = [asyncio.create_task(log.append(accept())) for _ in range(50)]
    await asyncio.sleep(0)
    await log.close()
    assert sorted(row.seq for row in await asyncio.gather(*waiting)) == list(range(1, 51))


async def test_a_group_that_fails_leaves_no_row_and_the_next_one_is_written(log, accept, url, keys, folder):
    """A group is one transaction: when the second chain fails, the rows of the first are gone too."""
    store = store_of(url)
    first = await log.append(accept())

    async def fail() -> None:
        async with store.writing() as session:
            await session.many("DELETE FROM consent_entry WHERE chain = ?", [("shop",)])
            raise LogUnavailable("as planned")

    with pytest.raises(LogUnavailable, match="as planned"):
        await fail()
    await store.close()
    assert (await log.append(accept())).prev == first.hash
    assert (await verify(url, keys.public_keys, folder)).ok


async def test_verify_of_an_empty_log_is_fine(log, url, keys, tmp_path: Path):
    found = await verify(url, keys.public_keys, tmp_path / "none")
    assert found.as_dict() == {
        "rows": 0,
        "chains": 0,
        "ok": True,
        "first_bad": None,
        "checkpoints": {"seen": 0, "matched": 0},
        "faults": 0,
        "erased": 0,
        "notices_missing": [],
        "remarks": [],
    }

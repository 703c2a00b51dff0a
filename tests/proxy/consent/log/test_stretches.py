"""A chain judged in stretches is judged as strictly as in one piece, whoever reads the rows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.consent.log import verify
from proxy.consent.log.boundary import newest
from proxy.consent.log.chain import Answers, Head, Quoted, extended
from proxy.consent.log.chain_check import ChainCheck, Expected
from proxy.consent.log.event import Event
from proxy.consent.log.opening import store_of
from proxy.consent.log.stretches import Division, joined

START = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
THREES = Division(processes=2, rows=3)


def chain_of(count, erased_by):
    """Records 1 to `count`; `erased_by` maps the place of an erase row to the rows it blanks."""
    events = [
        Event("erase", START, "shop", surface="api", detail={"rows": sorted(erased_by[seq])})
        if seq in erased_by
        else Event("accept", START + timedelta(seconds=seq), "shop", path=f"/{seq}", subject=f"v{seq}", notice="a" * 64)
        for seq in range(1, count + 1)
    ]
    records = extended(Head("shop"), events, lambda size: b"s" * size, Quoted())
    blanked = {row for rows in erased_by.values() for row in rows}
    return [(*r[:14], None, None, None, None, None, *r[19:]) if r[1] in blanked else r for r in records]


def in_one(records):
    check = ChainCheck(Head("shop"), Expected(), Quoted(), Answers())
    check.feed(records)
    check.close()
    return check


def in_stretches(records, cuts):
    check = ChainCheck(Head("shop"), Expected(), Quoted(), Answers())
    before = (0, bytes(32))
    for first, last in zip([0, *cuts], [*cuts, len(records)], strict=True):
        part = ChainCheck(Head("shop", *before), Expected(), Quoted(), Answers(), whole=False)
        part.feed(records[first:last])
        if not check.join(part.stretch()):
            return None
        before = (records[last - 1][1], records[last - 1][21])
    check.close()
    return None if check.faults else check


cuts = st.lists(st.integers(1, 11), unique=True, max_size=6).map(sorted)


@given(cuts=cuts, erase_at=st.integers(4, 12), blanked=st.sets(st.integers(1, 3), max_size=3))
@settings(deadline=None, max_examples=50)
def test_a_sound_chain_is_sound_in_any_stretches_with_the_same_counts(cuts, erase_at, blanked):
    records = chain_of(12, {erase_at: blanked})
    whole, parts = in_one(records), in_stretches(records, cuts)
    assert not whole.faults
    assert (
        (parts.rows, parts.erased, parts.notices)
        == (whole.rows, whole.erased, whole.notices)
        == (
            12,
            len(blanked),
            {"a" * 64},
        )
    )


@given(cuts=cuts, place=st.integers(0, 11), column=st.integers(1, 21), other=st.integers(0, 11))
@settings(deadline=None, max_examples=200)
def test_what_spoils_the_whole_spoils_some_stretch(cuts, place, column, other):
    """Any field of any row replaced by that of another row: the two ways agree on whether the chain is sound."""
    records = chain_of(12, {9: {2, 5}})
    changed = list(records[place])
    changed[column] = records[other][column]
    records[place] = tuple(changed)
    assert (in_stretches(records, cuts) is None) == bool(in_one(records).faults)


@given(cuts=cuts, taken=st.integers(0, 11))
@settings(deadline=None, max_examples=50)
def test_a_row_taken_out_is_missed_in_any_stretches(cuts, taken):
    records = chain_of(12, {})
    del records[taken]
    whole, parts = in_one(records), in_stretches(records, [cut for cut in cuts if cut < 11])
    assert (parts is None) == bool(whole.faults)
    assert taken == 11 or parts is None, "only the end can be cut off unseen, until a checkpoint has seen it"


def test_identifiers_removed_without_an_erase_row_spoil_the_joined_chain():
    records = chain_of(12, {9: {2}})
    records[8] = chain_of(12, {})[8]
    assert in_stretches(records, [4, 8]) is None


@pytest.fixture
async def logged(log, url, keys, folder, accept):
    """Twelve rows, the second erased by one of the last; a checkpoint in the middle and one at the end."""
    for number in range(12):
        await log.append(accept(subject=f"v{number}", nonce=f"n{number}"))
        if number == 5:
            await log.checkpoint()
    await log.erase("v1")
    await log.checkpoint()
    return url


async def shared_out(url, keys, folder):
    """What the processes alone have to say, None where the chain must be judged in one snapshot."""
    from proxy.consent.log import checkpoints, store

    expected = Expected.of(checkpoints.read(folder, keys.public_keys))
    database = store_of(url, read_only=True)
    try:
        async with database.reading() as session:
            start, _ = await newest(session, "shop", keys.public_keys)
            return await joined(url, start, (await store.head(session, "shop")).seq, expected, THREES)
    finally:
        await database.close()


async def test_processes_find_what_one_finds(logged, keys, folder):
    in_pieces = await verify(logged, keys.public_keys, folder, division=THREES)
    in_order = await verify(logged, keys.public_keys, folder, division=Division(1))
    assert in_pieces == in_order
    assert (in_pieces.ok, in_pieces.erased, in_pieces.checkpoints_matched) == (True, 1, 2)
    assert (await shared_out(logged, keys, folder)).rows == in_order.rows


async def test_processes_go_on_from_where_a_chain_was_pruned(log, url, keys, folder, accept, clock):
    for _ in range(4):
        await log.append(accept())
    clock.pass_time(days=2)
    await log.prune(clock.pass_time(days=1))
    for _ in range(8):
        await log.append(accept())
    assert (await shared_out(url, keys, folder)).rows == 9
    assert (await verify(url, keys.public_keys, folder, division=THREES)).ok


async def test_a_fault_is_named_as_exactly_as_without_processes(logged, keys, folder):
    store = store_of(logged)
    async with store.writing() as session:
        await session.many("UPDATE consent_entry SET event = 'reject' WHERE seq = ?", [(8,)])
    await store.close()
    assert await shared_out(logged, keys, folder) is None
    found = await verify(logged, keys.public_keys, folder, division=THREES)
    assert (found.first_bad.row, found.faults) == (8, 1)
    assert found == await verify(logged, keys.public_keys, folder, division=Division(1))


async def test_a_log_that_no_process_can_read_is_not_called_sound(tmp_path):
    assert await joined(f"sqlite:///{tmp_path}/none.db", Head("shop"), 12, Expected(), THREES) is None

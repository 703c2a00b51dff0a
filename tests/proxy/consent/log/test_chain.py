"""What is hashed is canonical JSON, whatever the texts: rebuilt here with the standard library alone."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.consent.log.chain import Head, Quoted, extended, linked, record_of, row_of
from proxy.consent.log.event import EVENTS, SURFACES, Event, canonical

PERSONAL = ("agent", "ip", "path", "subject")
CONTENT = (
    "chain", "commitment", "detail", "event", "language", "method", "nonce", "notice", "policy", "purposes", "seq",
    "site", "surface", "time", "vendors",
)  # fmt: skip

texts = st.text(max_size=30)
ids = st.none() | st.text("azAZ09_.:+/=~-", min_size=1, max_size=40)
anything = st.builds(
    Event,
    event=st.sampled_from(EVENTS),
    time=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda time: time.replace(tzinfo=UTC)),
    site=st.text('az09.:-æ"\\', min_size=1, max_size=20),
    path=st.none() | texts,
    subject=ids,
    purposes=st.dictionaries(texts, st.booleans(), max_size=4),
    vendors=st.dictionaries(texts, st.booleans(), max_size=4),
    language=texts,
    surface=st.sampled_from(SURFACES),
    method=texts,
    notice=ids,
    policy=ids,
    ip=ids,
    agent=st.none() | texts,
    nonce=ids,
    detail=st.none() | st.dictionaries(st.text('ab"\\\n', max_size=3), st.integers() | st.booleans(), max_size=3),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(anything, max_size=5), st.binary(min_size=16, max_size=16))
def test_any_events_make_a_chain_that_plain_json_and_sha256_can_check(events, salt):
    records = extended(Head("shop"), events, lambda _: salt, Quoted())
    prev = "00" * 32
    for number, record in enumerate(records, start=1):
        row = json.loads(canonical(row_of(record).as_dict()))
        personal = canonical({name: row[name] for name in PERSONAL}).encode()
        assert row["commitment"] == sha256(salt + personal).hexdigest()
        content = canonical({name: row[name] for name in CONTENT}).encode()
        assert (row["prev"], row["seq"]) == (prev, number)
        assert row["hash"] == sha256(bytes.fromhex(prev) + content).hexdigest()
        assert record_of(row) == record
        prev = row["hash"]


@settings(max_examples=50, deadline=None)
@given(anything, anything)
def test_two_events_share_a_hash_only_when_nothing_that_is_hashed_differs(one, other):
    quoted = Quoted()
    first, second = (extended(Head("shop"), [event], lambda _: bytes(16), quoted)[0] for event in (one, other))
    assert (linked(first, quoted) == linked(second, quoted)) == (first[:20] == second[:20])


@given(
    st.dictionaries(st.sampled_from([*CONTENT, *PERSONAL, "salt", "prev", "hash"]), st.none() | st.integers() | texts)
)
def test_a_line_that_is_no_row_is_refused_with_a_reason(row):
    with pytest.raises(ValueError, match=r".+"):
        record_of(row)


@pytest.mark.parametrize(
    ("different", "complaint"),
    [
        ({"event": "agree"}, "event 'agree'"),
        ({"surface": "popup"}, "surface 'popup'"),
        ({"time": datetime(2026, 1, 1)}, "needs a zone"),
        ({"site": ""}, "site ''"),
        ({"site": "a b"}, "site 'a b'"),
        ({"subject": "a b"}, "subject 'a b'"),
        ({"nonce": ""}, "nonce ''"),
        ({"notice": "x" * 201}, "notice"),
        ({"detail": {"x": "\ud800"}}, "surrogates"),
    ],
)
def test_what_our_own_code_got_wrong_is_refused(different, complaint):
    with pytest.raises(ValueError, match=complaint):
        Event(**{"event": "accept", "time": datetime(2026, 1, 1, tzinfo=UTC), "site": "shop", **different})


def test_times_of_other_zones_are_written_in_utc():
    noon = datetime.fromisoformat("2026-11-20T12:00:00+01:00")
    (record,) = extended(Head("shop"), [Event("accept", noon + timedelta(microseconds=1), "shop")], bytes, Quoted())
    assert record[2] == "2026-11-20T11:00:00.000001Z"

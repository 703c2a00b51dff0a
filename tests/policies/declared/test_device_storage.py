"""A device storage disclosure declares cookies as a policy does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.catalogue import Catalogue
from policies.declared import read_policy
from policies.declared.device_storage import read_device_storage

CATALOGUE = Catalogue.of({})
DISCLOSURE = {
    "disclosures": [
        {"identifier": "_ga*", "type": "cookie", "maxAgeSeconds": 63_072_000, "purposes": [1, 8]},
        {"identifier": "sid", "type": "cookie", "maxAgeSeconds": 0, "purposes": [1]},
        {"identifier": "seen", "type": "web", "maxAgeSeconds": None, "purposes": [1, 3]},
        {"identifier": "sid", "type": "cookie", "maxAgeSeconds": True},
        {"identifier": "*", "type": "cookie", "maxAgeSeconds": 5},
        {"type": "app"},
        "nonsense",
    ]
}


@pytest.mark.parametrize("indent", [None, 2])
def test_names_lifetimes_and_purposes_are_taken_over(indent: int | None) -> None:
    text = json.dumps(DISCLOSURE, indent=indent)
    found = read_policy(text, catalogue=CATALOGUE).cookies
    told = [(c.name, c.lifetime, c.session, c.kind, c.purpose) for c in found]
    assert told == [
        ("_ga*", 63_072_000, False, "cookie", "statistics"),
        ("sid", None, True, "cookie", None),
        ("seen", None, False, "storage", "marketing"),
        ("sid", None, False, "cookie", None),
    ]
    assert [text[c.position : c.position + len(c.quote)] for c in found] == [c.quote for c in found]
    assert len({c.position for c in found}) == 4


def test_other_json_and_prose_are_no_disclosure() -> None:
    for text in ('{"a": 1}', '{"disclosures": {}}', "[1]", "{not json", "We use _ga.", "{" * 100_000):
        assert read_device_storage(text) is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=8))
def test_any_entries_are_read_or_passed_over(entry: object) -> None:
    text = json.dumps(
        {"disclosures": [{"identifier": "a", "type": "cookie", "maxAgeSeconds": entry, "purposes": entry}]}
    )
    found = read_device_storage(text)
    assert found is not None
    assert [cookie.name for cookie in found.cookies] == ["a"]

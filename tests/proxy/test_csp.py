"""Policies: ours restricts and stays short, theirs is changed no more than our files need."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.csp import LONGEST, admit, admit_frames, admit_written, own_policy

ORIGIN = "https://shop.example"
OURS = "https://shop.example/.samtykke/"


def directives(policy: str) -> dict[str, list[str]]:
    parts = [part.split() for part in policy.split(";") if part.strip()]
    return {words[0]: words[1:] for words in parts}


def test_only_named_hosts_and_the_sites_own_are_allowed():
    found = directives(own_policy({"script": ("stats.example",), "image": ("img.example",)}, ["www.shop.example"]))
    assert {"shop.example:*", "*.shop.example:*", "stats.example:*"} <= set(found["script-src"])
    assert "img.example:*" not in found["script-src"]
    assert "img.example:*" in found["img-src"]
    assert not {"form-action", "frame-ancestors", "base-uri", "default-src"} & set(found)
    assert found["report-uri"] == ["/.samtykke/report"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_host_that_has_no_subdomains_of_its_own_stands_alone(host):
    assert "*." not in own_policy({}, [host])


def test_where_unknown_third_parties_may_run_that_part_is_left_out():
    found = directives(own_policy({}, ["shop.example"], code_open=True))
    assert "script-src" not in found
    assert "img-src" in found


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 400), st.integers(1, 40))
def test_a_policy_stays_short_and_still_allows_every_host(count, length):
    hosts = tuple(f"h{number}.{'x' * length}{number}.example" for number in range(count))
    policy = own_policy({"script": hosts, "image": hosts, "connect": hosts}, ["shop.example"])
    if policy is not None:
        assert len(policy) < LONGEST
        allowed = directives(policy)
        scripts = allowed.get("script-src") or allowed["default-src"]
        for host in hosts:
            assert f"{host}:*" in scripts or f"*.{host.partition('.')[2]}:*" in scripts


@pytest.mark.parametrize(
    "policy",
    [
        "default-src 'self'",
        "script-src 'self'; style-src *; connect-src https:",
        "img-src *",
        "frame-ancestors 'none'",
        "upgrade-insecure-requests",
        "default-src https:",
        "script-src https://shop.example 'unsafe-inline'; style-src *",
        "DEFAULT-SRC 'SELF'",
    ],
)
def test_a_policy_that_lets_us_in_already_is_not_touched(policy):
    assert admit([policy], ORIGIN).values == (policy,)


@pytest.mark.parametrize(
    ("policy", "changed"),
    [
        ("script-src https://a.example", f"script-src https://a.example {OURS}"),
        ("script-src 'none'; img-src *", f" script-src {OURS}; img-src *"),
        ("default-src 'none'", f"default-src 'none'; script-src {OURS}; style-src {OURS}; connect-src {OURS}"),
        ("script-src-elem a.example; script-src b.example", f"script-src-elem a.example {OURS}; script-src b.example"),
        ("form-action https://pay.example", f"form-action https://pay.example {OURS}"),
        ("form-action 'self'", "form-action 'self'"),
    ],
)
def test_a_policy_that_keeps_us_out_is_edited_just_enough(policy, changed):
    assert admit([policy], ORIGIN).values == (changed,)


def test_a_nonce_is_used_and_nothing_edited():
    found = admit(["script-src 'nonce-r4nd' 'strict-dynamic'; style-src 'self'"], ORIGIN, ("sha256-x",))
    assert found.nonce == "r4nd"
    assert found.values == ("script-src 'nonce-r4nd' 'strict-dynamic'; style-src 'self'",)


def test_strict_dynamic_without_nonce_takes_our_hashes():
    found = admit(["script-src 'strict-dynamic' 'sha256-theirs'"], ORIGIN, ("sha256-a", "sha256-b"))
    assert found.values == ("script-src 'strict-dynamic' 'sha256-theirs' 'sha256-a' 'sha256-b'",)


@pytest.mark.parametrize(
    ("policy", "changed"),
    [
        ("trusted-types a; img-src *", "trusted-types a samtykke samtykke-banner; img-src *"),
        ("trusted-types 'none'", " trusted-types samtykke samtykke-banner"),
        ("trusted-types", "trusted-types samtykke samtykke-banner"),
        ("trusted-types *", "trusted-types *"),
        ("require-trusted-types-for 'script'", "require-trusted-types-for 'script'"),
    ],
)
def test_trusted_types_admit_our_two_policies(policy, changed):
    assert admit([policy], ORIGIN).values == (changed,)


def test_a_written_policy_admits_us_by_address_even_beside_a_nonce():
    assert admit_written("script-src 'nonce-abc'", ORIGIN, ()) == f"script-src 'nonce-abc' {OURS}"
    assert admit_written("script-src 'self'; style-src 'self'", ORIGIN, ()) == "script-src 'self'; style-src 'self'"


def test_frames_that_a_placeholder_offers_are_admitted_where_frames_are_governed():
    strict = own_policy({}, ["shop.example"])
    found = directives(admit_frames(strict, ("film.example", "*.film.example")))
    assert {name for name, words in found.items() if {"film.example:*", "*.film.example:*"} & set(words)} == {
        "frame-src", "object-src",
    }  # fmt: skip
    open_policy = own_policy({}, ["shop.example"], code_open=True)
    assert admit_frames(open_policy, ("film.example",)) == open_policy
    assert admit_frames(strict, (f"film{n}.example" for n in range(900))) == strict


def test_every_one_of_several_policies_lets_us_in():
    found = admit(["script-src a.example, script-src 'self'", "script-src b.example"], ORIGIN)
    assert found.values == (f"script-src a.example {OURS}, script-src 'self'", f"script-src b.example {OURS}")


@settings(deadline=None, max_examples=30)
@given(st.text(st.sampled_from("ab';-: *,\t.srcdefault"), max_size=80))
def test_any_policy_is_survived_and_editing_twice_is_editing_once(policy):
    once = admit([policy], ORIGIN).values
    assert admit(once, ORIGIN).values == once

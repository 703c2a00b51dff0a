"""What is served: small, immutable, and saying the same as the rules it was made from."""

# ruff: noqa: E501  # a page's script reads best on one line
from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from guard_rules import GuardRules
from hypothesis import given
from hypothesis import strategies as st

from policies.purpose import REJECT, UNDECIDED, Consent
from proxy.guard import guard_assets, guard_of, guard_tags
from proxy.guard.shorten import shorten
from proxy.guard.tables import escaped, name_pattern, tables

GUESTS = Path(__file__).parents[2] / "guests"


def a_sites_rules() -> GuardRules:
    """As many trackers as a busy shop has: 25 vendors, 60 hosts, 75 cookies, 25 keys."""
    hosts = {
        f"{kind}{n}.vendor{n}-media.com": ["marketing", f"vendor-{n}"] for n in range(25) for kind in ("cdn", "px")
    }
    exact = {f"_v{n}_{what}": ["marketing", f"vendor-{n}"] for n in range(25) for what in ("id", "ses", "ref")}
    base = GuardRules().browser_rules()
    return GuardRules(
        hosts={**base["hosts"], **hosts},  # type: ignore[dict-item]  # the rules are JSON
        cookies={"exact": exact, "globs": [[f"_v{n}.*", "marketing", f"vendor-{n}"] for n in range(25)]},
        storage={"exact": {f"v{n}.state": ["marketing", f"vendor-{n}"] for n in range(25)}, "globs": []},
    )


def first_asset(rules: GuardRules) -> bytes:
    guard = guard_of(rules)
    return guard.assets[guard.guard_path].body


def test_the_guard_with_a_sites_rules_is_at_most_5_kb() -> None:
    assert len(gzip.compress(first_asset(GuardRules()), 9)) <= 5 * 1024
    assert len(gzip.compress(first_asset(a_sites_rules()), 9)) <= 5 * 1024


def test_hosts_with_the_same_paths_share_one_pattern() -> None:
    prefixes = [[host, path, "marketing", "ads"] for host in ("a.test", "b.test") for path in ("/x", "/y")]
    rules = json.loads(
        tables(GuardRules(prefixes=[*prefixes, ["c.test", "/z", "marketing", "ads"]]).browser_rules())[0]
    )
    [pattern] = [row[2] for row in rules["rows"] if row[1] == "ads" and "a\\.test" in row[2]]
    assert pattern.count("/x") == 1
    for address in ("a.test /x1", "www.a.test /y", "b.test /y/z", "www.c.test /z"):
        assert re.search(pattern, address), address
    for address in ("a.test /z", "ba.test /x", "c.test /x/z", "any.test /x", "any.test /b.test/x"):
        assert not re.search(pattern, address), address


def test_assets_are_named_by_their_content() -> None:
    rules, others = GuardRules(), GuardRules(own=["other.localhost"])
    assert set(guard_assets(rules)) == set(guard_assets(GuardRules()))
    assert set(guard_assets(rules)) != set(guard_assets(others))
    for path, asset in guard_assets(rules).items():
        assert re.fullmatch(r"/\.samtykke/assets/(guard|activate)\.[0-9a-f]{16}\.js", path)
        assert asset.content_type.startswith("text/javascript")


def test_tags_carry_state_nonce_and_integrity() -> None:
    rules = GuardRules()
    consent = Consent.of(["statistics"], [("it's", True), ("ads", False)])
    tags = guard_tags(rules, consent, nonce='a"b', consent_mode="signals").decode()
    assert tags.count("<script src=") == 2
    assert tags.count('nonce="a&quot;b"') == 2
    assert "data-mode=signals" in tags
    state = re.search(r"data-state='([^']*)'", tags)
    assert state
    assert json.loads(state[1].replace("&#39;", "'")) == {
        "purposes": ["statistics"],
        "vendors": {"ads": False, "it's": True},
    }
    for asset in guard_assets(rules).values():
        assert f'integrity="{asset.integrity}"' in tags


def test_undecided_and_rejecting_visitors_grant_nothing() -> None:
    for consent in (UNDECIDED, REJECT):
        tags = guard_tags(GuardRules(), consent, nonce=None, consent_mode="strip").decode()
        assert '{"purposes":[],"vendors":{}}' in tags
        assert "nonce" not in tags


def test_rules_survive_their_way_into_the_tables() -> None:
    rules = json.loads(tables(GuardRules().browser_rules(), ["/checkout/"])[0])
    assert re.search(rules["exempt"], "/checkout")
    assert re.search(rules["exempt"], "/checkout/pay")
    assert not re.search(rules["exempt"], "/checkouts")
    assert re.search(rules["own"], "www.shop.localhost")
    assert not re.search(rules["own"], "shop.localhost.example")
    stored = json.loads(tables(GuardRules().browser_rules())[1])
    cookies = [row for row in stored["rows"] if row[2]]
    assert [row[:2] for row in cookies if re.search(row[2], "_trk_a")] == [["statistics", "tracker"]]
    assert not any(re.search(row[2], "x_trk") for row in cookies)
    assert stored["stubs"] == {"trk": ["statistics", "tracker"]}
    assert stored["queues"] == {"_que": ["statistics", "tracker"]}


@given(st.text(min_size=1, max_size=20))
def test_escaped_text_matches_itself_alone(text: str) -> None:
    assert re.fullmatch(escaped(text), text, re.DOTALL)
    assert not re.fullmatch(escaped(text), text + "x")


@given(st.text(alphabet="ab.*?", min_size=1, max_size=8), st.text(alphabet="ab.", max_size=8))
def test_name_globs_mean_what_fnmatch_means(glob: str, name: str) -> None:
    def fits(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return fits(pattern[1:], text) or (bool(text) and fits(pattern, text[1:]))
        return bool(text) and pattern[0] in {"?", text[0]} and fits(pattern[1:], text[1:])

    assert bool(re.fullmatch(name_pattern(glob), name)) == fits(glob, name)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("(function(){const alpha=1;x.alpha=alpha;})()", "(function(){const a=1;x.alpha=a;})()"),
        ("(function(){const alpha=1;f({alpha,b:alpha});})()", "(function(){const a=1;f({alpha:a,b:a});})()"),
        ("(function(){const {alpha,beta:gamma}=x;gamma(alpha);})()", "(function(){const {alpha:b,beta:a}=x;a(b);})()"),
        ("(function(){const alpha='alpha';f(`alpha ${alpha}`);})()", "(function(){const a='alpha';f(`alpha ${a}`);})()"),
        ("(function(){const alpha=/alpha/.exec(b);})()", "(function(){const a=/alpha/.exec(b);})()"),
        ("(function(){const f=(first)=>first;const g=(second)=>second;})()", "(function(){const b=(a)=>a;const c=(a)=>a;})()"),
        ("(function(){const alpha=x?alpha:beta;})()", "(function(){const a=x?a:beta;})()"),
    ],
)  # fmt: skip
def test_names_get_shorter_where_that_changes_nothing(before: str, after: str) -> None:
    assert len(shorten(before)) <= len(before)
    assert shorten(shorten(before)) == shorten(before)
    assert re.sub(r"\b[a-z]\b", "_", shorten(before)) == re.sub(r"\b[a-z]\b", "_", after)


def test_types_of_our_scripts_are_checked() -> None:
    """With the TypeScript of tests/guests where it is installed (`npm ci --prefix tests/guests`); CI installs it."""
    compiler = GUESTS / "node_modules" / ".bin" / "tsc"
    if not compiler.exists():
        assert shutil.which("npm"), "neither tests/guests/node_modules nor npm is there"
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=GUESTS, check=True, capture_output=True)
    done = subprocess.run(
        [compiler, "--project", "proxy/guard/jsconfig.json"],
        cwd=GUESTS.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout + done.stderr == ""

"""Who is behind what a scan saw: by name, by host, by behaviour; each label says what it rests on."""

from __future__ import annotations

from typing import Any

import pytest
from made_up_vendor import COUNTER, COUNTING

from policies.attribution import attribute, host_evidence
from policies.catalogue import Catalogue
from policies.observation import (
    Frame,
    ObservedCookie,
    ObservedKey,
    ObservedRequest,
    Scan,
    Setter,
    Technique,
)
from policies.purpose import Purpose

CATALOGUE = Catalogue.of({"counter": COUNTER + COUNTING})
SITE = "http://shop.example/"


def scan(**parts: Any) -> Scan:
    return Scan(site=SITE, started="2026-01-01T00:00:00+00:00", mode="browser", **parts)


def request(url: str, type_: str = "script") -> ObservedRequest:
    return ObservedRequest(url=url, page=SITE, type=type_, third_party="shop.example" not in url)


def cookie(name: str, *, by: str = SITE, domain: str = "shop.example", first: bool = True) -> ObservedCookie:
    setter = Setter(kind="js", url=by)
    return ObservedCookie(name=name, domain=domain, first_party=first, set_by=(setter,))


def labelled(name: str, **how: Any) -> tuple[str | None, Purpose | None, str]:
    [found] = attribute(scan(cookies=(cookie(name, **how),)), CATALOGUE).cookies
    return found.vendor, found.purpose, found.because


def test_a_telling_name_is_enough() -> None:
    vendor, purpose, because = labelled("_count.1")
    assert (vendor, purpose) == ("counter", Purpose.STATISTICS)
    assert because == "cookie _count.* is Counter's"


def test_a_common_name_needs_its_vendors_script() -> None:
    assert labelled("uid") == (None, None, "nothing known about it")
    vendor, _, because = labelled("uid", by="https://cdn.counter.example/c.js")
    assert vendor == "counter"
    assert because == "cookie uid is Counter's, seen with cdn.counter.example"


def test_who_called_the_setting_script_is_a_witness_too() -> None:
    stack = (Frame(url="https://cdn.counter.example/c.js", line=1),)
    by = Setter(kind="js", url=SITE, stack=stack)
    seen = ObservedCookie(name="uid", domain="shop.example", set_by=(by,))
    [found] = attribute(scan(cookies=(seen,)), CATALOGUE).cookies
    assert found.vendor == "counter"


def test_an_unknown_name_takes_the_label_of_the_host_that_set_it() -> None:
    found = attribute(
        scan(
            cookies=(cookie("zz", by="https://counter.example/c.js"),),
            requests=(request("https://counter.example/c.js"),),
        ),
        CATALOGUE,
    ).cookies[0]
    assert found.vendor == "counter"
    assert found.because == "set by counter.example: counter.example belongs to Counter"


def test_storage_keys_are_labelled_like_cookies() -> None:
    key = ObservedKey(kind="local", origin="http://shop.example", key="count_visits")
    [found] = attribute(scan(storage=(key,)), CATALOGUE).storage
    assert (found.vendor, found.purpose) == ("counter", Purpose.STATISTICS)


@pytest.mark.parametrize(
    ("url", "vendor"),
    [
        ("https://cdn.counter.example/c.js", "counter"),
        ("https://shop.example/stats/counter.php?x=1", "counter"),
        ("https://shop.example/app.js", None),
        ("https://unheard.example/x.js", None),
    ],
)
def test_requests_are_labelled_by_host_and_endpoint(url: str, vendor: str | None) -> None:
    [found] = attribute(scan(requests=(request(url),)), CATALOGUE).requests
    assert found.vendor == vendor


def test_a_host_whose_script_sets_a_known_cookie_is_that_vendors() -> None:
    seen = scan(
        cookies=(cookie("_count.1", by="https://metrics.alias.example/c.js"),),
        requests=(request("https://metrics.alias.example/c.js"),),
    )
    evidence = host_evidence(seen, CATALOGUE)["metrics.alias.example"]
    assert (evidence.vendor, evidence.tracker) == ("counter", True)
    assert evidence.because == "metrics.alias.example sets _count.*, a cookie of Counter"


def test_a_host_with_a_cookie_of_its_own_follows_visitors() -> None:
    seen = scan(
        cookies=(cookie("who", by="https://pix.example/1.gif", domain="pix.example", first=False),),
        requests=(request("https://pix.example/1.gif", "image"),),
    )
    evidence = host_evidence(seen, CATALOGUE)["pix.example"]
    assert (evidence.vendor, evidence.purpose, evidence.tracker) == (None, Purpose.MARKETING, True)
    assert "a cookie of its own (who)" in evidence.because


def test_a_host_that_reads_a_canvas_recognises_browsers() -> None:
    technique = Technique(kind="canvas", script="https://fp.example/f.js", page=SITE)
    seen = scan(requests=(request("https://fp.example/f.js"),), techniques=(technique,))
    evidence = host_evidence(seen, CATALOGUE)["fp.example"]
    assert evidence.tracker
    assert evidence.purpose is None
    assert evidence.because == "fp.example recognises browsers without a cookie (canvas)"


def test_a_harmless_third_party_and_the_site_itself_are_no_evidence() -> None:
    seen = scan(requests=(request("https://cdn.example/a.js"), request("https://www.shop.example/a.js")))
    assert host_evidence(seen, CATALOGUE) == {}


def test_labelling_twice_changes_nothing() -> None:
    seen = scan(
        cookies=(cookie("_count.1"), cookie("zz", by="https://pix.example/1.gif", domain="pix.example", first=False)),
        requests=(request("https://pix.example/1.gif"), request("https://counter.example/c.js")),
    )
    once = attribute(seen, CATALOGUE)
    assert attribute(once, CATALOGUE) == once

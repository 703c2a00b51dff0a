"""The table of what loads, and addresses read as a browser reads them (URL Standard)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.embeds import EMBEDS, link_kind, load_of, resolve, script_type

BASE = "https://shop.test/a/b?c#d"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://ads.test/x?y#z", "https://ads.test/x?y#z"),
        ("//ads.test/x", "https://ads.test/x"),
        ("/x", "https://shop.test/x"),
        ("x", "https://shop.test/a/x"),
        ("./x/../y", "https://shop.test/a/y"),
        ("../x", "https://shop.test/x"),
        ("?q", "https://shop.test/a/b?q"),
        ("", "https://shop.test/a/b?c"),
        ("\\\\ads.test\\x", "https://ads.test/x"),
        ("/\\ads.test/x", "https://ads.test/x"),
        ("\\x", "https://shop.test/x"),
        ("http:\\\\ads.test/", "http://ads.test/"),
        ("http:/\\ads.test/", "http://ads.test/"),
        ("http:ads.test/x", "http://ads.test/x"),
        ("https:/x", "https://shop.test/x"),
        ("https:x", "https://shop.test/a/x"),
        ("https:///ads.test", "https://ads.test/"),
        ("HTTPS://ADS.Test/X", "https://ads.test/X"),
        ("\x00 \t//ads\t.te\nst/\rx ", "https://ads.test/x"),
        ("ht\ntps://ads.test/", "https://ads.test/"),
        ("//user:pw@ads.test:443/x", "https://ads.test/x"),
        ("//shop.test@ads.test/x", "https://ads.test/x"),
        ("//ads.test:8443/x", "https://ads.test:8443/x"),
        ("//%61ds.test/x", "https://ads.test/x"),
        ("//ads.test?x", "https://ads.test/?x"),
        ("//ads.test#x", "https://ads.test/#x"),
        ("//ads.test/a/../b/./c", "https://ads.test/b/c"),
        ("//ads.test/a/%2e%2E/b", "https://ads.test/b"),
        ("/a/../collect", "https://shop.test/collect"),
        ("//ads.test/?a=/../b", "https://ads.test/?a=/../b"),
        ("//bøk.test/x", "https://xn--bk-lka.test/x"),
        ("//ａｄｓ.test/x", "https://ads.test/x"),
        ("//0x7f.1/x", "https://127.0.0.1/x"),
        ("//2130706433/x", "https://127.0.0.1/x"),
        ("//[::1]:8080/x", "https://[::1]:8080/x"),
        ("data:text/html,x", "data:text/html,x"),
        ("JavaScript:go()", "javascript:go()"),
        ("about:blank", "about:blank"),
        ("http://", ""),
        ("//", ""),
        ("wss://ads.test/s", "wss://ads.test/s"),
    ],
)
def test_an_address_means_what_a_browser_makes_of_it(written: str, meant: str) -> None:
    assert resolve(written, BASE).partition("#d")[0] == meant


@given(st.text(), st.sampled_from([BASE, "http://[::1]:1/x", "https://shop.test"]))
def test_any_text_is_an_address_or_none(written: str, base: str) -> None:
    assert isinstance(resolve(written, base), str)


@given(st.text(alphabet="/\\ht:ps.ad?#@%[]0x\t", max_size=20))
def test_resolving_an_absolute_answer_again_changes_nothing(written: str) -> None:
    once = resolve(written, BASE)
    if once.startswith(("http:", "https:")):
        assert resolve(once, BASE) == once


@pytest.mark.parametrize(
    ("rel", "destination", "kind"),
    [
        ("stylesheet", "", "style"),
        ("alternate StyleSheet", "", "style"),
        ("preload", "font", "font"),
        ("preload", "SCRIPT", "script"),
        ("preload", "", "hint"),
        ("modulepreload", "", "script"),
        ("shortcut icon", "", "image"),
        ("dns-prefetch", "", "hint"),
        ("preconnect", "", "hint"),
        ("prefetch stylesheet", "", "style"),
        ("canonical", "", None),
        ("alternate", "", None),
        ("", "", None),
    ],
)
def test_a_link_loads_by_its_relation(rel: str, destination: str, kind: str | None) -> None:
    assert link_kind(rel, destination) == kind


def test_forms_links_and_base_are_not_in_the_table() -> None:
    assert not {"form", "button", "base"} & EMBEDS.keys()
    assert "href" not in EMBEDS["a"]
    assert load_of("form", "action", {"action": "//ads.test"}) is None
    assert load_of("input", "formaction", {"type": "image"}) is None


def test_input_and_meta_load_only_in_one_of_their_roles() -> None:
    assert load_of("input", "src", {"type": " Image "})
    assert load_of("input", "src", {"type": "text"}) is None
    assert load_of("meta", "content", {"http-equiv": "REFRESH"})
    assert load_of("meta", "content", {"name": "refresh"}) is None


@pytest.mark.parametrize(
    ("own", "kind"),
    [
        ({}, "javascript"),
        ({"type": ""}, "javascript"),
        ({"type": " text/JavaScript "}, "javascript"),
        ({"type": "application/x-ecmascript"}, "javascript"),
        ({"language": "JavaScript1.2"}, "javascript"),
        ({"type": "module"}, "module"),
        ({"type": "importmap"}, "importmap"),
        ({"type": "speculationrules"}, "speculationrules"),
        ({"type": "text/plain"}, None),
        ({"type": "application/json"}, None),
        ({"language": "vbscript"}, None),
    ],
)
def test_a_script_runs_by_its_type(own: dict[str, str], kind: str | None) -> None:
    assert script_type(own) == kind

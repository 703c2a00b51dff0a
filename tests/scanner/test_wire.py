"""Reading an answer's fields: whatever they say, leaks are named or nothing is; a site's own ways are no leak."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.catalogue import Catalogue
from policies.purpose import ACCEPT, REJECT, UNDECIDED
from policies.rules import Rules
from scanner.wire import Answer, Planted, leaks_on_the_wire, passed_on, plant

PAGE = "https://shop.example/a"
RULES = Rules.for_site(None, Catalogue.load(), hosts=["shop.example"])
READ = (
    "link", "refresh", "speculation-rules", "report-to", "reporting-endpoints", "nel", "alt-svc", "cache-control",
    "vary", "attribution-reporting-register-source",
)  # fmt: skip


def answer(*fields, body=b"", neutralised=0, confirmed=None):
    return Answer(PAGE, 200, fields, body, confirmed, neutralised)


def subjects(found, consent=REJECT, planted=None):
    return {leak.subject for leak in leaks_on_the_wire(found, RULES, consent, planted or Planted())}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("link", '</a.css>; rel=preload; as=style, <https://shop.example/b>; rel="canonical"'),
        ("link", '<https://www.google-analytics.com/>; rel="author"'),
        ("link", "<https://www.google-analytics.com/a.js>; rel=preload; as=script"),
        ("refresh", "5"),
        ("refresh", "0; url=/next"),
        ("speculation-rules", '"/rules.json"'),
        ("report-to", '{"group": "a", "endpoints": [{"url": "https://shop.example/r"}]}'),
        ("report-to", "no JSON"),
        ("alt-svc", 'h3=":443"; ma=86400'),
        ("alt-svc", "clear"),
    ],
)
def test_what_stays_with_the_site_is_no_leak(name, value):
    assert subjects(answer((name, value))) == set()


@pytest.mark.parametrize(
    ("name", "value", "subject"),
    [
        ("link", '<//www.google-analytics.com>; rel="preconnect"; crossorigin', "https://www.google-analytics.com"),
        ("link", "</x>; rel=next, <https://connect.facebook.net>; rel=preconnect", "https://connect.facebook.net"),
        ("refresh", "300;URL='https://www.google-analytics.com/x'", "https://www.google-analytics.com/x"),
        ("alt-svc", 'h3="origin.example:443"', "alt-svc"),
        ("alt-svc", 'h2=":8443"', "alt-svc"),
    ],
)
def test_what_leads_to_a_tracker_or_past_the_proxy_is_one_until_it_is_agreed_to(name, value, subject):
    assert subjects(answer((name, value))) == {subject}
    assert subjects(answer((name, value)), ACCEPT) == set()


def test_a_planted_cookie_is_found_in_body_and_fields_and_only_then():
    planted = plant(("_ga",), RULES, UNDECIDED, "secret")
    values = dict(planted.cookies)
    assert "_ga" in values
    assert "basket" not in dict(plant(("basket",), RULES, UNDECIDED, "secret").cookies)
    assert subjects(answer(body=b"nothing of it"), planted=planted) == set()
    assert subjects(answer(body=f"<p>{values['_ga']}".encode()), planted=planted) == {"_ga"}
    assert subjects(answer(("x-seen", values["_ga"])), planted=planted) == {"_ga"}
    assert plant(("_ga",), RULES, UNDECIDED, "another").cookies != planted.cookies


@pytest.mark.parametrize(
    ("fields", "leaks"),
    [
        ([("cache-control", "public, max-age=60")], True),
        ([("cache-control", "s-maxage=60")], True),
        ([("last-modified", "Mon, 02 Nov 2026 00:00:00 GMT")], True),
        ([("cache-control", "private, max-age=60")], False),
        ([("cache-control", "no-store")], False),
        ([("cache-control", "public"), ("vary", "Accept"), ("vary", "Cookie")], False),
        ([("vary", "*"), ("cache-control", "public")], False),
        ([], False),
    ],
)
def test_what_a_shared_cache_may_keep(fields, leaks):
    bare = answer(neutralised=3)
    assert (passed_on(answer(*fields, neutralised=1), bare) is not None) == leaks
    assert passed_on(answer(*fields, neutralised=3), bare) is None


@given(st.lists(st.tuples(st.sampled_from(READ), st.text(max_size=80)), max_size=6))
def test_any_fields_are_read_without_complaint(fields):
    for consent in (UNDECIDED, ACCEPT):
        leaks_on_the_wire(answer(*fields), RULES, consent, Planted())

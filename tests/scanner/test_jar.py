"""What a browser would keep of one visit's Set-Cookie lines."""

import pytest

from scanner.jar import Jar, whole_minute

NOW = 1_800_000_000.0
URL = "https://www.shop.example/goods/tea"


def fed(*lines, url=URL):
    jar = Jar("www.shop.example")
    for line in lines:
        jar.feed(line.encode(), url, NOW)
    return jar


def states(jar):
    return [(cookie.name, cookie.state, cookie.declared_lifetime) for cookie in jar.cookies()]


def test_a_cookie_is_kept_with_what_it_asked_for_and_what_it_gets():
    (cookie,) = fed("_ga=1; Max-Age=63072000; Domain=shop.example; Path=/; Secure; SameSite=Lax").cookies()
    assert (cookie.state, cookie.domain, cookie.path, cookie.host_only) == ("stored", "shop.example", "/", False)
    assert (cookie.declared_lifetime, cookie.effective_lifetime) == (63_072_000, 34_560_000)
    assert (cookie.first_party, cookie.session, cookie.same_site) == (True, False, "Lax")
    assert [(setter.kind, setter.url) for setter in cookie.set_by] == [("http", URL)]


def test_a_session_cookie_has_no_lifetime():
    (cookie,) = fed("sid=1; HttpOnly").cookies()
    assert (cookie.session, cookie.declared_lifetime, cookie.path) == (True, None, "/goods")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a=1; Domain=other.example", "InvalidDomain"),
        ("a=1; Domain=example", "InvalidDomain"),
        ("__Host-a=1; Secure; Path=/x", "InvalidPrefix"),
        ("__Secure-a=1", "InvalidPrefix"),
        ("a=1; SameSite=None", "SameSiteNoneInsecure"),
    ],
)
def test_what_a_browser_refuses_is_blocked_with_its_reason(line, reason):
    (cookie,) = fed(line).cookies()
    assert (cookie.state, cookie.blocked_reasons) == ("blocked", (reason,))


def test_a_secure_cookie_needs_tls_or_a_trustworthy_origin():
    assert states(fed("a=1; Secure", url="http://www.shop.example/")) == [("a", "blocked", None)]
    assert states(fed("a=1; Secure", url="http://shop.localhost:8080/")) == [("a", "stored", None)]
    assert states(fed("a=1; Secure", url="http://127.0.0.1/")) == [("a", "stored", None)]


def test_deleting_and_overwriting_are_told_apart():
    assert states(fed("a=1; Max-Age=60", "a=; Max-Age=0")) == [("a", "deleted", 60)]
    assert states(fed("a=1; Max-Age=60", "a=2; Max-Age=7200")) == [("a", "stored", 7200), ("a", "overwritten", 60)]
    assert states(fed("a=1; Max-Age=60", "a=2; Max-Age=60")) == [("a", "stored", 60)]


def test_deleting_what_was_never_there_is_no_cookie():
    assert states(fed("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT")) == []
    assert states(fed("a=; Max-Age=0; Domain=other.example")) == []


def test_cookies_go_along_where_they_belong():
    jar = fed("a=1; Path=/", "b=2; Path=/goods", "c=3; Domain=shop.example; Path=/", "d=4; Secure; Path=/")
    assert jar.header("https://www.shop.example/goods/x") == b"a=1; b=2; c=3; d=4"
    assert jar.header("http://www.shop.example/other") == b"a=1; c=3"
    assert jar.header("https://blog.shop.example/") == b"c=3"
    assert jar.header("https://shop.example.evil.example/") is None


def test_a_date_just_short_of_a_minute_was_meant_as_one():
    assert (whole_minute(63_071_999), whole_minute(1_798), whole_minute(1_797)) == (63_072_000, 1_800, 1_797)
    assert whole_minute(59) == 59

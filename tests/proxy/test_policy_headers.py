"""Our own policy header by consent, and how the site's own is kept: at the door of a running proxy."""

from __future__ import annotations

import html
import re

from shop_page import POLICY, accepted, own_csp, page, request

from policies.site_policy import PolicyHost, SitePolicy, in_force


async def test_the_own_policy_allows_what_is_consented_and_never_touches_forms(shop, say, site):
    proxy = await shop()
    proxy.reload(POLICY)
    undecided = own_csp(await say(proxy.address, request(b"Sec-Fetch-Dest: document")))
    no = own_csp(
        await say(proxy.address, request(b"Sec-Fetch-Dest: document", await accepted(proxy.address, say, "reject")))
    )
    yes = own_csp(await say(proxy.address, request(b"Sec-Fetch-Dest: document", await accepted(proxy.address, say))))
    assert "www.google-analytics.com" in undecided
    assert "www.google-analytics.com" not in no
    assert "www.google-analytics.com" in yes
    assert "cdn.example" in no
    for policy in (undecided, no, yes):
        assert "form-action" not in policy
        assert len(policy) < 4096


async def test_a_strict_undecided_policy_names_no_consentable_host(shop, say):
    proxy = await shop(csp_undecided="strict")
    proxy.reload(POLICY)
    assert "google-analytics" not in own_csp(await say(proxy.address, request(b"Sec-Fetch-Dest: document")))


async def test_the_sites_policy_admits_guard_and_banner_and_keeps_the_rest(shop, say, site):
    site.answer = page(
        Content_Security_Policy="default-src 'none'; script-src 'nonce-abc'; img-src *; form-action https://pay.example"
    )
    proxy = await shop()
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    theirs = got.header("content-security-policy")[0]
    assert theirs.startswith("default-src 'none'; script-src 'nonce-abc'; img-src *; ")
    assert "style-src http://shop.localhost/.samtykke/" in theirs
    assert "connect-src http://shop.localhost/.samtykke/" in theirs
    assert b'nonce="abc"' in got.body


async def test_a_policy_in_the_document_admits_what_of_ours_stands_after_it(shop, say, site):
    policy = b"default-src &#39;none&#39;; script-src &#39;nonce-a&#39;"
    meta = b'<meta http-equiv="Content-Security-Policy" content="' + policy + b'">'
    site.answer = page(b"<!doctype html><html><head>" + meta + b"<title>Shop</title></head><body>x</body></html>")
    proxy = await shop()
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    written = html.unescape(re.search(rb'http-equiv="Content-Security-Policy" content="([^"]*)"', got.body)[1].decode())
    ours = "http://shop.localhost/.samtykke/"
    assert written == f"default-src 'none'; script-src 'nonce-a' {ours}; style-src {ours}; connect-src {ours}"
    fragment = await say(proxy.address, request(b"Sec-Fetch-Dest: empty"))
    assert f"script-src &#39;nonce-a&#39; {ours}".encode() in fragment.body or written.encode() in fragment.body


async def test_the_sites_reporting_policy_hears_nothing_of_us(shop, say, site):
    site.answer = page(Content_Security_Policy_Report_Only="script-src 'nonce-abc'; style-src https://a.example")
    proxy = await shop()
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    assert got.header("content-security-policy-report-only") == [
        "script-src 'nonce-abc'; style-src https://a.example http://shop.localhost/.samtykke/"
    ]
    assert b'nonce="abc"' in got.body


async def test_our_own_policy_can_be_told_to_report_only(shop, say, site):
    proxy = await shop(csp="report")
    proxy.reload(POLICY)
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: document"))
    assert got.header("content-security-policy") == []
    assert "report-uri /.samtykke/report" in got.header("content-security-policy-report-only")[0]


async def test_after_a_reject_frames_with_a_placeholder_may_still_be_loaded_one_by_one(shop, say, site):
    contacts = (
        PolicyHost(
            host="www.youtube.com", vendor="youtube", purpose="marketing", tracker=True, kinds=("frame",),
            placeholder="video",
        ),
        PolicyHost(host="ads.example", vendor=None, purpose="marketing", tracker=True, kinds=("frame", "script")),
    )  # fmt: skip
    proxy = await shop()
    proxy.reload(in_force(SitePolicy(site="shop", hosts=("shop.localhost",), contacts=contacts), None))
    cookie = await accepted(proxy.address, say, "reject")
    policy = own_csp(await say(proxy.address, request(b"Sec-Fetch-Dest: document", cookie)))
    assert "ads.example" not in policy
    offered = {part.partition(" ")[0]: part.count("www.youtube.com:*") for part in policy.split("; ")}
    assert {name: times for name, times in offered.items() if times} == {"frame-src": 1, "object-src": 1}


async def test_worker_scripts_get_their_own_policy(shop, say, site, published):
    site.answer = page(b"postMessage(1)", Content_Type="text/javascript")
    proxy = await shop(policy_file=published(POLICY))
    got = await say(proxy.address, request(b"Sec-Fetch-Dest: worker"))
    assert got.body == b"postMessage(1)"
    assert own_csp(got)


async def test_no_worker_is_allowed_what_nobody_has_agreed_to_and_none_outlives_a_choice(shop, say, site, published):
    site.answer = page(b"postMessage(1)", Content_Type="text/javascript", Cache_Control="public, max-age=600")
    proxy = await shop(policy_file=published(POLICY))
    undecided = await say(proxy.address, request(b"Sec-Fetch-Dest: worker"))
    assert "google-analytics.com" not in own_csp(undecided)
    assert undecided.header("cache-control") == ["private, max-age=600"]
    assert "Cookie" in undecided.header("vary")[0]
    site.answer = page()
    cookie = await accepted(proxy.address, say)
    site.answer = page(b"postMessage(1)", Content_Type="text/javascript")
    accepting = await say(proxy.address, request(b"Sec-Fetch-Dest: worker", cookie))
    assert "google-analytics.com" in own_csp(accepting)

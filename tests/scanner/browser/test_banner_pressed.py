"""A site's own consent banner is pressed like a visitor would, and the state is verified. Real Chromium, real banners.

Each page below has one tracker that its banner holds back until everything is accepted.
"""

# ruff: noqa: E501  # a page's script reads best on one line

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from site_server import Site

from policies.catalogue import Catalogue
from policies.observation import Scan
from scanner.browser import Browser, BrowserSettings, VisitPlan
from scanner.browser.consent import tools
from scanner.choice import ChoiceError
from scanner.crawl import scan
from scanner.settings import ScanSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODULES = Path(__file__).parents[2] / "guests" / "node_modules"
TRACKER = "document.cookie = '_stats=visitor-1; path=/; max-age=63072000'; new Image().src = '/hit';"

KLARO = """<script>window.klaroConfig = {version: 1, storageMethod: '%METHOD%', storageName: 'klaro', lang: 'en',
  acceptAll: %ALL%,
  services: [{name: 'stats', title: 'Statistics', purposes: ['analytics']}]};</script>
<script type="text/plain" data-type="application/javascript" data-name="stats"
  data-src="http://ads.localhost:%PORT%/stats.js"></script>
<script defer data-config="klaroConfig" src="/klaro.js"></script>"""

VANILLA = """<link rel="stylesheet" href="/vanilla.css"><script src="/vanilla.js"></script>
<script type="text/plain" data-category="analytics" data-src="http://ads.localhost:%PORT%/stats.js"></script>
<script>CookieConsent.run({categories: {necessary: {enabled: true, readOnly: true}, analytics: {}},
  language: {default: 'en', translations: {en: {
    consentModal: {title: 'We use cookies', description: 'Choose.', acceptAllBtn: 'Accept all',
      %REFUSE% showPreferencesBtn: 'Manage preferences'},
    preferencesModal: {title: 'Preferences', acceptAllBtn: 'Accept all', savePreferencesBtn: 'Save preferences',
      sections: [{title: 'Statistics', description: 'Counts.', linkedCategory: 'analytics'}]}}}}});</script>"""

TARTEAUCITRON = """<script src="/tac/tarteaucitron.js"></script><script>
tarteaucitron.init({hashtag: '#tarteaucitron', cookieName: 'tarteaucitron', orientation: 'middle', DenyAllCta: true,
  AcceptAllCta: true, highPrivacy: true, showIcon: false, removeCredit: true, useExternalCss: false});
tarteaucitron.services.stats = {key: 'stats', type: 'analytic', name: 'Statistics', uri: '', needConsent: true,
  cookies: [], js() { tarteaucitron.addScript('http://ads.localhost:%PORT%/stats.js'); }};
(tarteaucitron.job = tarteaucitron.job || []).push('stats');</script>"""

OWN = """<div id="bar" style="position:fixed;bottom:0" hidden><p>%TEXT%</p>%BUTTONS%</div><script>
const bar = document.getElementById('bar'), load = () => {
  const tag = document.createElement('script'); tag.src = 'http://ads.localhost:%PORT%/stats.js'; document.body.append(tag);
};
const kept = () => localStorage.getItem('x-choice');
if (kept() === null) bar.hidden = false; else if (kept() === '1') load();
const take = (value) => { localStorage.setItem('x-choice', value); bar.hidden = true; if (value === '1') load(); };
bar.querySelector('[data-yes]').onclick = () => take('1');
bar.querySelector('[data-no]').onclick = () => take('0');
</script>"""


@pytest_asyncio.fixture(loop_scope="module")
async def shop(site: Site) -> AsyncIterator[Site]:
    site.script("ads.localhost", "/stats.js", TRACKER)
    site.put("shop.localhost", "/hit", "", "image/gif")
    site.script("shop.localhost", "/klaro.js", (MODULES / "klaro/dist/klaro.js").read_text())
    package = MODULES / "vanilla-cookieconsent/dist"
    site.script("shop.localhost", "/vanilla.js", (package / "cookieconsent.umd.js").read_text())
    site.put("shop.localhost", "/vanilla.css", (package / "cookieconsent.css").read_text(), "text/css")
    tac = MODULES / "tarteaucitronjs"
    for file in ("tarteaucitron.js", "tarteaucitron.services.js", "lang/tarteaucitron.en.js"):
        site.script("shop.localhost", f"/tac/{file}", (tac / file).read_text())
    site.put("shop.localhost", "/tac/css/tarteaucitron.css", (tac / "css/tarteaucitron.css").read_text(), "text/css")
    return site


def serve(site: Site, banner: str, **filled: str) -> str:
    for name, value in filled.items():
        banner = banner.replace(f"%{name.upper()}%", value)
    site.page("shop.localhost", "/two", f"<!doctype html><title>Two</title><body><p>Two</p>{banner}")
    return site.page(
        "shop.localhost", "/", f"<!doctype html><title>Shop</title><body><p>Shop</p><a href=/two>two</a>{banner}"
    )


async def scanned(url: str, browser: Browser, consent: str, **settings: object) -> Scan:
    class Lent:
        """The module's browser, not closed with the scan."""

        visit = staticmethod(browser.visit)

        async def close(self) -> None: ...

    async def lend(_: BrowserSettings) -> Lent:
        return Lent()

    wanted = ScanSettings(url=url, consent=consent, max_pages=2, **settings)  # type: ignore[arg-type]
    return await scan(wanted, Catalogue.of({}), now=lambda: datetime.now(UTC), launch=lend)


def stored(found: Scan) -> set[str]:
    return {cookie.name for cookie in found.cookies if cookie.state == "stored"}


@pytest.mark.parametrize(
    ("tool", "banner", "filled", "keeps"),
    [
        ("Klaro", KLARO, {"method": "cookie", "all": "true"}, "klaro"),
        ("Klaro", KLARO, {"method": "localStorage", "all": "true"}, None),
        ("vanilla-cookieconsent", VANILLA, {"refuse": "acceptNecessaryBtn: 'Reject all',"}, "cc_cookie"),
        ("vanilla-cookieconsent", VANILLA, {"refuse": ""}, "cc_cookie"),
        ("tarteaucitron", TARTEAUCITRON, {}, "tarteaucitron"),
    ],
    ids=["klaro", "klaro in localStorage", "vanilla", "vanilla, refusal on the second layer", "tarteaucitron"],
)
async def test_real_banners_are_refused_and_accepted_and_say_so_themselves(
    shop: Site, browser: Browser, tool: str, banner: str, filled: dict[str, str], keeps: str | None
) -> None:
    url = serve(shop, banner, **filled)
    own = {keeps} if keeps else set()
    for consent, trackers in (("none", set()), ("reject", set()), ("accept", {"_stats"})):
        found = await scanned(url, browser, consent)
        assert [page.error for page in found.pages] == [None, None]
        assert stored(found) - own == trackers, consent
        if consent == "none":
            assert {banner.tool for banner in found.banners} == {tool}
            continue
        (shown,) = found.banners
        assert (shown.tool, shown.page) == (tool, url)
        assert shown.pressed
        assert shown.verified.startswith(f"{tool} says so itself")
        assert own <= stored(found)
        pages = [cookie.pages for cookie in found.cookies if cookie.name == "_stats"]
        assert pages == ([(url, f"{url}two")] if consent == "accept" else [])


BUTTONS = [
    ("en", "We use cookies and other tracking.", "Accept all cookies", "Accept only necessary"),
    ("nb", "Vi bruker informasjonskapsler.", "Godta alle", "Kun nødvendige"),
    ("nn", "Vi bruker informasjonskapslar.", "Godta alle", "Berre nødvendige"),
    ("da", "Vi bruger cookies.", "Tillad alle", "Afvis alle"),
    ("sv", "Vi använder kakor.", "Godkänn alla kakor", "Endast nödvändiga kakor"),
    ("de", "Wir verwenden Cookies.", "Alle akzeptieren", "Nur notwendige Cookies akzeptieren"),
    ("nl", "Wij gebruiken cookies.", "Alles accepteren", "Doorgaan zonder te accepteren"),
    ("fr", "Nous utilisons des traceurs.", "Tout accepter", "Continuer sans accepter →"),
    ("es", "Utilizamos cookies.", "Aceptar todas", "Rechazar todo"),
    ("fi", "Käytämme evästeitä.", "Hyväksy kaikki", "Vain välttämättömät"),
]


@pytest.mark.parametrize(("language", "text", "yes", "no"), BUTTONS, ids=[row[0] for row in BUTTONS])
async def test_unknown_banners_are_pressed_by_their_words(
    shop: Site, browser: Browser, language: str, text: str, yes: str, no: str
) -> None:
    buttons = f"<button data-no>{no}</button> <a href=/policy>Policy</a> <button data-yes>{yes}</button>"
    url = serve(shop, OWN, text=text, buttons=buttons)
    for want, label, choice in (("reject", no, "0"), ("accept", yes, "1")):
        visit = await browser.visit(url, VisitPlan(press="reject" if want == "reject" else "accept"))
        assert visit.pressed is not None
        assert (visit.pressed.error, visit.pressed.path) == (None, (label,))
        assert [key.value for key in visit.pressed.after.since(visit.pressed.before).keys] == [choice]


async def test_a_banner_of_their_own_is_carried_along_without_the_trackers(shop: Site, browser: Browser) -> None:
    url = serve(shop, OWN, text="Cookies?", buttons="<button data-no>No thanks</button><button data-yes>OK</button>")
    assert stored(await scanned(url, browser, "reject")) == set()
    accepted = await scanned(url, browser, "accept")
    assert stored(accepted) == {"_stats"}
    assert [(key.key, key.origin) for key in accepted.storage] == [("x-choice", shop.base())]
    assert all(cookie.set_by[0].url.endswith("/stats.js") for cookie in accepted.cookies)


SHADOW = """<x-banner></x-banner><script>customElements.define('x-banner', class extends HTMLElement {
  connectedCallback() {
    if (document.cookie.includes('shadow_consent')) return;
    const root = this.attachShadow({mode: 'open'});
    root.innerHTML = '<div style="position:fixed;top:0">We use cookies<button id=n>Decline</button><button>Allow all</button></div>';
    root.addEventListener('click', (event) => { document.cookie = 'shadow_consent=' + event.target.id; this.remove(); });
  }});</script>"""
FRAME = """<script>if (!document.cookie.includes('frame_consent')) document.write(
  '<iframe src="http://cmp.localhost:%PORT%/banner" style="position:fixed;bottom:0;width:500px;height:200px"></iframe>');
addEventListener('message', (event) => { document.cookie = 'frame_consent=' + event.data; document.querySelector('iframe').remove(); });
</script>"""
FRAMED = """<body>We and our partners use cookies. <button onclick="parent.postMessage('no', '*')">Reject all</button>
<button onclick="parent.postMessage('yes', '*')">Accept all</button>"""


@pytest.mark.parametrize("banner", [SHADOW, FRAME], ids=["in a shadow root", "in a frame of another site"])
async def test_banners_in_shadow_roots_and_frames_are_pressed(shop: Site, browser: Browser, banner: str) -> None:
    shop.page("cmp.localhost", "/banner", FRAMED)
    url = serve(shop, banner)
    found = await scanned(url, browser, "reject")
    assert {cookie.name: len(cookie.set_by) for cookie in found.cookies} == {
        "shadow_consent" if banner is SHADOW else "frame_consent": 1
    }
    assert found.banners[0].pressed == (("Decline",) if banner is SHADOW else ("Reject all",))


@pytest.mark.parametrize(
    ("banner", "reason"),
    [
        ("<p>no banner</p>", "the page shows no consent banner"),
        (
            "<div style='position:fixed'>Cookies! <button>Reject</button></div>",
            "the banner stays after pressing 'Reject'",
        ),
        (
            "<div style='position:fixed'>Cookies! <button onclick='this.parentNode.remove()'>Reject</button></div>",
            "took 'Reject' but keeps it nowhere",
        ),
        (
            "<div style='position:fixed'>Cookies! <button onclick=\"this.parentNode.remove(); document.cookie='a=1'\">"
            "Reject</button></div>",
            "is shown again to the same visitor",
        ),
        ("<div style='position:fixed'>Cookies! <button>OK</button></div>", "no button to reject (OK)"),
    ],
)
async def test_a_state_that_was_not_reached_is_never_assumed(
    shop: Site, browser: Browser, banner: str, reason: str
) -> None:
    with pytest.raises(ChoiceError) as caught:
        await scanned(serve(shop, banner), browser, "reject")
    assert reason in str(caught.value)


async def test_a_banner_whose_ok_grants_nothing_is_not_taken_for_consent(shop: Site, browser: Browser) -> None:
    # Klaro without `acceptAll`: "That's ok" stores the defaults, which are off.
    with pytest.raises(ChoiceError, match="Klaro says 'reject' after pressing \"That's ok\""):
        await scanned(serve(shop, KLARO, method="cookie", all="false"), browser, "accept")


KLARO_PURPOSES = """<script>window.klaroConfig = {version: 1, storageMethod: 'cookie', storageName: 'klaro', lang: 'en',
  translations: {en: {purposes: {analytics: 'Statistics', ads: 'Advertising'}}}, services: [
    {name: 'stats', title: 'Counter', purposes: ['analytics']}, {name: 'ads', title: 'Adverts', purposes: ['ads'], default: true},
    {name: 'cart', title: 'Cart', purposes: ['necessary'], required: true}]};</script>
<script type="text/plain" data-type="application/javascript" data-name="stats"
  data-src="http://ads.localhost:%PORT%/stats.js"></script>
<script type="text/plain" data-type="application/javascript" data-name="ads"
  data-src="http://ads.localhost:%PORT%/ads.js"></script>
<script defer data-config="klaroConfig" src="/klaro.js"></script>"""
VANILLA_PURPOSES = """<link rel="stylesheet" href="/vanilla.css"><script src="/vanilla.js"></script>
<script type="text/plain" data-category="analytics" data-src="http://ads.localhost:%PORT%/stats.js"></script>
<script type="text/plain" data-category="ads" data-src="http://ads.localhost:%PORT%/ads.js"></script>
<script>CookieConsent.run({categories: {necessary: {enabled: true, readOnly: true}, analytics: {}, ads: {enabled: true}},
  language: {default: 'en', translations: {en: {
    consentModal: {title: 'We use cookies', description: 'Choose.', acceptAllBtn: 'Accept all',
      acceptNecessaryBtn: 'Reject all', showPreferencesBtn: 'Manage preferences'},
    preferencesModal: {title: 'Preferences', acceptAllBtn: 'Accept all', savePreferencesBtn: 'Save preferences',
      sections: [{title: 'Strictly necessary', description: 'Always.', linkedCategory: 'necessary'},
        {title: 'Performance and analytics', description: 'Counts.', linkedCategory: 'analytics'},
        {title: 'Advertisement and targeting', description: 'Follows.', linkedCategory: 'ads'}]}}}}});</script>"""
TARTEAUCITRON_PURPOSES = (
    TARTEAUCITRON.removesuffix("</script>")
    + """
tarteaucitron.services.ads = {key: 'ads', type: 'ads', name: 'Adverts', uri: '', needConsent: true,
  cookies: [], js() { tarteaucitron.addScript('http://ads.localhost:%PORT%/ads.js'); }};
tarteaucitron.job.push('ads');</script>"""
)
OWN_PURPOSES = """<div id=bar role=dialog style="position:fixed;bottom:0" hidden><p>Vi bruker informasjonskapsler.</p>
<button onclick="document.getElementById('more').hidden = false">Tilpass</button><div id=more hidden>
<label><input type=checkbox checked disabled> Nødvendige</label><label><input type=checkbox id=s> Statistikk</label>
<label><input type=checkbox id=m checked> Markedsføring</label><button id=save>Lagre valg</button></div></div><script>
const bar = document.getElementById('bar'), add = (file) => {
  const tag = document.createElement('script'); tag.src = 'http://ads.localhost:%PORT%/' + file; document.body.append(tag);
};
const load = (kept) => { if (kept[0] === '1') add('stats.js'); if (kept[1] === '1') add('ads.js'); };
const kept = /choice=(..)/.exec(document.cookie)?.[1];
if (kept) load(kept); else bar.hidden = false;
document.getElementById('save').onclick = () => {
  const value = ['s', 'm'].map((id) => +document.getElementById(id).checked).join('');
  document.cookie = 'choice=' + value; bar.hidden = true; load(value);
};</script>"""


@pytest.mark.parametrize(
    ("tool", "banner", "keeps"),
    [
        ("Klaro", KLARO_PURPOSES, "klaro"),
        ("vanilla-cookieconsent", VANILLA_PURPOSES, "cc_cookie"),
        ("tarteaucitron", TARTEAUCITRON_PURPOSES, "tarteaucitron"),
        (None, OWN_PURPOSES, "choice"),
    ],
    ids=["klaro", "vanilla", "tarteaucitron", "a banner of their own"],
)
async def test_exactly_the_wanted_purposes_are_chosen_on_a_foreign_banner(
    shop: Site, browser: Browser, tool: str | None, banner: str, keeps: str
) -> None:
    shop.script("ads.localhost", "/ads.js", "document.cookie = '_ads=visitor-2; path=/; max-age=3600'")
    url = serve(shop, banner)
    for purposes, trackers in (("statistics", {"_stats"}), ("marketing", {"_ads"})):
        found = await scanned(url, browser, purposes)
        assert (found.consent, stored(found) - {keeps}) == (purposes, trackers)
        (shown,) = found.banners
        assert shown.tool == tool
        assert shown.verified.startswith(f"{tool} says so itself" if tool else "it stays away")


@pytest.mark.parametrize(
    ("banner", "reason"),
    [
        ("<p>hello</p>", "the page shows no consent banner"),
        (OWN, "the banner offers no switches to choose purposes with"),
        (KLARO, "the banner has no switch for preferences (its switches: "),
    ],
    ids=["no banner", "no switches", "no such switch"],
)
async def test_purposes_that_a_banner_does_not_offer_are_a_reason(
    shop: Site, browser: Browser, banner: str, reason: str
) -> None:
    filled = {"text": "Cookies?", "buttons": "<button data-no>No</button><button data-yes>OK</button>"}
    url = serve(shop, banner, method="cookie", all="true", **filled)
    with pytest.raises(ChoiceError) as caught:
        await scanned(url, browser, "preferences,statistics")
    assert reason in str(caught.value)


async def test_what_is_asked_of_tools_is_well_formed_and_no_tool_is_seen_where_there_is_none(
    shop: Site, browser: Browser
) -> None:
    selectors = [
        selector
        for tool in tools()
        for kind in ("accept", "reject", "settings", "save")
        for selector in [tool["banner"], *tool.get(kind, ()), *tool.get("switches", {}).values()]
    ]
    questions = [tool[kind] for tool in tools() for kind in ("says", "granted") if kind in tool]
    code = f"""<script>const wrong = [];
    for (const one of {json.dumps(selectors)}) try {{ if (document.querySelector(one)) wrong.push(one); }} catch {{ wrong.push(one); }}
    for (const one of {json.dumps(questions)}) try {{ if (eval(one) !== null) wrong.push(one); }} catch {{ wrong.push(one); }}
    document.title = JSON.stringify(wrong);</script>"""
    visit = await browser.visit(serve(shop, code))
    assert visit.page.title == "[]"


CLOSED = SHADOW.replace("'open'", "'closed'")


async def test_a_banner_in_a_closed_shadow_root_is_pressed(shop: Site, browser: Browser) -> None:
    url = serve(shop, CLOSED)
    undecided = await browser.visit(url)
    assert [banner.buttons for banner in undecided.banners] == [("Decline", "Allow all")]
    found = await scanned(url, browser, "reject")
    assert {cookie.name for cookie in found.cookies} == {"shadow_consent"}
    assert found.banners[0].pressed == ("Decline",)


DECLARED = """<h1>shop</h1><p>Text of the page.</p><x-banner><template shadowrootmode="closed">
<div style="position:fixed;bottom:0;left:0;right:0;padding:20px;background:#eee"><p>We use cookies for statistics.</p>
<button id=n>Decline</button><button id=y>Allow all</button></div></template></x-banner>
<script>customElements.define('x-banner', class extends HTMLElement {
  connectedCallback() {
    const root = this.attachInternals().shadowRoot;
    if (document.cookie.includes('declared_consent')) this.remove();
    root.addEventListener('click', (event) => { document.cookie = 'declared_consent=' + event.target.id; this.remove(); });
  }});</script>"""


async def test_a_banner_in_a_closed_shadow_root_written_in_the_html_is_pressed(shop: Site, browser: Browser) -> None:
    url = serve(shop, DECLARED)
    undecided = await browser.visit(url)
    assert [banner.buttons for banner in undecided.banners] == [("Decline", "Allow all")]
    found = await scanned(url, browser, "reject")
    assert {cookie.name for cookie in found.cookies} == {"declared_consent"}
    assert found.banners[0].pressed == ("Decline",)

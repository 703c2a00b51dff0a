"""Everything that is looked for, one file each. The order is the order of writing: cookies need the requests' hops.

base             what an observer is, and the draft they write
network          requests, redirects, beacons, WebSockets, cookies sent
header_cookies   Set-Cookie of every hop, stored or blocked
script_cookies   document.cookie and cookieStore
jar              what the browser kept
hidden_cookies   what answers that nobody is shown put into the jar
last_moments     who set what else is in the jar, as a document was left
storage          localStorage and sessionStorage
databases        IndexedDB and the Cache API
fingerprinting   canvas, audio, WebGL, fonts, navigator sweeps
listeners        keystrokes and session replay
workers          service and shared workers
cloaking         hosts of the site's own that are another site's by CNAME
page_facts       title, language, links; the screenshot
banners          consent banners
console          errors the page reports
id_sharing       identifiers that leave in requests and links
"""

from __future__ import annotations

from scanner.browser.observers.banners import Banners
from scanner.browser.observers.base import Draft, Observer
from scanner.browser.observers.cloaking import Cloaking
from scanner.browser.observers.console import Console
from scanner.browser.observers.databases import Databases
from scanner.browser.observers.fingerprinting import Fingerprinting
from scanner.browser.observers.header_cookies import HeaderCookies
from scanner.browser.observers.hidden_cookies import HiddenCookies
from scanner.browser.observers.id_sharing import IdSharing
from scanner.browser.observers.jar import Jar
from scanner.browser.observers.last_moments import LastMoments
from scanner.browser.observers.listeners import Listeners
from scanner.browser.observers.network import Network
from scanner.browser.observers.page_facts import PageFacts, Picture
from scanner.browser.observers.script_cookies import ScriptCookies
from scanner.browser.observers.storage import Storage
from scanner.browser.observers.workers import Workers

OBSERVERS: tuple[type[Observer], ...] = (
    Network,
    HeaderCookies,
    ScriptCookies,
    Jar,
    HiddenCookies,
    LastMoments,
    Storage,
    Databases,
    Fingerprinting,
    Listeners,
    Workers,
    Cloaking,
    PageFacts,
    Picture,
    Banners,
    Console,
    IdSharing,
)

__all__ = ["OBSERVERS", "Draft", "Observer"]

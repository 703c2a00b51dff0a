"""Gates whose work no page shows, each switched off in turn: the proof reads the answer and names what each held.

The whole proof runs twice, with all of them on and with all of them off; one by one they are asked without a browser,
by the very functions that the proof calls.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from aiohttp import web
from proof_shop import proof_shop

from policies.rules import Rules
from samtykke.config import Config
from samtykke.serving import running_proxy
from samtykke.wiring import site_rules
from scanner.addresses import addresses_for, resolver_for
from scanner.choice import choose
from scanner.fetch import Fetcher, Terms
from scanner.prove import PROVING, STATES, Proof, State, Task, prove
from scanner.settings import ScanSettings
from scanner.wire import Answer, Planted, ask, leaks_on_the_wire, passed_on, plant

pytestmark = pytest.mark.asyncio(loop_scope="module")

BY_NAME = {state.name: state for state in STATES}
HIDDEN = (
    "request-cookies", "own-headers", "conditions", "links", "speculation", "reporting", "advertising", "detours",
    "caching",
)  # fmt: skip
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
REPEATED = ("Cookie", "X-Consent", "Sec-Browsing-Topics")


@dataclass
class Shop:
    """A site that says whatever a header can say, and repeats what it was sent."""

    origin: str
    tracker: str
    config: Config

    @property
    def rules(self) -> Rules:
        return site_rules(self.config, self.config.one_site())

    async def proof(self, *without: str, states: tuple[State, ...]) -> Proof:
        async with running_proxy(self.config, without=frozenset(without)) as proxy:
            url = f"http://shop.localhost:{proxy.address[1]}/"
            task = Task(ScanSettings(url=url), self.origin + "/", pages=1, states=states)
            return await prove(task, lambda _: self.rules, now=lambda: datetime.now(UTC))

    async def asked(self, *without: str, states: tuple[str, ...]) -> list[tuple[State, Answer, Planted]]:
        """The page's own answer in these states, with these gates switched off."""
        found = []
        async with running_proxy(self.config, without=frozenset(without)) as proxy:
            settings = ScanSettings(url=f"http://shop.localhost:{proxy.address[1]}/")
            names = resolver_for(settings, None)
            async with Fetcher(settings, await addresses_for(settings, names), names) as fetcher:
                for state in (BY_NAME[name] for name in states):
                    cookies: tuple[tuple[str, str], ...] = (PROVING,)
                    if state.choice:
                        chosen = await choose(
                            state.choice, settings.url, fetcher, Terms(), lambda: datetime.now(UTC).timestamp(),
                            carrying=PROVING,
                        )  # fmt: skip
                        cookies += chosen.cookies
                    planted = plant((), self.rules, state.consent, f"{state.name} {without}")
                    answer = await ask(
                        settings.url, fetcher, Terms(), carrying=cookies, planted=planted, gpc=state.gpc
                    )  # fmt: skip
                    assert answer is not None
                    found.append((state, answer, planted))
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    def answer(request: web.BaseRequest, port: int) -> web.Response:
        if not request.host.startswith("shop."):
            return web.Response(body=GIF, content_type="image/gif")
        if "If-Modified-Since" in request.headers:
            return web.Response(status=304)
        tracker = f"http://tracker.localhost:{port}"
        repeated = " ".join(request.headers.get(name, "") for name in REPEATED)
        text = (
            '<!doctype html><html lang="en"><head><title>A shop</title><link rel="icon" href="data:,"></head>'
            f'<body><p>You came with {repeated}<img src="{tracker}/written.gif">'
        )
        return web.Response(
            text=text,
            content_type="text/html",
            headers={
                "Cache-Control": "public, max-age=600",
                "Last-Modified": "Mon, 02 Nov 2026 00:00:00 GMT",
                "Refresh": f"300; url={tracker}/refreshed",
                "Speculation-Rules": f'"{tracker}/speculated.json"',
                "Report-To": f'{{"group": "a", "max_age": 60, "endpoints": [{{"url": "{tracker}/reported"}}]}}',
                "Reporting-Endpoints": f'a="{tracker}/endpoint"',
                "NEL": '{"report_to": "a", "max_age": 60}',
                "Attribution-Reporting-Register-Source": '{"destination": "https://ads.example"}',
                "Observe-Browsing-Topics": "?1",
                "Alt-Svc": 'h3="origin.localhost:8443"; ma=60',
            },
        )

    async with proof_shop(tmp_path_factory.mktemp("fields"), answer, mode="static") as (port, config):
        yield Shop(f"http://shop.localhost:{port}", f"http://tracker.localhost:{port}", config)


COOKIES = {"_ga", "_fbp", "_gid", "_hjSessionUser_1", "_pk_id.1.0000"}


@pytest.mark.parametrize(
    ("gate", "held"),
    [
        ("request-cookies", COOKIES),
        ("own-headers", {"x-consent", "sec-browsing-topics"}),
        ("conditions", {"if-modified-since"}),
        ("links", {"refreshed"}),
        ("speculation", {"speculated.json"}),
        ("reporting", {"reported", "endpoint"}),
        ("advertising", {"attribution-reporting-register-source", "observe-browsing-topics"}),
        ("detours", {"alt-svc"}),
        ("caching", set()),
    ],
)
async def test_a_gate_switched_off_is_named_by_what_it_held(gate: str, held: set[str], shop: Shop) -> None:
    [(state, answer, planted)] = await shop.asked(gate, states=("reject",))
    leaks = leaks_on_the_wire(answer, shop.rules, state.consent, planted)
    assert {leak.subject.rpartition("/")[2] for leak in leaks} == held


async def test_what_was_agreed_to_is_no_leak(shop: Shop) -> None:
    [(state, answer, planted)] = await shop.asked(*HIDDEN, states=("accept",))
    leaks = leaks_on_the_wire(answer, shop.rules, state.consent, planted)
    assert {leak.subject for leak in leaks} == {"x-consent"}
    assert planted.cookies == ()


@pytest.mark.parametrize(("without", "leaks"), [((), False), (("caching",), True)])
async def test_a_page_made_for_one_visitor_that_a_shared_cache_may_keep_is_a_leak(
    without: tuple[str, ...], leaks: bool, shop: Shop
) -> None:
    [(_, bare, _), (_, refused, _), (_, granted, _)] = await shop.asked(
        *without, states=("undecided", "reject", "accept")
    )  # fmt: skip
    assert bare.neutralised > granted.neutralised
    assert (passed_on(granted, bare) is not None) == leaks
    assert passed_on(refused, bare) is None


async def test_the_proof_is_clean_with_all_of_them_on_and_names_all_of_it_with_all_of_them_off(shop: Shop) -> None:
    states = (BY_NAME["undecided"], BY_NAME["accept"])
    clean = await shop.proof(states=states)
    assert [(cell.state, cell.leaks, cell.breakage) for cell in clean.cells] == [
        ("undecided", (), ()),
        ("accept", (), ()),
    ]
    assert set(clean.cells[0].looked.planted) == COOKIES
    assert clean.cells[0].looked.fields > 5
    proof = await shop.proof(*HIDDEN, states=states)
    undecided, accept = ({leak.subject.rpartition("/")[2] for leak in cell.leaks} for cell in proof.cells)
    assert undecided == COOKIES | {
        "x-consent", "sec-browsing-topics", "if-modified-since", "refreshed", "speculated.json", "reported", "endpoint",
        "attribution-reporting-register-source", "observe-browsing-topics", "alt-svc",
    }  # fmt: skip
    assert accept == {"x-consent", "cache-control"}

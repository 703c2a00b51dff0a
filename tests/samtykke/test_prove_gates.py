"""Each gate switched off in turn, on a page that needs all of them: the proof names just what that gate holds.

What no page shows (the `Cookie` header on its way to the site, caching, reporting ...) is in `test_prove_fields.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from proof_shop import proof_shop

from policies.rules import Rules
from proxy.consent.log import ConsentLog
from runtime.keys import load_keys
from samtykke.config import Config
from samtykke.proving import keep_digest
from samtykke.serving import running_proxy
from samtykke.wiring import site_rules
from scanner.prove import STATES, Proof, State, Task, prove
from scanner.report.proof import render_proof
from scanner.settings import ScanSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNDECIDED, REJECT = STATES[0], STATES[1]
ACCEPT = next(state for state in STATES if state.name == "accept")
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
PAGE = """<!doctype html><html lang="en"><head><title>A shop</title><link rel="icon" href="data:,"></head><body><p>Hello
<img src="TRACKER/written.gif">
<script>const tracker = 'TRACKER';
fetch(tracker + '/fetched.gif', {mode: 'no-cors'}).catch(() => 0);
import(tracker + '/imported.mjs').catch(() => 0)</script>
"""


@dataclass
class Shop:
    origin: str
    config: Config
    whole: Proof | None = None

    async def proof(self, *without: str, states: tuple[State, ...] = (UNDECIDED, REJECT)) -> Proof:
        async with running_proxy(self.config, without=frozenset(without)) as proxy:
            url = f"http://shop.localhost:{proxy.address[1]}/"
            task = Task(ScanSettings(url=url), self.origin + "/", pages=1, states=states)
            return await prove(task, lambda _: self.rules(), now=lambda: datetime.now(UTC))

    async def proof_with_all_gates(self) -> Proof:
        """After an accept, too; made when first asked."""
        self.whole = self.whole or await self.proof(states=(UNDECIDED, REJECT, ACCEPT))
        return self.whole

    def rules(self) -> Rules:
        return site_rules(self.config, self.config.one_site())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    def answer(request: web.BaseRequest, port: int) -> web.Response:
        free = {"Access-Control-Allow-Origin": "*"}
        if not request.host.startswith("shop."):
            body = b"export {}" if request.path.endswith(".mjs") else GIF
            kind = "text/javascript" if request.path.endswith(".mjs") else "image/gif"
            return web.Response(body=body, content_type=kind, headers=free)
        tracker = f"http://tracker.localhost:{port}"
        page = web.Response(text=PAGE.replace("TRACKER", tracker), content_type="text/html")
        page.headers["Link"] = f"<{tracker}/linked.gif>; rel=preload; as=image"
        page.headers["Set-Cookie"] = "_gid=1; Path=/; Max-Age=9999"
        return page

    async with proof_shop(tmp_path_factory.mktemp("gates"), answer, mode="browser") as (port, config):
        yield Shop(f"http://shop.localhost:{port}", config)


def leaked(proof: Proof, state: str) -> set[str]:
    """Leaks by cookie name or last part of the address."""
    return {
        leak.subject.rpartition("/")[2] for cell in proof.cells if cell.state == state for leak in cell.leaks
    }  # fmt: skip


EVERYTHING = {"written.gif", "fetched.gif", "imported.mjs", "linked.gif", "_gid"}


@pytest.mark.parametrize(
    ("without", "undecided", "rejected"),
    [
        ((), {"imported.mjs"}, set()),
        (("html",), {"imported.mjs", "written.gif", "fetched.gif"}, set()),
        (("links",), {"imported.mjs", "linked.gif"}, set()),
        (("set-cookies",), {"imported.mjs", "_gid"}, {"_gid"}),
        (("guard",), {"imported.mjs", "fetched.gif"}, set()),
        (("csp",), {"imported.mjs"}, {"imported.mjs"}),
        (("html", "links", "set-cookies", "guard", "csp"), EVERYTHING, EVERYTHING),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else None,
)
async def test_a_gate_switched_off_is_named_by_what_it_held(
    without: tuple[str, ...], undecided: set[str], rejected: set[str], shop: Shop
) -> None:
    """`import()` has no hook: before a choice the policy must allow what an accept may bring back in place."""
    proof = await (shop.proof(*without) if without else shop.proof_with_all_gates())
    assert leaked(proof, "undecided") == undecided
    assert leaked(proof, "reject") == rejected
    assert proof.leaks == bool(undecided or rejected)


async def test_everything_is_back_after_an_accept(shop: Shop) -> None:
    [cell] = [cell for cell in (await shop.proof_with_all_gates()).cells if cell.state == "accept"]
    assert (cell.leaks, cell.breakage) == ((), ())
    assert cell.looked.third_party >= 4


async def test_the_digest_is_kept_in_the_consent_log_and_the_report_shows_it(shop: Shop) -> None:
    proof = await shop.proof("set-cookies", states=(REJECT,))
    said = await keep_digest(shop.config, shop.config.one_site(), proof)
    row_id = re.search(r"row (\S+) of", said)
    assert row_id
    log = await ConsentLog.open(
        shop.config.store(shop.config.consent.store),
        load_keys(shop.config.path(shop.config.consent.key_file)),
        checkpoints=shop.config.path(shop.config.consent.checkpoints),
    )
    try:
        row = await log.row(row_id[1])
        assert row is not None
        assert (row.event, row.surface, row.policy) == ("prove", "prove", proof.policy_hash)
        assert row.detail is not None
        assert (row.detail["digest"], row.detail["leaks"], row.detail["cells"]) == (proof.digest, 2, 1)
    finally:
        await log.close()
    page = render_proof(proof, generated=datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    for words in (proof.digest, str(proof.policy_hash), "after a reject", "_gid", "2 leaks", "2026-01-02 03:04 UTC"):
        assert words in page
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'' in page
    assert not re.search(r"(src|href)=", page)
    assert json.loads(json.dumps(proof.to_json()))["cells"][0]["looked"]["requests"] >= 1


async def test_a_proof_without_a_key_file_says_that_nothing_is_logged(shop: Shop, tmp_path: Path) -> None:
    consent = shop.config.consent.model_copy(update={"key_file": str(tmp_path / "none.key")})
    config = shop.config.model_copy(update={"consent": consent})
    assert "not logged" in await keep_digest(config, config.one_site(), Proof(None))

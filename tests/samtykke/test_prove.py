"""The proof can fail: with a gate, the guard or the rewriting switched off, it names what leaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from policies.drafting import draft_policy
from policies.rules import Rules
from samtykke.config import Config, load_config
from samtykke.demo import Demo, demo_config, start_demo
from samtykke.serving import running_proxy
from samtykke.wiring import catalogue, policy_folder, site_rules
from scanner.crawl import scan
from scanner.prove import STATES, Proof, Task, prove
from scanner.settings import ScanSettings

GOOD = "/produkt/telt"
UNDECIDED, REJECT = STATES[0], STATES[1]


pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Shop:
    demo: Demo
    config: Config
    proofs: dict[tuple[str, ...], Proof] = field(default_factory=dict)

    async def proof(self, *without: str) -> Proof:
        """The proof of one page, undecided and after a reject, with these gates switched off; made when first asked."""
        if without not in self.proofs:
            async with running_proxy(self.config, without=frozenset(without)) as proxy:
                url = f"http://shop.localhost:{proxy.address[1]}{GOOD}"
                task = Task(ScanSettings(url=url), self.demo.origin + GOOD, pages=1, states=(UNDECIDED, REJECT))
                self.proofs[without] = await prove(task, lambda _: self.rules(), now=lambda: datetime.now(UTC))
        return self.proofs[without]

    def rules(self) -> Rules:
        return site_rules(self.config, self.config.one_site())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    demo = await start_demo(0)
    try:
        folder = tmp_path_factory.mktemp("prove")
        file = folder / "samtykke.toml"
        file.write_text(demo_config(demo.port, "127.0.0.1:0", folder))
        config = load_config(file)
        settings = ScanSettings(url=demo.origin + GOOD, max_pages=1)
        seen = await scan(settings, catalogue(), now=lambda: datetime.now(UTC))
        draft = draft_policy(
            [seen], catalogue(), site="shop", hosts=["shop.localhost"], overrides=config.policy.override
        )  # fmt: skip
        policy_folder(config).publish(draft)
        yield Shop(demo, config)
    finally:
        await demo.stop()


def leaked(proof: Proof, state: str) -> set[str]:
    return {leak.subject for cell in proof.cells if cell.state == state for leak in cell.leaks}


async def test_with_everything_on_nothing_leaks_and_nothing_breaks(shop: Shop) -> None:
    proof = await shop.proof()
    assert not proof.leaks
    assert [cell.breakage for cell in proof.cells] == [(), ()]
    assert proof.policy_hash


async def test_without_the_html_gate_scripts_and_their_cookies_leak(shop: Shop) -> None:
    proof = await shop.proof("html")
    found = leaked(proof, "undecided")
    assert {"__utma", "_fbp"} <= found
    assert any("stats.localhost" in subject for subject in found)


async def test_without_the_cookie_gate_the_shops_own_tracker_cookie_leaks(shop: Shop) -> None:
    proof = await shop.proof("set-cookies")
    assert leaked(proof, "undecided") == {"_clck"}
    assert leaked(proof, "reject") == {"_clck"}


async def test_without_the_guard_what_first_party_code_stores_leaks(shop: Shop) -> None:
    proof = await shop.proof("guard")
    assert "fjellheim_seen" in leaked(proof, "undecided")


async def test_after_a_reject_the_policy_header_holds_even_without_the_html_gate(shop: Shop) -> None:
    held = await shop.proof("html")
    assert not any("localhost" in subject for subject in leaked(held, "reject"))
    open_wide = await shop.proof("html", "csp")
    assert any("stats.localhost" in subject for subject in leaked(open_wide, "reject"))

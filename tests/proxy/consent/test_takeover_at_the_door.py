"""A choice brought along from another tool, met by the whole proxy: one page, one row, one cookie, no question."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import quote

from consent_proxy import HOST, serving

from proxy.consent.log import ConsentLog
from runtime.keys import load_keys


async def test_the_first_page_takes_it_over_and_asks_nothing(tmp_path: Path) -> None:
    said = "preferences:false,statistics:true,marketing:false,method:'explicit'"
    old = "CookieConsent=" + quote(f"{{stamp:'a',necessary:true,{said},ver:1,utc:{int(time.time())}000,region:'no'}}")
    async with serving(tmp_path, consent='import_from = ["cookiebot"]') as proxy:
        headers = {"Host": HOST, "Accept": "text/html", "Cookie": old}
        async with proxy.session.get(f"{proxy.address}/boots", headers=headers) as answer:
            page, cookies = await answer.text(), answer.headers.getall("Set-Cookie")
        assert 'id="samtykke-banner"' not in page
        assert any(line.startswith("samtykke_purposes=statistics;") for line in cookies)
        ours = "; ".join(line.partition(";")[0] for line in cookies)
        async with proxy.session.get(
            f"{proxy.address}/boots", headers=headers | {"Cookie": f"{old}; {ours}"}
        ) as answer:
            assert 'id="samtykke-banner"' not in await answer.text()
            assert "Set-Cookie" not in answer.headers
        async with proxy.session.get(f"{proxy.address}/a.png", headers=headers | {"Accept": "image/png"}) as answer:
            assert answer.status == 200
        await proxy.stop()
    keys = load_keys(tmp_path / "samtykke.key")
    log = await ConsentLog.open(f"sqlite:///{tmp_path}/consent.db", keys, checkpoints=tmp_path / "checkpoints")
    rows = [(row.event, row.method, row.path) async for row in log.export()]
    await log.close()
    assert rows == [("import", "cookiebot", "/boots")]

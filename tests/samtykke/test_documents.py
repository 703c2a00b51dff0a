"""What a command is pointed at, read: PDFs by address, pages that a script writes, what is no text at all."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from aiohttp import web
from site_server import serve_site

from samtykke.config import ConfigError
from samtykke.promises import read_declared

DAY = 86_400
NOISE = random.Random(7)  # bytes of no meaning, the same on every run


def pdf(text: str) -> bytes:
    """One page with one line of text (ISO 32000-1 7.5); readers mend the missing table of offsets."""
    stream = f"BT /F1 12 Tf 40 700 Td ({text}) Tj ET"
    objects = (
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(stream)}>>stream\n{stream}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    body = "".join(f"{number} 0 obj\n{one}\nendobj\n" for number, one in enumerate(objects, 1))
    return f"%PDF-1.4\n{body}trailer<</Root 1 0 R/Size 6>>\n%%EOF\n".encode()


PDF = pdf("The cookie _ga from Google Analytics is stored for 2 years.")


async def test_a_pdf_is_read_by_its_address_whatever_the_server_calls_it() -> None:
    async with serve_site() as site:

        async def answer(request: web.Request) -> web.Response:
            return web.Response(body=PDF, content_type="text/html")

        url = site.handle("shop.localhost", "/privacy", answer)
        declared = await asyncio.to_thread(read_declared, url)
    assert [(cookie.name, cookie.lifetime) for cookie in declared.cookies] == [("_ga", 730 * DAY)]


def test_a_pdf_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    broken = tmp_path / "privacy.pdf"
    broken.write_bytes(b"%PDF-1.4 and then nothing of the kind")
    with pytest.raises(ConfigError, match="pdftotext could not read it"):
        read_declared(str(broken))


@pytest.mark.parametrize(
    "data", [NOISE.randbytes(20_000), PDF[5:] + NOISE.randbytes(5_000)], ids=["noise", "no header"]
)
def test_what_is_no_text_declares_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "privacy").write_bytes(data)
    declared = read_declared(str(tmp_path / "privacy"))
    assert (declared.cookies, declared.vendors, declared.claims) == ((), (), ())


async def test_a_table_that_a_script_writes_is_read_as_a_visitor_sees_it() -> None:
    table = "<table><tr><th>Cookie<th>Expiry<tr><td>_fbp<td>90 days</table>"
    script = f"setTimeout(() => document.getElementById('declaration').innerHTML = '{table}', 100)"
    async with serve_site() as site:
        url = site.page(
            "shop.localhost",
            "/cookies",
            f"<!doctype html><meta charset=utf-8><h1>Cookies</h1><div id=declaration></div><script>{script}</script>",
        )
        declared = await asyncio.to_thread(read_declared, url)
    assert [(cookie.name, cookie.lifetime) for cookie in declared.cookies] == [("_fbp", 90 * DAY)]

"""Pictures for the docs: every layer and page of ours, light and dark, desktop and phone, nb and en.

    samtykke up                                   (in another terminal)
    python tools/screenshots.py http://shop.localhost:8080/

Each becomes docs/images/banner/LAYER-SCREEN-SCHEME-LANGUAGE.png with at most 256 colours. The own record is that of
somebody who has just said yes; in all other pictures nobody has answered yet.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import struct
import sys
import tempfile
import zlib
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support")]

from chromium_page import ChromiumPage, chromium  # noqa: E402  found only now

FOLDER = ROOT / "docs" / "images" / "banner"
SCREENS = {"desktop": (1280, 800, 1.0, False), "phone": (390, 844, 1.5, True)}
SCHEMES = ("light", "dark")
START = {"nb": "", "en": "en/"}
ARTICLE = {"nb": "artikkel/tre-netter-i-jotunheimen", "en": "en/article/three-nights-in-jotunheimen"}
"""The demo's page with a video."""
LAYERS = ("banner", "settings", "placeholder", "preferences", "cookies", "me")
LARGEST = 150 * 1024

# Twenty-five lines that do what a picture tool would: the 256 commonest of 32,768 colours, each pixel to its nearest.
REDUCE = """(async (source) => {
  const image = new Image(); image.src = 'data:image/png;base64,' + source; await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
  const context = canvas.getContext('2d'); context.drawImage(image, 0, 0);
  const data = context.getImageData(0, 0, image.width, image.height).data, size = image.width * image.height;
  const count = new Uint32Array(32768), bins = new Uint16Array(size);
  const sum = [0, 1, 2].map(() => new Float64Array(32768));
  for (let at = 0; at < size; at++) {
    const bin = (data[4 * at] >> 3) << 10 | (data[4 * at + 1] >> 3) << 5 | data[4 * at + 2] >> 3;
    bins[at] = bin; count[bin]++;
    for (let channel = 0; channel < 3; channel++) sum[channel][bin] += data[4 * at + channel];
  }
  const used = [...count.keys()].filter((bin) => count[bin]).sort((one, other) => count[other] - count[one]);
  const mean = (bin) => sum.map((each) => Math.round(each[bin] / count[bin]));
  const palette = used.slice(0, 256).map(mean), place = new Uint8Array(32768);
  for (const bin of used) {
    const [r, g, b] = mean(bin); let best = Infinity;
    palette.forEach(([x, y, z], index) => {
      const far = (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2;
      if (far < best) { best = far; place[bin] = index; }
    });
  }
  let text = ''; for (let at = 0; at < size; at++) text += String.fromCharCode(place[bins[at]]);
  return { width: image.width, height: image.height, palette: palette.flat(), pixels: btoa(text) };
})"""


async def reduced(page: ChromiumPage, png: bytes) -> bytes:
    """The same picture in at most 256 colours."""
    found = await page.run(f"{REDUCE}('{base64.b64encode(png).decode()}')")
    width, height, pixels = found["width"], found["height"], base64.b64decode(found["pixels"])
    lines = b"".join(b"\0" + pixels[row * width : (row + 1) * width] for row in range(height))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", bytes(found["palette"])),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


async def arranged(page: ChromiumPage, site: str, layer: str, language: str) -> None:
    """Bring the layer onto the screen."""
    if layer in ("preferences", "cookies"):
        await page.open(f"{site}.samtykke/{layer}?lang={language}&return=/{START[language]}")
        return
    await page.open(site + (ARTICLE[language] if layer == "placeholder" else START[language]))
    await page.until("document.getElementById('samtykke-banner') !== null")
    if layer == "settings":
        await page.run("document.getElementById('samtykke-settings').click()")
        await page.until("document.querySelector('#samtykke-dialog[open]') !== null")
        await page.run("document.querySelectorAll('#samtykke-dialog details')[2].open = true")
    if layer == "placeholder":
        await page.run("document.getElementById('samtykke-banner').remove()")
        await page.run("document.querySelector('.video').scrollIntoView({ block: 'center' })")
        held = "document.querySelector('.video iframe').contentDocument"
        await page.until(f"{held}.querySelector('.samtykke-placeholder') !== null")
    if layer == "me":
        await page.run("document.getElementById('samtykke-accept').click()")
        await page.until("document.cookie.includes('samtykke_purposes=p')")
        await page.open(f"{site}.samtykke/me?lang={language}&return=/{START[language]}")


async def taken(site: str, into: Path) -> list[Path]:
    """All pictures, written. Raises RuntimeError for one that is too large to keep in the repository."""
    paths = []
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.png"
        async with chromium() as page, chromium() as workshop:
            await workshop.open("about:blank")
            for language, (screen, size), scheme, layer in product(START, SCREENS.items(), SCHEMES, LAYERS):
                width, height, scale, mobile = size
                await page.forget()
                await page.screen(width, height, dark=scheme == "dark", mobile=mobile, scale=scale)
                await arranged(page, site, layer, language)
                await asyncio.sleep(0.5)
                await page.shot(raw)
                picture = await reduced(workshop, await asyncio.to_thread(raw.read_bytes))
                path = into / f"{layer}-{screen}-{scheme}-{language}.png"
                if len(picture) > LARGEST:
                    raise RuntimeError(f"{path.name} has {len(picture)} bytes")
                await asyncio.to_thread(path.write_bytes, picture)
                paths.append(path)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description="Take the pictures of the banner for the docs.")
    parser.add_argument("site", help="the demo's address behind the proxy, as `samtykke up` prints it")
    parser.add_argument("--into", type=Path, default=FOLDER, help="another folder, to look at them first")
    given = parser.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    for path in asyncio.run(taken(given.site, given.into)):
        print(f"{path.stat().st_size:8} {path.name}")


if __name__ == "__main__":
    main()

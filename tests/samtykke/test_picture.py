"""A kept notice becomes pictures in real Chromium, the same each time, of what was shown and nothing else."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from consent_site import SHOP

from proxy.consent.notice import notice_of
from proxy.consent.wording import packaged
from samtykke.outcome import UnreachableError
from samtykke.picture import names, pictures
from scanner.browser import BrowserSettings


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


async def test_banner_and_settings_are_seen_on_desktop_and_phone() -> None:
    notice = notice_of(packaged("nb"), SHOP, "Fjordstua AS")
    taken = await pictures(notice.content, BrowserSettings())
    assert list(taken) == list(names())
    assert size(taken["banner-desktop"]) == (1280, 800)
    assert size(taken["banner-phone"]) == (780, 1688)
    wide, tall = size(taken["settings-desktop"])
    assert wide == 784
    assert tall > 1000, "every recipient is opened"


async def test_without_chromium_it_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="no Chromium found"):
        await pictures(b"<p>", BrowserSettings(executable=str(tmp_path / "none")))

"""What an operator may choose about the browser. Frozen; a misspelt key is an error that names it."""

from __future__ import annotations

import os
import shutil

from pydantic import BaseModel, ConfigDict, Field

_PLACES = (
    # The program itself first: Debian's /usr/bin/chromium is a shell script that adds flags such as --disable-pings.
    "/usr/lib/chromium/chromium",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
)


def find_chromium() -> str | None:
    """The path of an installed Chromium or Chrome, None where there is none."""
    for place in _PLACES:
        if found := shutil.which(place):
            return found
    return None


class BrowserSettings(BaseModel):
    """How Chromium is started and how patient a visit is. Times are seconds, sizes are CSS pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    executable: str = Field("", description="Chromium's program; looked up where empty")
    third_party_cookies: bool = Field(True, description="False blocks cross-site cookies, as Chromium now does itself")
    host_resolver_rules: str = Field(
        "", description="Chromium's --host-resolver-rules, such as MAP shop.test 127.0.0.1"
    )
    extra_arguments: tuple[str, ...] = Field((), description="further arguments for Chromium, last on its command line")
    websocket_gate: int | None = Field(None, description="port of the SOCKS5 proxy on loopback that WebSockets take")
    accept_language: str = Field("en-US,en", description="languages the browser asks for, best first")
    settle_seconds: float = Field(0.4, gt=0, description="quiet needed after load before a page counts as settled")
    ceiling_seconds: float = Field(10.0, gt=0, description="longest wait for a page to settle")
    thorough: bool = Field(False, description="scroll and idle, so that lazy and timer-set trackers show")
    idle_seconds: float = Field(5.0, ge=0, description="how long a thorough visit idles after scrolling")
    launch_seconds: float = Field(60.0, gt=0, description="longest wait for Chromium to start")
    window_width: int = Field(1280, gt=0)
    window_height: int = Field(900, gt=0)
    response_bytes: int = Field(30_000_000, gt=0, description="largest answer taken, decoded; then loading stops")
    popups: int = Field(0, ge=0, description="windows a page may open; a person's browser blocks unasked ones")
    navigations: int = Field(10, gt=0, description="times a page may navigate by itself before the visit ends")

    def program(self) -> str:
        """Chromium's path. Raises FileNotFoundError where it is not installed, naming what was tried."""
        wanted = self.executable
        found = (shutil.which(wanted) if wanted else None) or (None if wanted else find_chromium())
        if found is None:
            raise FileNotFoundError(f"no Chromium found: tried {wanted or ', '.join(_PLACES)}")
        return found


def running_as_root() -> bool:
    """Chromium's sandbox cannot run as root."""
    return os.geteuid() == 0

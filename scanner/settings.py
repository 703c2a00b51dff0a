"""What one scan is told: frozen, checked, with default and help side by side. No I/O, no clock."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from policies.purpose import CONSENTABLE

Mode = Literal["browser", "static"]


def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text.strip() if "://" in text else f"http://{text.strip()}")
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{text!r} is no web address: write http://HOST/ or https://HOST/")
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", parts.query, ""))


def _consent(text: str) -> str:
    if text in ("none", "reject", "accept"):
        return text
    known = [str(purpose) for purpose in CONSENTABLE]
    wanted = {part.strip() for part in text.split(",")}
    if unknown := sorted(wanted - set(known)):
        raise ValueError(f"{', '.join(unknown)!r}: write none, reject, accept or some of {', '.join(known)}")
    return ",".join(purpose for purpose in known if purpose in wanted)


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(text, strict=False)) for text in texts)


class ScanSettings(BaseModel):
    """Raises pydantic.ValidationError (a ValueError) naming the field at fault. Times are seconds, sizes bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, AfterValidator(_web_address)] = Field(description="where to start")
    mode: Mode = Field("browser", description="a real Chromium, or headers and HTML only")
    consent: Annotated[str, AfterValidator(_consent)] = Field(
        "none", description="none, reject, accept, or purposes joined by commas"
    )
    max_pages: int = Field(50, ge=1, description="pages to visit at most")
    depth: int = Field(3, ge=0, description="links to follow from the start page")
    max_seconds: float | None = Field(None, gt=0, description="time for the whole scan; then it ends with what it has")
    concurrency: int = Field(4, ge=1, le=64, description="pages at the same time")
    delay: float = Field(0.0, ge=0, description="pause between two pages of one host")
    attempts: int = Field(3, ge=1, le=10, description="visits to a page that fails for the moment")
    samples: int = Field(6, ge=1, description="pages that differ only in a number, date or parameter")
    third_party_cookies: Literal["allowed", "blocked"] = Field("allowed", description="the browser's setting")
    ignore_robots: bool = Field(False, description="do not ask robots.txt: for one's own site")
    sitemaps: bool = Field(True, description="read the site's sitemaps")
    allow_private: Annotated[tuple[str, ...], AfterValidator(_networks)] = Field(
        (), description="inner networks (CIDR) that may be contacted"
    )
    thorough: bool = Field(False, description="scroll and idle, so that late trackers show")
    transfers: bool = Field(False, description="keep method, headers, sizes and times of requests, for an HTTP Archive")
    chromium: str | None = Field(None, description="the browser's executable; found by itself where absent")
    chromium_arguments: tuple[str, ...] = Field((), description="further arguments for the browser")
    page_seconds: float = Field(30.0, gt=0, description="time for one page, redirects included")
    page_bytes: int = Field(5_000_000, ge=1_000, description="how much of one page is read")
    max_redirects: int = Field(10, ge=0, description="redirects followed for one page")
    headers: tuple[tuple[str, str], ...] = Field((), description="further request headers, as (name, value)")
    user_agent: str = Field(
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
        description="what static mode calls itself: a person's browser, so that it is answered like one",
    )

    def identity(self) -> str:
        """The same for two runs that would see the same: what a scan that was killed is found again by."""
        skip = {"concurrency", "delay", "attempts", "max_seconds", "page_seconds"}
        return hashlib.sha256(self.model_dump_json(exclude=skip).encode()).hexdigest()[:16]

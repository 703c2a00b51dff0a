"""Stylesheet and script under hash-named addresses that never change. The packaged files are read once, at load.

Sources stay readable; at load the script is minified and every declaration of the banner's stylesheet is made important
inside a cascade layer: important rules of a layer win over a site's own important rules, however specific those are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

import rjsmin

FOLDER = "/.samtykke/assets/"
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLANK = re.compile(r"\s+")
_TIGHT = re.compile(r"\s*([{};,])\s*")
_DECLARATIONS = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: `path` carries a part of its SHA-256, so that it may be kept for ever."""

    name: str
    path: str
    content: bytes
    media_type: str


def squeeze(css: str) -> str:
    """Remove comments and blank space that no rule needs."""
    return _TIGHT.sub(r"\1", _BLANK.sub(" ", _COMMENT.sub("", css))).replace(";}", "}").strip()


def insist(css: str) -> str:
    """Make every declaration important. (Keyframes could not be: the stylesheet has none.)"""
    return _DECLARATIONS.sub(_important, css)


def _important(block: re.Match[str]) -> str:
    declarations = (each.strip() for each in block[1].split(";"))
    return "{" + ";".join(f"{each}!important" for each in declarations if each) + "}"


def _load(name: str) -> str:
    return files("proxy.consent").joinpath("assets", name).read_text(encoding="utf-8")


def _asset(stem: str, ending: str, text: str, media_type: str) -> Asset:
    content = text.encode()
    digest = sha256(content).hexdigest()[:16]
    return Asset(f"{stem}.{ending}", f"{FOLDER}{stem}.{digest}.{ending}", content, media_type)


@cache
def banner_css() -> Asset:
    """The banner's and settings' stylesheet, safe to load into any site's page."""
    css = insist(squeeze(_load("banner.css")))
    return _asset("banner", "css", f"@layer samtykke{{{css}}}", "text/css")


@cache
def page_css() -> Asset:
    """The stylesheet of our own pages: in the same layer, so that it can say more than the banner's."""
    return _asset("page", "css", f"@layer samtykke{{{insist(squeeze(_load('page.css')))}}}", "text/css")


@cache
def banner_js() -> Asset:
    """The script that makes the form smooth; nothing needs it."""
    minified = rjsmin.jsmin(_load("banner.js"))
    return _asset("banner", "js", minified if isinstance(minified, str) else minified.decode(), "text/javascript")


@cache
def by_path() -> dict[str, Asset]:
    """Every asset by its address."""
    return {asset.path: asset for asset in (banner_css(), page_css(), banner_js())}

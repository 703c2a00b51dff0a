"""Fetch a document that a command was pointed at: a file, `-` for standard input, or a URL."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from runtime.resolve import LocalhostResolver
from samtykke.config import ConfigError
from samtykke.outcome import UnreachableError
from scanner.addresses import MappedResolver, rules_of

MAX_BYTES = 20_000_000
SECONDS = 30.0
_SCRIPT = re.compile(rb"<script[\s>]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes, and what the server or the file's name says they are."""

    source: str
    data: bytes
    content_type: str = ""


def read_document(source: str, mapping: str = "") -> Document:
    """Read a file, `-` or an http(s) URL, where Chromium's --host-resolver-rules `mapping` lead. Raises ConfigError for
    a file, UnreachableError for a site; both name it."""
    if source == "-":
        return _readable(Document("standard input", sys.stdin.buffer.read(MAX_BYTES)))
    if source.startswith(("http://", "https://")):
        return _readable(asyncio.run(_fetch(source, mapping)))
    path = Path(source)
    try:
        data = path.read_bytes()[:MAX_BYTES]
    except OSError as error:
        raise ConfigError(f"{source}: {error.strerror}") from error
    kinds = {".html": "text/html", ".htm": "text/html", ".md": "text/markdown", ".njk": "text/html"}
    return _readable(Document(source, data, kinds.get(path.suffix.lower(), "")))


def as_shown(document: Document, mapping: str = "") -> Document | None:
    """A page's HTML once its scripts have run, by Chromium; None for what is no page with scripts, or without one."""
    if not document.source.startswith(("http://", "https://")) or not _SCRIPT.search(document.data):
        return None
    from scanner.browser import BrowserSettings  # a browser's modules, which few documents need
    from scanner.rendered import rendered

    try:
        markup = asyncio.run(rendered(document.source, BrowserSettings(host_resolver_rules=mapping)))
    except OSError:
        return None
    return Document(document.source, markup.encode("utf-8", "replace"), "text/html; charset=utf-8")


async def _fetch(url: str, mapping: str) -> Document:
    rules = rules_of([f"--host-resolver-rules={mapping}"])
    connector = aiohttp.TCPConnector(resolver=MappedResolver(rules, LocalhostResolver()))
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.get(url, headers={"Accept": "text/html, text/plain;q=0.9, */*;q=0.1"}) as answer,
        ):
            if answer.status >= 400:
                raise UnreachableError(f"{url}: the site answers {answer.status}")
            data = await answer.content.read(MAX_BYTES)
            while not answer.content.at_eof() and len(data) < MAX_BYTES:
                data += await answer.content.read(MAX_BYTES - len(data))
            return Document(url, data, answer.headers.get("Content-Type", ""))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise UnreachableError(f"{url}: {error or type(error).__name__}") from error


def _readable(document: Document) -> Document:
    """A PDF as its text, whatever its source calls it; everything else as it is. Raises ConfigError."""
    if not document.data.startswith(b"%PDF-"):
        return document
    command = ["pdftotext", "-layout", "-enc", "UTF-8", "-", "-"]
    try:
        done = subprocess.run(  # noqa: S603
            command, input=document.data, capture_output=True, timeout=SECONDS, check=True
        )  # fmt: skip
    except FileNotFoundError as error:
        raise ConfigError(f"{document.source}: reading a PDF needs pdftotext (Debian: poppler-utils)") from error
    except subprocess.SubprocessError as error:
        raise ConfigError(f"{document.source}: pdftotext could not read it ({error})") from error
    return Document(document.source, done.stdout, "text/plain; charset=utf-8")

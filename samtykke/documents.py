"""Fetch a document that a command was pointed at: a file, `-` for standard input, or a URL."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from runtime.resolve import LocalhostResolver
from samtykke.config import ConfigError
from samtykke.outcome import UnreachableError

MAX_BYTES = 20_000_000
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes, and what the server or the file's name says they are."""

    source: str
    data: bytes
    content_type: str = ""


def read_document(source: str) -> Document:
    """Read a file, `-` or an http(s) URL. Raises ConfigError for a file, UnreachableError for a site; both name it."""
    if source == "-":
        return Document("standard input", sys.stdin.buffer.read(MAX_BYTES))
    if source.startswith(("http://", "https://")):
        return asyncio.run(_fetch(source))
    path = Path(source)
    try:
        data = path.read_bytes()[:MAX_BYTES]
    except OSError as error:
        raise ConfigError(f"{source}: {error.strerror}") from error
    if data.startswith(b"%PDF-"):
        return Document(source, _text_of_pdf(path), "text/plain; charset=utf-8")
    kinds = {".html": "text/html", ".htm": "text/html", ".md": "text/markdown", ".njk": "text/html"}
    return Document(source, data, kinds.get(path.suffix.lower(), ""))


async def _fetch(url: str) -> Document:
    connector = aiohttp.TCPConnector(resolver=LocalhostResolver())
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


def _text_of_pdf(path: Path) -> bytes:
    command = ["pdftotext", "-layout", "-enc", "UTF-8", str(path.resolve()), "-"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: reading a PDF needs pdftotext (Debian: poppler-utils)") from error
    except subprocess.SubprocessError as error:
        raise ConfigError(f"{path}: pdftotext could not read it ({error})") from error
    return done.stdout

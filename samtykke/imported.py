"""Keep what the operator imports, and fetch the lists he has chosen. The last good copy stays until a better is whole.

    <policy folder>/imports/<name>.json     one document of `policies.imports` per source

A fetched list is asked for with its ETag, read up to a size limit, and put in place only when it could be read; a
`sha256` in the config refuses any other content. A kept copy that was changed on disk is refused by its checksum.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import aiohttp
from aiohttp.abc import AbstractResolver

from policies.imports import Imported, ImportFailedError, Imports, read_import
from runtime.resolve import LocalhostResolver
from samtykke.config import Config, ConfigError, ListSettings
from samtykke.whole_files import replace_file

MAX_BYTES = 20_000_000
"""The largest list that is taken, in bytes."""
SECONDS = 60.0
"""How long one list may take."""


@dataclass(frozen=True, slots=True)
class ImportFolder:
    folder: Path

    def documents(self) -> tuple[Imported, ...]:
        """Everything imported, by name. Raises ConfigError naming a file that cannot be used."""
        return tuple(found for path in self._paths() if (found := self._read(path)))

    def get(self, name: str) -> Imported | None:
        return self._read(self.path(name))

    def path(self, name: str) -> Path:
        return self.folder / f"{file_name(name)}.json"

    def keep(self, document: Imported) -> Path:
        """Put a document in place of the one of its name, whole or not at all."""
        return replace_file(self.path(document.name), document.to_json())

    def forget(self, name: str) -> bool:
        """Remove a document; False where there is none of this name."""
        try:
            self.path(name).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ConfigError(f"{self.path(name)}: {error.strerror}") from error
        return True

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """What changes when an import does: names, times and sizes."""
        return tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in self._paths())

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.json"))

    def _read(self, path: Path) -> Imported | None:
        try:
            return Imported.from_json(path.read_bytes(), source=str(path))
        except FileNotFoundError:
            return None
        except (OSError, ImportFailedError) as error:
            raise ConfigError(str(error)) from error


def import_folder(config: Config) -> ImportFolder:
    return ImportFolder(config.path(config.policy.folder) / "imports")


def imports_of(config: Config) -> Imports:
    """Everything imported, indexed; once in a process as long as nothing changes. Raises ConfigError."""
    folder = import_folder(config)
    return _indexed(folder, folder.stamp())


@lru_cache(maxsize=4)
def _indexed(folder: ImportFolder, stamp: tuple[tuple[str, int, int], ...]) -> Imports:
    return Imports(folder.documents() if stamp else ())


def import_bytes(data: bytes, settings: ListSettings) -> Imported:
    """One source as the config wants it. Raises ImportFailedError."""
    digest = hashlib.sha256(data).hexdigest()
    if settings.sha256 and digest != settings.sha256.lower():
        raise ImportFailedError(f"{settings.name}: sha256 is {digest}, the config wants {settings.sha256}")
    return read_import(data, name=settings.name, source=settings.url, purpose=settings.purpose)


@dataclass(frozen=True, slots=True)
class Update:
    """What became of one list: `kept` is the document in use afterwards, None where there never was one."""

    name: str
    outcome: Literal["new", "changed", "unchanged", "failed"]
    because: str
    kept: Imported | None


class _UnusableError(RuntimeError):
    """Why a list could not be taken."""


async def update(
    folder: ImportFolder,
    lists: Iterable[ListSettings],
    *,
    resolver: AbstractResolver | None = None,
    max_bytes: int = MAX_BYTES,
) -> tuple[Update, ...]:
    """Fetch every list; one that fails costs only itself. Raises ConfigError where the folder cannot be written."""
    connector = aiohttp.TCPConnector(resolver=resolver or LocalhostResolver())
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=True) as session:
        return tuple(await asyncio.gather(*(_update(folder, each, session, max_bytes) for each in lists)))


async def _update(
    folder: ImportFolder, settings: ListSettings, session: aiohttp.ClientSession, max_bytes: int
) -> Update:
    try:
        old = folder.get(settings.name)
    except ConfigError:
        old = None  # a damaged copy is worth nothing: it is replaced
    try:
        fetched = await _fetch(settings, old, session, max_bytes)
        if fetched is None:
            return Update(settings.name, "unchanged", "the server says it has not changed", old)
        data, etag, modified = fetched
        found = import_bytes(data, settings).model_copy(update={"etag": etag, "modified": modified})
    except (_UnusableError, ImportFailedError) as error:
        return Update(settings.name, "failed", str(error) + ("; the last good copy stays" if old else ""), old)
    if old and (old.sha256, old.etag, old.modified) == (found.sha256, etag, modified) and _same(old, found):
        return Update(settings.name, "unchanged", "the content is the same", old)
    folder.keep(found)
    return Update(settings.name, "changed" if old else "new", f"{len(data)} bytes, sha256 {found.sha256}", found)


def _same(old: Imported, new: Imported) -> bool:
    return old.purpose == new.purpose and old.rules == new.rules and old.counts() == new.counts()


async def _fetch(
    settings: ListSettings, old: Imported | None, session: aiohttp.ClientSession, max_bytes: int
) -> tuple[bytes, str, str] | None:
    """(bytes, ETag, Last-Modified), or None where the server says that nothing has changed."""
    headers = {"Accept": "text/plain, application/json, text/csv, */*;q=0.1"}
    if old and old.source == settings.url and old.purpose == settings.purpose:
        headers |= {"If-None-Match": old.etag} if old.etag else {}
        headers |= {"If-Modified-Since": old.modified} if old.modified else {}
    try:
        async with session.get(settings.url, headers=headers, max_redirects=5) as answer:
            if answer.status == 304 and old:
                return None
            if answer.status != 200:
                raise _UnusableError(f"{settings.url}: the server answers {answer.status}")
            data = bytearray()
            async for piece in answer.content.iter_chunked(1 << 16):
                data += piece
                if len(data) > max_bytes:
                    raise _UnusableError(f"{settings.url}: longer than {max_bytes} bytes")
            return bytes(data), answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise _UnusableError(f"{settings.url}: {error or type(error).__name__}") from error


def file_name(name: str) -> str:
    """An import's name as a file name: anything that is no letter, digit, dot or hyphen becomes `_`."""
    return re.sub(r"[^A-Za-z0-9.\-]", "_", name).lstrip(".") or "_"

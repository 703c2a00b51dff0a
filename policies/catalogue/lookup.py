"""Load the packaged vendors once; then say in microseconds who a host, cookie, key or script belongs to.

An answer carries its reason and how sure it is: a name such as `id` is only telling beside its vendor's host.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from pydantic import ValidationError

from policies.catalogue.names import HostIndex, NameIndex, TextIndex
from policies.catalogue.schema import SESSION, Sureness, VendorFile
from policies.purpose import Purpose

_ORDER: Mapping[Sureness, int] = {"high": 0, "medium": 1, "low": 2}


class CatalogueError(ValueError):
    """A vendor file that cannot be used; the message names file and key."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """Who receives the data. `id` is the stem of the vendor's file."""

    id: str
    name: str
    company: str
    country: str
    privacy: str
    purpose: Purpose
    aliases: tuple[str, ...] = ()
    manager: bool = False
    fingerprints: bool = False
    operator_hosted: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """One answer. `tracker` is what was recognised (host suffix, cookie pattern, signature); lifetime in seconds."""

    tracker: str
    vendor: str
    vendor_name: str
    purpose: Purpose
    because: str
    confidence: Sureness = "high"
    lifetime: int | None = None
    session: bool = False
    about: str = ""
    placeholder: str | None = None


@dataclass(frozen=True, slots=True)
class _Host:
    paths: tuple[str, ...]
    match: Match


class Catalogue:
    """Every vendor with its facts, indexed. Build with `load()` or from parsed TOML with `of()`."""

    def __init__(self, files: Mapping[str, VendorFile], digest: str = "") -> None:
        self.digest = digest
        """SHA-256 over the packaged files, for the documents that say what they were compiled from."""
        self.files = dict(files)
        self.vendors: dict[str, Vendor] = {}
        self._hosts: HostIndex[_Host] = HostIndex()
        self._paths: NameIndex[Match] = NameIndex()
        self._cookies: NameIndex[Match] = NameIndex()
        self._storage: NameIndex[Match] = NameIndex()
        self._inline: TextIndex[Match] = TextIndex()
        self._vendor_hosts: dict[str, HostIndex[bool]] = {}
        self._names: dict[str, str] = {}
        for vendor_id, file in sorted(self.files.items()):
            self._add(vendor_id, file)

    @classmethod
    def load(cls) -> Catalogue:
        """The packaged catalogue. Raises CatalogueError naming the file and the key at fault."""
        texts = {
            entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
            for entry in resources.files("policies.catalogue").joinpath("vendors").iterdir()
            if entry.name.endswith(".toml")
        }
        return cls.of(texts)

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Catalogue:
        """From TOML texts by vendor id. Raises CatalogueError naming the file and the key at fault."""
        digest = hashlib.sha256()
        files = {}
        for vendor_id, text in sorted(texts.items()):
            digest.update(f"{vendor_id}\0{text}\0".encode())
            files[vendor_id] = read_vendor(vendor_id, text)
        return cls(files, digest.hexdigest())

    def _add(self, vendor_id: str, file: VendorFile) -> None:
        self.vendors[vendor_id] = Vendor(
            vendor_id, file.name, file.company, file.country, file.privacy, file.purpose, file.aliases,
            file.manager, file.fingerprints, file.operator_hosted,
        )  # fmt: skip
        for name in (vendor_id, file.name, *file.aliases):
            self._names.setdefault(name.casefold(), vendor_id)
        own = self._vendor_hosts.setdefault(vendor_id, HostIndex())

        def match(tracker: str, purpose: Purpose | None, because: str, **facts: Any) -> Match:
            return Match(tracker, vendor_id, file.name, purpose or file.purpose, because, **facts)

        for host in file.host:
            own.add(host.match, True)
            self._hosts.add(host.match, _Host(host.paths, match(
                host.match, host.purpose, f"{host.match} belongs to {file.name}", placeholder=host.placeholder,
            )))  # fmt: skip
        for path in file.path:
            self._paths.add(path.match, match(path.match, path.purpose, f"path {path.match} is {file.name}'s endpoint"))
        for cookie in file.cookie:
            self._cookies.add(cookie.name, match(
                cookie.name, cookie.purpose, f"cookie {cookie.name} is {file.name}'s",
                confidence=cookie.sure, about=cookie.about, session=cookie.lifetime == SESSION,
                lifetime=None if cookie.lifetime == SESSION else cookie.lifetime,
            ))  # fmt: skip
        for key in file.storage:
            self._storage.add(key.key, match(
                key.key, key.purpose, f"storage key {key.key} is {file.name}'s", confidence=key.sure, about=key.about,
            ))  # fmt: skip
        for inline in file.inline:
            self._inline.add(inline.contains, match(
                inline.contains, inline.purpose, f"inline script contains {inline.contains!r} of {file.name}",
                confidence=inline.sure,
            ))  # fmt: skip

    def match_host(self, host: str, path: str = "/") -> Match | None:
        """Who owns this host (and path, where only some paths are the vendor's); the longest suffix wins."""
        for entries in self._hosts.find(host):
            anywhere = None
            for entry in entries:
                if not entry.paths:
                    anywhere = anywhere or entry.match
                elif path.startswith(entry.paths):
                    return entry.match
            if anywhere:
                return anywhere
        return None

    def match_path(self, path: str) -> Match | None:
        """A first-party endpoint such as `/matomo.php`, whatever host serves it; the query does not count."""
        return next(self._paths.find(path.partition("?")[0]), None)

    def match_foreign_path(self, path: str) -> Match | None:
        """The same on somebody else's host, where a path can give a tracker away but never make it necessary."""
        found = (match for match in self._paths.find(path.partition("?")[0]) if match.purpose is not Purpose.NECESSARY)
        return next((match for match in found if not self.vendors[match.vendor].operator_hosted), None)

    def match_cookie(self, name: str, hosts: Iterable[str] = ()) -> tuple[Match, ...]:
        """Who may have set a cookie of this name, the surest first. `hosts`: who was seen to set or load it."""
        return self._with_evidence(self._cookies.find(name), hosts)

    def match_storage(self, key: str, hosts: Iterable[str] = ()) -> tuple[Match, ...]:
        """Who may have written a storage key, the surest first."""
        return self._with_evidence(self._storage.find(key), hosts)

    def match_inline(self, text: str) -> Match | None:
        """Whose snippet an inline script is."""
        return self._inline.find(text)

    def match_vendor(self, name: str) -> Vendor | None:
        """A vendor by id, name or alias, without regard to case."""
        found = self._names.get(name.strip().casefold())
        return self.vendors[found] if found else None

    def _with_evidence(self, matches: Iterable[Match], hosts: Iterable[str]) -> tuple[Match, ...]:
        seen = tuple(hosts)
        weighed = []
        for match in matches:
            own = self._vendor_hosts[match.vendor]
            witness = next((host for host in seen if host in own), None)
            if witness:
                because = f"{match.because}, seen with {witness}"
                weighed.append((-1, Match(
                    match.tracker, match.vendor, match.vendor_name, match.purpose, because, "high",
                    match.lifetime, match.session, match.about,
                )))  # fmt: skip
            else:
                weighed.append((_ORDER[match.confidence], match))
        weighed.sort(key=lambda entry: entry[0])
        return tuple(match for _, match in weighed)


def read_vendor(vendor_id: str, text: str) -> VendorFile:
    """One vendor file. Raises CatalogueError naming file, entry and key."""
    try:
        return VendorFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{vendor_id}.toml: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise CatalogueError(f"{vendor_id}.toml: {where}: {first['msg']}") from error

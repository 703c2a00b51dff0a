"""The normal form of everything imported: frozen, strict, kept as JSON. No I/O.

Every entry keeps its `origin`, the place in the source it was read from, in words: "line 17", "Advertising/Foo".
"""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from policies.purpose import Purpose

Format = Literal["open-cookie-database", "adblock", "disconnect", "iab"]
FORMATS: tuple[Format, ...] = ("open-cookie-database", "adblock", "disconnect", "iab")


class ImportFailedError(ValueError):
    """A source that cannot be imported; the message names file, entry and key."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImportedName(_Part):
    """A cookie or storage key by name or glob. Lifetime in seconds; `purpose` None where the source names none of ours.

    With `hosts` the name only counts beside one of them: it belongs to somebody's own host.
    """

    match: str
    vendor: str = ""
    purpose: Purpose | None = None
    lifetime: int | None = None
    session: bool = False
    hosts: tuple[str, ...] = ()
    about: str = ""
    origin: str


class ImportedHost(_Part):
    """A host that tracks, with everything below it. `purpose` None: only full consent lets it through."""

    host: str
    vendor: str = ""
    purpose: Purpose | None = None
    origin: str


class Imported(_Part):
    """One source. `sha256` is of the source's bytes; `etag` and `modified` are what its server said of them."""

    schema_version: Literal[1] = 1
    name: str
    source: str
    format: Format
    sha256: str
    purpose: Purpose | None = None
    """What the operator says a whole list is for; it wins over what the list says."""
    etag: str = ""
    modified: str = ""
    cookies: tuple[ImportedName, ...] = ()
    storage: tuple[ImportedName, ...] = ()
    hosts: tuple[ImportedHost, ...] = ()
    rules: tuple[tuple[int, str], ...] = ()
    """Adblock network rules with their line numbers."""
    skipped: dict[str, int] = {}
    """How many entries were left out, by reason."""
    checksum: str = ""
    """SHA-256 over this document without its checksum, so that a damaged copy is noticed."""

    def counts(self) -> dict[str, int]:
        """What is in it, by kind; kinds that are empty are absent."""
        kinds = {"cookies": self.cookies, "storage keys": self.storage, "hosts": self.hosts, "rules": self.rules}
        return {kind: len(entries) for kind, entries in kinds.items() if entries}

    def sealed(self) -> Imported:
        return self.model_copy(update={"checksum": self._digest()})

    def to_json(self) -> str:
        return self.sealed().model_dump_json(indent=None) + "\n"

    def _digest(self) -> str:
        return hashlib.sha256(self.model_dump_json(exclude={"checksum"}).encode()).hexdigest()

    @classmethod
    def from_json(cls, text: str | bytes, *, source: str) -> Imported:
        """Read a kept document. Raises ImportFailedError naming `source` and the key, or that it was damaged."""
        try:
            found = cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "document"
            raise ImportFailedError(f"{source}: {where}: {first['msg']}") from error
        if found.checksum != found._digest():
            raise ImportFailedError(f"{source}: the kept copy is damaged (checksum does not match); import it again")
        return found

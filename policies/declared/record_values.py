"""A record to the cookies it declares: what each labelled value says, and what stands free beside them. Pure."""

from __future__ import annotations

import re

from policies.catalogue import Catalogue
from policies.declared.document import Document
from policies.declared.model import DeclaredCookie
from policies.declared.records import Record
from policies.declared.running_text import life_in, shared_out, vendor_around
from policies.declared.site import Site
from policies.declared.spans import sentences, trimmed
from policies.declared.vendors import vendor_written
from policies.declared.words import kind_named, purpose_described, purpose_named
from policies.lifetime_words import SaidLifetime, read_lifetime, unit_named


def cookies_of_record(document: Document, record: Record, catalogue: Catalogue, site: Site) -> list[DeclaredCookie]:
    """One cookie for each name of the record. A lifetime stays in the text's own words, and in seconds if readable."""
    text = document.text
    values = {role: [(text[a:b], label) for (a, b), label in found] for role, found in record.values.items()}
    free = [text[a:b] for a, b in record.free]
    said: SaidLifetime | None = None
    for value, label in values.get("lifetime", []):
        words = _own_words(value)
        read = read_lifetime(words, unit_named(label)) or read_lifetime(value, unit_named(label))
        said = SaidLifetime(read.seconds, read.session, words) if read else SaidLifetime(None, False, words)
        break
    if said is None:
        said = next(
            (
                life
                for piece in [*free, *(v for role in ("purpose", "category") for v, _ in values.get(role, []))]
                for start, end in sentences(piece, 0, len(piece))
                if (life := life_in(piece[start:end]))
            ),
            None,
        )
    vendor = next(
        (
            found
            for value, _ in values.get("vendor", [])
            if (found := vendor_written(_first_sentence(value), catalogue, site))
        ),
        None,
    )
    whole = text[record.start : record.end]
    if vendor is None and "vendor" not in values:
        vendor = vendor_around(whole, record.block, catalogue, site)
    category = [purpose_named(value) for value, _ in values.get("category", [])]
    category += [purpose_named(_first_sentence(value)) for value, _ in values.get("purpose", [])]
    purpose = next((found for found in category if found), None)
    if purpose is None:
        purpose = next((found for heading in reversed(record.block.path) if (found := purpose_named(heading))), None)
    if purpose is None:
        purpose = purpose_described(
            " ".join(
                [*(value for value, _ in values.get("purpose", [])), *free, *(v for v, _ in values.get("lifetime", []))]
            )
        )
    kind = kind_named(
        " ".join([*(value for value, _ in values.get("category", [])), *(v for v, _ in values.get("lifetime", []))])
    ) or ("storage" if kind_named(" ".join(free)) == "storage" else None)
    if kind is None and record.block.path:
        kind = kind_named(record.block.path[-1])
    span = trimmed(text, record.start, record.end) or (record.start, record.end)
    lives = shared_out(said, len(record.names)) if said else _beside(text, record)
    return [
        DeclaredCookie(
            name=named.name, lifetime=life.seconds if life else None, session=bool(life and life.session),
            lifetime_text=life.text if life else None, vendor=vendor, purpose=purpose, kind=kind or "cookie",
            quote=text[span[0] : span[1]], position=span[0],
        )
        for named, life in zip(record.names, lives, strict=True)
    ]  # fmt: skip


def _beside(text: str, record: Record) -> list[SaidLifetime | None]:
    """What follows each name up to the next one: "sid (session), lang (1 year)"."""
    ends = [*(named.start for named in record.names[1:]), record.end]
    return [life_in(text[named.end : end]) for named, end in zip(record.names, ends, strict=True)]


def _first_sentence(value: str) -> str:
    return re.split(r"(?<=[^\d])\.(?:\s|$)|\n", value, maxsplit=1)[0]


def _own_words(value: str) -> str:
    """A labelled lifetime in the text's own words, without what is bracketed behind it."""
    first = re.split(r"(?<=[^\d\s])\.(?=\s|$)|(?<=\d)\.(?=\s+[A-ZÆØÅÄÖ]|$)|\n", value, maxsplit=1)[0]
    return re.sub(r"\s*\([^()]*(?:\([^()]*\))?[^()]*\)\s*$", "", first).strip(" .,;") or value.strip(" .")

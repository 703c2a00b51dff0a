"""Bytes of any format we know -> Imported. The format is told by the content, not by the file's name. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from policies.filters import parse_list
from policies.imports import disclosure, disconnect, open_cookie_database
from policies.imports.gathered import Gathered
from policies.imports.model import Format, Imported, ImportFailedError
from policies.purpose import Purpose


def read_import(data: bytes, *, name: str, source: str = "", purpose: Purpose | None = None) -> Imported:
    """Import one source. `name` is what reasons will call it; `purpose` is the operator's word for the whole list.

    Raises ImportFailedError naming file, entry and key.
    """
    text = _text(data, name)
    found = Gathered()
    format_: Format
    if text.lstrip()[:1] in ("{", "[") and not text.lstrip().startswith("[Adblock"):
        format_ = _read_json(text, name, found)
    elif open_cookie_database.is_csv(text):
        format_ = "open-cookie-database"
        open_cookie_database.read_csv(text, name, found)
    else:
        format_ = "adblock"
        _read_adblock(text, name, found)
    if purpose is Purpose.NECESSARY:
        raise ImportFailedError(f"{name}: a list cannot be necessary: say so entry by entry in [[policy.override]]")
    return Imported(
        name=name,
        source=source or name,
        format=format_,
        sha256=hashlib.sha256(data).hexdigest(),
        purpose=purpose,
        cookies=tuple(found.cookies),
        storage=tuple(found.storage),
        hosts=tuple(found.hosts),
        rules=found.rules,
        skipped=found.skipped,
    ).sealed()


def _text(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportFailedError(f"{name}: byte {error.start}: not UTF-8 text") from error
    if not text.strip():
        raise ImportFailedError(f"{name}: the file is empty")
    return text


_ADBLOCK = re.compile(r"^\s*(?:!|\[Adblock|@@|\|)|##|\^\s*$|\$~?[a-z0-9-]+(?:[=,]|\s*$)", re.MULTILINE)
"""What at least one line of an Adblock list looks like; without it, any text would be a list."""

_JSON: tuple[tuple[Format, Callable[[Any], bool], Callable[[Any, str, Gathered], None]], ...] = (
    ("iab", lambda found: isinstance(found, Mapping) and "disclosures" in found, disclosure.read),
    ("disconnect", lambda found: isinstance(found, Mapping) and "categories" in found, disconnect.read),
    ("open-cookie-database", open_cookie_database.is_json, open_cookie_database.read_json),
)


def _read_json(text: str, name: str, found: Gathered) -> Format:
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise ImportFailedError(f"{name}: nested too deeply") from error
    except ValueError as error:
        raise ImportFailedError(f"{name}: no JSON: {error}") from error
    for format_, is_it, read in _JSON:
        if is_it(document):
            read(document, name, found)
            return format_
    raise ImportFailedError(
        f"{name}: JSON of no known format (expected the keys of the Open Cookie Database, "
        'Disconnect\'s "categories" or a device storage disclosure\'s "disclosures")'
    )


def _read_adblock(text: str, name: str, found: Gathered) -> None:
    parsed = parse_list(text)
    if not parsed.rules or not _ADBLOCK.search(text):
        raise ImportFailedError(
            f"{name}: no known format: neither Adblock rules, nor the Open Cookie Database (CSV or JSON), nor "
            "Disconnect's services.json, nor a device storage disclosure"
        )
    found.rules = parsed.rules
    found.skipped = parsed.skipped

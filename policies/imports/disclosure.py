"""IAB Europe's vendor device storage disclosure: what one vendor stores, for which of the framework's purposes. Pure.

A disclosure does not say whose it is: the vendor is called as the import is.
"""

from __future__ import annotations

from typing import Any

from policies.imports.gathered import Gathered
from policies.imports.model import ImportedName, ImportFailedError
from policies.purpose import Purpose

PURPOSES: tuple[tuple[frozenset[int], Purpose], ...] = (
    (frozenset({2, 3, 4, 7}), Purpose.MARKETING),
    (frozenset({8, 9, 10}), Purpose.STATISTICS),
    (frozenset({5, 6, 11}), Purpose.PREFERENCES),
)
"""The framework's purposes as ours, the gravest first: advertising, measurement of content, its personalisation.
Purpose 1 alone (store or access information) says nothing about why."""


def read(document: Any, name: str, found: Gathered) -> None:
    """Raises ImportFailedError naming the disclosure's number and key."""
    disclosures = document["disclosures"]
    if disclosures is None:
        return
    if not isinstance(disclosures, list):
        raise ImportFailedError(f"{name}: disclosures: expected a list, found {type(disclosures).__name__}")
    for number, entry in enumerate(disclosures, 1):
        where = f"disclosures[{number}]"
        if not isinstance(entry, dict):
            raise ImportFailedError(f"{name}: {where}: expected an object")
        identifier, kind = entry.get("identifier"), entry.get("type")
        if not isinstance(identifier, str):
            raise ImportFailedError(f"{name}: {where}: identifier: expected text")
        if kind not in ("cookie", "web"):
            found.skip(f"type {kind}")
        elif not identifier.strip("*? "):
            found.skip("matches everything")
        else:
            target = found.cookies if kind == "cookie" else found.storage
            target.append(_entry(entry, identifier.strip(), name, where))


def _entry(entry: dict[str, Any], identifier: str, name: str, where: str) -> ImportedName:
    age = entry.get("maxAgeSeconds")
    if age is not None and (not isinstance(age, int | float) or isinstance(age, bool) or not 0 <= age < 10**12):
        raise ImportFailedError(f"{name}: {where}: maxAgeSeconds: expected seconds, found {age!r}")
    purposes = entry.get("purposes") or []
    if not isinstance(purposes, list) or not all(isinstance(each, int) for each in purposes):
        raise ImportFailedError(f"{name}: {where}: purposes: expected a list of numbers")
    session = entry.get("type") == "cookie" and age == 0
    return ImportedName(
        match=identifier,
        vendor=name,
        purpose=next((purpose for numbers, purpose in PURPOSES if numbers & set(purposes)), None),
        lifetime=None if age is None or session else int(age),
        session=session,
        about=str(entry.get("description") or ""),
        origin=where,
    )

"""Promises that a scan can contradict. (Filled below by tables per kind and language.)"""

from __future__ import annotations

from policies.declared.model import Claim
from policies.declared.text import Document


def claims_made(document: Document) -> tuple[Claim, ...]:
    return ()

"""What the law requires a text to say."""

from __future__ import annotations

from policies.declared.model import ChecklistItem
from policies.declared.text import Document


def checklist_of(document: Document) -> tuple[ChecklistItem, ...]:
    return ()

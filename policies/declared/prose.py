"""Cookies from lists, labels, cards and sentences. Pure.

Two ways in: a record of labelled values, and, in blocks that no record has taken, a sentence.
"""

from __future__ import annotations

from policies.catalogue import Catalogue
from policies.declared.document import Document
from policies.declared.model import DeclaredCookie
from policies.declared.record_values import cookies_of_record
from policies.declared.records import records_of
from policies.declared.sentences import cookies_in_sentences
from policies.declared.site import Site


def cookies_in_prose(document: Document, catalogue: Catalogue, site: Site) -> list[DeclaredCookie]:
    """Every cookie declared outside tables, in the order of the text."""
    records, taken = records_of(document, catalogue)
    found = [cookie for record in records for cookie in cookies_of_record(document, record, catalogue, site)]
    for block in document.blocks:
        if block.start not in taken:
            found.extend(cookies_in_sentences(document, block, catalogue, site))
    found.sort(key=lambda cookie: cookie.position)
    return found

"""A declaration as Markdown (GitHub's tables). Pure; whatever a name or vendor holds stays text."""

from __future__ import annotations

import re

from policies.declaration.page import COLUMNS
from policies.declaration.table import PREFERENCES_PAGE, Entry, Section, Told, ToldVendor
from policies.declaration.words import Words

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_URL_SPECIAL = re.compile(r"[\s()<>|\\]")


def as_markdown(told: Told) -> str:
    words = told.words
    site = {"site": told.site}
    blocks = [f"## {text(words('title', site))}", text(words("intro", site)), text(words("law"))]
    for section in told.sections:
        blocks += _section(section, words)
    blocks.append(f"{text(words('withdraw'))} [{text(words('withdraw_link'))}]({PREFERENCES_PAGE})")
    return "\n\n".join(blocks) + "\n"


def _section(section: Section, words: Words) -> list[str]:
    blocks = [f"### {text(words(f'{section.key}.title'))}", text(words(f"{section.key}.text"))]
    if section.entries:
        heads = " | ".join(text(words(f"column.{column}")) for column in COLUMNS)
        rows = [f"| {heads} |", "|" + " --- |" * len(COLUMNS), *(_row(entry, words) for entry in section.entries)]
        blocks.append("\n".join(rows))
    if section.recipients:
        vendors = "; ".join(_vendor(vendor, words) for vendor in section.recipients)
        before, _, after = words("recipients").partition("{vendors}")
        blocks.append(text(before) + " " + vendors + text(after))
    return blocks


def _row(entry: Entry, words: Words) -> str:
    party = words(f"party.{'first' if entry.first_party else 'third'}")
    cells = (
        code(entry.name),
        text(entry.about),
        _vendor(entry.vendor, words),
        text(entry.lifetime_words),
        text(words(f"kind.{entry.kind}")),
        text(party),
    )
    return f"| {' | '.join(cells)} |"


def _vendor(vendor: ToldVendor, words: Words) -> str:
    name = text(vendor.full_name)
    if not vendor.privacy:
        return name
    url = _URL_SPECIAL.sub(lambda char: f"%{ord(char[0]):02X}", vendor.privacy)
    return f"{name}. [{text(words('vendor.privacy', {'vendor': vendor.name}))}]({url})"


def text(words: str) -> str:
    """One line of text that means nothing to Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(words.split()))


def code(name: str) -> str:
    """A name as code, in a fence longer than any it holds; a bar is escaped even here, since the table reads first."""
    name = " ".join(name.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", name)), default=0))
    space = " " if name.startswith("`") or name.endswith("`") else ""
    return f"{fence}{space}{name}{space}{fence}".replace("|", "\\|")

"""A declaration as a piece of HTML to embed anywhere: no style, no script, headings from level 2. Pure.

Tables have captions and scoped headers (WCAG 2.2, 1.3.1); the piece names its language (3.1.2).
"""

from __future__ import annotations

from html import escape

from policies.declaration.table import PREFERENCES_PAGE, Entry, Section, Told, ToldVendor
from policies.declaration.words import Words

COLUMNS = ("name", "about", "vendor", "lifetime", "kind", "party")


def as_html(told: Told) -> str:
    """One `<section>`, in UTF-8 letters."""
    words = told.words
    site = {"site": told.site}
    parts = [
        f'<section class="samtykke-declaration" lang="{words.language}" aria-labelledby="samtykke-declaration-title">',
        f'<h2 id="samtykke-declaration-title">{escape(words("title", site))}</h2>',
        f"<p>{escape(words('intro', site))}</p>",
        f"<p>{escape(words('law'))}</p>",
        *(_section(section, words) for section in told.sections),
        f'<p>{escape(words("withdraw"))}<a href="{PREFERENCES_PAGE}">{escape(words("withdraw_link"))}</a></p>',
        "</section>",
    ]
    return "\n".join(parts) + "\n"


def _section(section: Section, words: Words) -> str:
    title = words(f"{section.key}.title")
    parts = [f"<h3>{escape(title)}</h3>", f"<p>{escape(words(f'{section.key}.text'))}</p>"]
    if section.entries:
        heads = "".join(f'<th scope="col">{escape(words(f"column.{column}"))}</th>' for column in COLUMNS)
        parts += [
            "<table>",
            f"<caption>{escape(words('caption', {'purpose': title}))}</caption>",
            f"<thead><tr>{heads}</tr></thead>",
            "<tbody>",
            *(_row(entry, words) for entry in section.entries),
            "</tbody>",
            "</table>",
        ]
    if section.recipients:
        vendors = "; ".join(_vendor(vendor, words) for vendor in section.recipients)
        before, _, after = words("recipients").partition("{vendors}")
        parts.append(f"<p>{escape(before)}{vendors}{escape(after)}</p>")
    return "\n".join(parts)


def _row(entry: Entry, words: Words) -> str:
    party = words(f"party.{'first' if entry.first_party else 'third'}")
    cells = (
        escape(entry.about),
        _vendor(entry.vendor, words),
        escape(entry.lifetime_words),
        escape(words(f"kind.{entry.kind}")),
        escape(party),
    )
    rest = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row"><code>{escape(entry.name)}</code></th>{rest}</tr>'


def _vendor(vendor: ToldVendor, words: Words) -> str:
    name = escape(vendor.full_name)
    if not vendor.privacy:
        return name
    text = escape(words("vendor.privacy", {"vendor": vendor.name}))
    return f'{name}. <a href="{escape(vendor.privacy)}" rel="noopener noreferrer">{text}</a>'

"""The cookie table a site should publish, made from its SitePolicy. Pure; the packaged words are read once, at load.

    words      one language's texts, lifetimes and countries (texts/*.toml: the same keys in all ten)
    table      SitePolicy -> what is told: per purpose the entries, and who else receives data
    page       as accessible HTML to embed
    markdown   as Markdown
    documents  as JSON, and as IAB device storage disclosure

Start at `declare`. Nothing of a policy reaches a page unescaped: names of cookies are what strangers chose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from policies.declaration.documents import as_iab, as_json
from policies.declaration.markdown import as_markdown
from policies.declaration.page import as_html
from policies.declaration.table import CHOICE_LIFETIME, Told, tell
from policies.declaration.words import LANGUAGES, words
from policies.site_policy import SitePolicy

__all__ = ["FORMATS", "LANGUAGES", "declare"]

FORMATS: Mapping[str, Callable[[Told], str]] = {
    "html": as_html,
    "md": as_markdown,
    "json": as_json,
    "iab": as_iab,
}


def declare(policy: SitePolicy, format: str, language: str, *, choice_lifetime: int = CHOICE_LIFETIME) -> str:  # noqa: A002 - the contract's word
    """The declaration of one site, ending in a newline. `choice_lifetime`: how long our own cookies live, in seconds.

    Raises ValueError for a format or language that is not there.
    """
    if format not in FORMATS or language not in LANGUAGES:
        raise ValueError(f"no declaration as {format!r} in {language!r}: {', '.join(FORMATS)}; {', '.join(LANGUAGES)}")
    return FORMATS[format](tell(policy, words(language), choice_lifetime))

"""What an operator can set about consent, frozen and strict. No I/O: the command line reads the file."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

PACKAGED = ("nb", "nn", "en", "da", "sv", "de", "fi", "nl", "fr", "es")
"""Languages that the program brings texts for."""
Tool = Literal["cookiebot", "onetrust", "klaro", "vanilla-cookieconsent", "piwik-pro"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ConsentSettings(_Settings):
    """The `[consent]` table."""

    store: str = "sqlite:///consent.db"
    """Where the log is kept: sqlite:///FILE or postgresql://... (extra `postgres`)."""
    key_file: str = "samtykke.key"
    """Keys that sign cookies, tokens and checkpoints; created 0600 by `samtykke key create` and `samtykke up`."""
    checkpoints: str = "checkpoints/"
    """Folder for the signed heads of the log: keep it away from the database."""
    lifetime_days: Annotated[int, Field(ge=180, le=366)] = 180
    """Days until a choice, yes or no, lapses and is asked for again: six to twelve months (CNIL 2020-092)."""
    retention_days: Annotated[int, Field(ge=1)] = 1825
    """Days a row of the log is kept before `samtykke log prune` may remove it."""
    languages: Annotated[tuple[str, ...], Field(min_length=1)] = ("nb", "en")
    """Languages the banner may speak; the first is used where neither page nor browser names another of them."""
    texts: str = ""
    """Folder with your own wording: `<language>.toml` with just the keys to replace, or all keys of a new language."""
    cookie_domain: str = ""
    """Share the choice between subdomains: "example.com". Empty: each host has its own."""
    choices_per_minute: Annotated[int, Field(ge=0)] = 60
    """Choices one client address may make in a minute, 0 for no limit. A reject is honoured beyond it."""
    record_ip: Literal["truncated", "none"] = "truncated"
    """What a row says of the address: the network (IPv4 /24, IPv6 /48) or nothing."""
    record_agent: Literal["coarse", "none"] = "coarse"
    """What a row says of the browser: name, major version and system, or nothing."""
    minimum_age: Annotated[int, Field(ge=0, le=18)] = 0
    """Ask for this age in years before a yes counts (GDPR 8; 13 in Norway). 0 asks nobody. A no is never asked."""
    import_from: tuple[Tool, ...] = ()
    """Tools whose cookies hold choices made before: each visitor's is taken over once and logged as `import`."""

    @field_validator("store")
    @classmethod
    def _store_is_of_a_known_kind(cls, url: str) -> str:
        """What a postgresql:// leaves out is taken from PGHOST, PGUSER and their like."""
        scheme, slashes, rest = url.partition("://")
        if not slashes or not (scheme in ("postgresql", "postgres") or (scheme == "sqlite" and rest.strip("/"))):
            raise ValueError("a consent log is sqlite:///PATH or postgresql://...")
        return url

    @model_validator(mode="after")
    def _languages_have_texts(self) -> Self:
        """What an operator's own folder holds is seen when it is read."""
        unknown = [language for language in self.languages if language not in PACKAGED]
        if unknown and not self.texts:
            raise ValueError(
                f"languages: no texts in {unknown[0]!r}; known are {', '.join(PACKAGED)}, others need a file of yours "
                f"in the folder `texts`"
            )
        return self


class ControllerSettings(_Settings):
    """The `[controller]` table: who answers for the site (GDPR 13(1)(a))."""

    name: str = ""
    """Name of the company or person; the site's name stands in for it while empty."""
    org_number: str = ""
    """Number in the public register of companies."""
    contact: str = ""
    """Where a visitor can ask: a mail address or URL."""

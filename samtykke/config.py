"""Read `samtykke.toml` and the environment into one frozen Config. A misspelt key is an error that names it.

Environment variables beat the file: `SAMTYKKE__PROXY__LISTEN` is `listen` of `[proxy]`. A misspelt one is an error,
too, and so is one that begins with `SAMTYKKE_` and a single underscore. Relative paths are relative to the file's
folder, so that a command does the same from anywhere.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from croniter import croniter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from policies.purpose import Purpose
from policies.site_policy import Override
from proxy.consent.settings import ConsentSettings, ControllerSettings
from proxy.settings import ProxySettings, SiteSettings
from runtime.database import sqlite_path
from samtykke.config_sources import DELIMITER, PREFIX, ConfigError, Sources

__all__ = ["DEFAULT_FILE", "Config", "ConfigError", "ListSettings", "ScheduleSettings", "load_config", "read_config"]

DEFAULT_FILE = Path("samtykke.toml")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _inventory(url: str) -> str:
    try:
        sqlite_path(url)
    except ValueError:
        raise ValueError("the inventory is sqlite:///PATH") from None
    return url


class InventorySettings(_Section):
    """Where scans are kept. Rebuildable: losing it loses history, no evidence."""

    store: Annotated[str, AfterValidator(_inventory)] = "sqlite:///inventory.db"


class PolicySettings(_Section):
    """Where site policies are published, and the operator's own words."""

    folder: str = "policy/"
    override: tuple[Override, ...] = ()


class ListSettings(_Section):
    """A list of trackers that `samtykke catalogue update` fetches: an address alone, or a table with these keys."""

    url: Annotated[str, Field(pattern="^https?://[^/\\s]")]
    name: str = ""
    """What verdicts call it; default: the last part of the address."""
    purpose: Purpose | None = None
    """What everything in it is for; without one, rules that name no purpose need full consent."""
    sha256: Annotated[str, Field(pattern="^([0-9a-fA-F]{64})?$")] = ""
    """Refuse any other content."""

    @model_validator(mode="before")
    @classmethod
    def _from_address(cls, given: Any) -> Any:
        if isinstance(given, str):
            given = {"url": given}
        if isinstance(given, dict) and not given.get("name") and isinstance(given.get("url"), str):
            address = given["url"].partition("?")[0].rstrip("/")
            given = given | {"name": address.rpartition("/")[2]}
        return given


class CatalogueSettings(_Section):
    """Lists of trackers from elsewhere, consulted after the packaged catalogue."""

    lists: tuple[ListSettings, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [each.name for each in self.lists]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"several lists are called {', '.join(sorted(repeated))}: give each its own name")
        return self


def _cron(expression: str) -> str:
    if not croniter.is_valid(expression):
        raise ValueError(f"{expression!r} is no cron expression (minute hour day month weekday)")
    return expression


class ScheduleSettings(_Section):
    """A scan or a proof that runs by itself, by cron expression (UTC)."""

    name: str
    cron: Annotated[str, AfterValidator(_cron)]
    sites: tuple[str, ...]
    """Where to begin; of a proof, the proxy's addresses."""
    kind: Literal["scan", "prove"] = "scan"
    pages: Annotated[int, Field(ge=1)] = 4
    """Of a proof: pages in the sample."""
    states: tuple[
        Literal["undecided", "reject", "preferences", "statistics", "marketing", "accept", "gpc", "noscript"], ...
    ] = ()
    """Of a proof: kinds of visitors; empty: all of them."""
    reports: str = "proofs/"
    """Of a proof: the folder its reports are written to."""
    allow_private: tuple[str, ...] = ()
    """Inner networks (CIDR) that may be visited."""
    chromium_args: tuple[str, ...] = ()
    """Further arguments for the browser, such as one that maps the site's name to where it runs."""


def _web_address(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("write http://HOST/... or https://HOST/...")
    return text


def _mail_server(text: str) -> str:
    host, _, port = text.rpartition(":")
    if text and not (host and port.isdigit()):
        raise ValueError("write HOST:PORT, such as mail.example.com:587")
    return text


class AlertSettings(_Section):
    """Who is told about material changes. Empty: nobody."""

    webhook: Annotated[str, AfterValidator(_web_address)] = ""
    smtp: Annotated[str, AfterValidator(_mail_server)] = ""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: str = ""
    mail_from: str = ""
    mail_to: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if self.smtp and not (self.mail_from and self.mail_to):
            raise ValueError("smtp needs mail_from and mail_to")
        return self


class Config(BaseSettings):
    """The whole configuration; samtykke.example.toml shows every key."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        nested_model_default_partial_update=True,
    )

    site: tuple[SiteSettings, ...] = ()
    proxy: ProxySettings = Field(default_factory=ProxySettings)
    controller: ControllerSettings = Field(default_factory=ControllerSettings)
    consent: ConsentSettings = Field(default_factory=ConsentSettings)
    inventory: InventorySettings = Field(default_factory=InventorySettings)
    policy: PolicySettings = Field(default_factory=PolicySettings)
    catalogue: CatalogueSettings = Field(default_factory=CatalogueSettings)
    schedule: tuple[ScheduleSettings, ...] = ()
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    _folder: Path = PrivateAttr(default=Path("."))

    @model_validator(mode="after")
    def _each_host_has_one_site(self) -> Self:
        owners: dict[str, str] = {}
        for site in self.site:
            for host in site.hosts:
                if (other := owners.setdefault(host, site.name)) != site.name:
                    raise ValueError(f'[[site]] {other} and {site.name} both have the host "{host}"')
        names = [site.name for site in self.site]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"several [[site]] have the name {', '.join(sorted(repeated))}")
        return self

    @model_validator(mode="after")
    def _schedules_differ(self) -> Self:
        """What ran when is kept by name."""
        names = [entry.name for entry in self.schedule]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"several [[schedule]] have the name {', '.join(sorted(repeated))}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then what the file said."""
        return env_settings, init_settings

    def path(self, name: str) -> Path:
        """A path of the config, absolute."""
        return (self._folder / name).resolve()

    def declared(self, site: SiteSettings) -> str:
        """The privacy policy of a site: a URL as it is, a file absolute; empty where none is named."""
        named = site.declared
        return named if not named or named.startswith(("http://", "https://")) else str(self.path(named))

    def store(self, url: str) -> str:
        """A store's URL with an absolute path where it is a file."""
        if url.startswith("sqlite:///"):
            return f"sqlite:///{self.path(url.removeprefix('sqlite:///'))}"
        return url

    def _with_absolute_files(self) -> Self:
        """What the proxy opens by itself, without knowing of our folder."""
        proxy, consent = self.proxy, self.consent
        files = {key: getattr(proxy, key) for key in ("certificate", "certificate_key")}
        return self.model_copy(
            update={
                "proxy": proxy.model_copy(update={key: name and str(self.path(name)) for key, name in files.items()}),
                "consent": consent.model_copy(update={"texts": consent.texts and str(self.path(consent.texts))}),
            }
        )

    def one_site(self, name: str | None = None) -> SiteSettings:
        """The site of this name, or the only one. Raises ConfigError listing the names otherwise."""
        names = ", ".join(site.name for site in self.site)
        if name is None:
            if len(self.site) == 1:
                return self.site[0]
            if not self.site:
                raise ConfigError("no [[site]] is configured")
            raise ConfigError(f"several sites are configured: choose one with --site ({names})")
        for site in self.site:
            if site.name == name:
                return site
        raise ConfigError(f"no site {name!r}; configured: {names or 'none'}")


def load_config(file: Path | None = None, *, required: bool = False) -> Config:
    """Read the file (default `samtykke.toml` if present). Raises ConfigError naming file, key and reason."""
    explicit = file is not None
    file = file or DEFAULT_FILE
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        if explicit or required:
            raise ConfigError(f"{file}: no such file (`samtykke check --help` shows a minimal one)") from None
        return read_config("", file)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}") from error
    return read_config(text, file)


def read_config(text: str, file: Path) -> Config:
    """A config from TOML text; `file` gives messages their name and relative paths their folder."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: {error}") from error
    sources = Sources.of(Config, file, values)
    try:
        config = Config(**values)
    except ValidationError as error:
        raise ConfigError("\n".join(sources.fault(problem) for problem in error.errors())) from error
    except SettingsError as error:
        section = str(error).partition('"')[2].partition('"')[0]
        names = ", ".join(sources.no_json(section)) or section
        raise ConfigError(f'{names}: a list or table is written as JSON, such as ["nb", "en"]') from error
    config._folder = file.resolve().parent
    return config._with_absolute_files()

"""Open the configured stores; what cannot be opened becomes one clear line that names it."""

from __future__ import annotations

from proxy.consent.log import ConsentLog, LogUnavailable
from runtime.database import DatabaseUnusableError
from runtime.keys import load_keys
from samtykke.config import Config, ConfigError
from samtykke.outcome import UnreachableError
from scanner.inventory import Inventory
from scanner.schedule import Ledger


async def open_inventory(config: Config) -> Inventory:
    """The inventory of scans. Raises UnreachableError or ConfigError, naming it."""
    url = config.store(config.inventory.store)
    try:
        return await Inventory.open(url)
    except DatabaseUnusableError as error:
        raise UnreachableError(str(error)) from error
    except ValueError as error:
        raise ConfigError(f"inventory.store: {error}") from error


async def open_log(config: Config) -> ConsentLog:
    """The consent log. Raises UnreachableError, and ConfigError naming the key file or the store."""
    file = config.path(config.consent.key_file)
    try:
        keys = load_keys(file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"consent.key_file {file}: {error}") from error
    try:
        return await ConsentLog.open(
            config.store(config.consent.store), keys, checkpoints=config.path(config.consent.checkpoints)
        )
    except LogUnavailable as error:
        raise UnreachableError(f"the consent log is out of reach: {error}") from error
    except ValueError as error:
        raise ConfigError(f"consent.store: {error}") from error


async def open_ledger(config: Config) -> Ledger:
    """What scheduled scans ran when, beside the inventory. Raises UnreachableError."""
    url = config.store(config.inventory.store)
    try:
        return await Ledger.open(f"{url.removesuffix('.db')}-schedule.db")
    except DatabaseUnusableError as error:
        raise UnreachableError(str(error)) from error

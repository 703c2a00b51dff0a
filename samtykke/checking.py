"""Try everything that a config names, as `serve` and `schedule run` would. Reads; makes and contacts nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from proxy.certificate import tls_of
from proxy.consent.log.opening import store_of
from proxy.consent.wording import load
from runtime.database import sqlite_path
from runtime.keys import load_keys
from samtykke.config import Config, ConfigError
from samtykke.imported import imports_of
from samtykke.rounds import checked
from samtykke.wiring import policy_folder


def tried(config: Config) -> tuple[list[str], list[str]]:
    """(what cannot be used, what only serving reads and this user may not): a line each, naming key and reason."""
    unusable, unreadable = [], []
    for trial in TRIALS:
        try:
            trial(config)
        except (OSError, ValueError) as error:
            if trial in SERVED and _is_refused(error):
                unreadable.append(f"{error} (this user may not read it; who serves must)")
            else:
                unusable.append(str(error))
    return unusable, unreadable


def _is_refused(error: BaseException) -> bool:
    """By the system. A key file that others may read is refused by ourselves, whoever serves."""
    reason = error if isinstance(error, OSError) else error.__cause__
    return isinstance(reason, PermissionError) and reason.errno is not None


def not_writable(config: Config) -> list[str]:
    """What this user could not write, a line each; whoever serves may be another."""
    consent, found = config.consent, []
    places = {
        "consent.key_file": config.path(consent.key_file).parent,
        "consent.checkpoints": config.path(consent.checkpoints),
        "consent.store": _folder_of(config.store(consent.store)),
        "inventory.store": _folder_of(config.store(config.inventory.store)),
        "policy.folder": config.path(config.policy.folder),
    }
    for key, folder in places.items():
        there = next((each for each in (folder, *folder.parents) if os.path.exists(each)), folder) if folder else None
        if there is not None and not (os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK)):
            found.append(f"{key}: {there} is no folder that this user may write to")
    return found


def _folder_of(store: str) -> Path | None:
    return Path(sqlite_path(store)).parent if store.startswith("sqlite:") else None


def _keys(config: Config) -> None:
    """One that is not there yet is made by `serve`."""
    file = config.path(config.consent.key_file)
    try:
        load_keys(file)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        said = f"{file}: {error.strerror}" if isinstance(error, OSError) and error.strerror else error
        raise ConfigError(f"consent.key_file: {said}") from error


def _log(config: Config) -> None:
    try:
        store_of(config.store(config.consent.store))
    except ValueError as error:
        raise ConfigError(f"consent.store: {error}") from error


def _texts(config: Config) -> None:
    folder = config.consent.texts
    try:
        there = not folder or Path(folder).is_dir()
        if there:
            load(config.consent.languages, folder)
    except OSError as error:
        raise ConfigError(f"consent.texts {error.filename or folder}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"consent.languages: {error}") from error
    if not there:
        raise ConfigError(f"consent.texts {folder}: no such folder")


def _certificate(config: Config) -> None:
    tls_of(config.proxy)


def _policies(config: Config) -> None:
    for site in config.site:
        policy_folder(config).current(site.name)
    imports_of(config)


def _schedules(config: Config) -> None:
    checked(config)


def _declared(config: Config) -> None:
    for site in config.site:
        source = config.declared(site)
        if source and "://" not in source and not os.access(source, os.R_OK):
            raise ConfigError(f"site.declared of {site.name}: {source}: no such file, or not to be read")


SERVED: list[Callable[[Config], None]] = [_keys, _texts, _certificate]
"""What only serving reads: its user may be another than the one that checks."""
TRIALS: list[Callable[[Config], None]] = [*SERVED, _log, _policies, _schedules, _declared]

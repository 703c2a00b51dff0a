"""Put a text file in place whole or not at all: written to the side, flushed to the disk, renamed over the old one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from samtykke.config import ConfigError


def replace_file(path: Path, text: str) -> Path:
    """A reader sees the old file or the new one, never half. Makes the folder; raises ConfigError naming the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, written = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(written, 0o644)
        os.replace(written, path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    return path

"""The kill switch: while a file of this name exists, everything passes unchanged. Looked at once a second.

`samtykke bypass on` creates the file, `off` removes it; every worker notices by itself, no restart, and says so.
"""

from __future__ import annotations

from pathlib import Path

import structlog

FILE_NAME = "samtykke.bypass"


class Bypass:
    """`file` None: there is no switch."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._log = structlog.get_logger("samtykke.proxy")
        self.on = False

    def __repr__(self) -> str:
        return f"<Bypass {'on' if self.on else 'off'}>"

    def look(self) -> bool:
        """See whether the file is there; log where that has changed."""
        on = self._file is not None and self._file.exists()
        if on != self.on:
            self.on = on
            self._log.warning("bypass", on=on, file=str(self._file))
        return on


def set_bypass(folder: Path, *, on: bool) -> Path:
    """Turn the switch for the proxies whose state is in this folder. Raises OSError."""
    file = folder / FILE_NAME
    if on:
        folder.mkdir(parents=True, exist_ok=True)
        file.touch()
    else:
        file.unlink(missing_ok=True)
    return file

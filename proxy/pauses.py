"""A connection that tells when its peer takes nothing more for a while, so that a tunnel can hold the other side."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp.base_protocol import BaseProtocol


class TellsPauses(BaseProtocol):
    """To be put before aiohttp's protocol; `on_pause` hears True where writing is paused, and False after it."""

    __slots__ = ()
    on_pause: Callable[[bool], None] | None

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.on_pause is not None:
            self.on_pause(True)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_pause is not None:
            self.on_pause(False)

"""What a tracker is for, and what one visitor has agreed to. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Purpose(StrEnum):
    """Why something is stored or read on a visitor's device (ePrivacy 5(3))."""

    NECESSARY = "necessary"
    PREFERENCES = "preferences"
    STATISTICS = "statistics"
    MARKETING = "marketing"


CONSENTABLE: tuple[Purpose, ...] = (Purpose.PREFERENCES, Purpose.STATISTICS, Purpose.MARKETING)
"""The purposes that need consent, in the order they are shown."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What one visitor has granted. A vendor's own choice beats its purpose's.

    `vendors` maps a vendor id to True (always allow) or False (never), where the visitor said so.
    `decided` is False until the visitor (or Global Privacy Control on his behalf) has chosen.
    """

    purposes: frozenset[Purpose] = frozenset()
    vendors: tuple[tuple[str, bool], ...] = ()
    decided: bool = False
    _vendors: dict[str, bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_vendors", dict(self.vendors))

    def allows(self, purpose: Purpose | None, vendor: str | None = None) -> bool:
        """May something of this purpose and vendor run? An unknown purpose (None) needs every purpose."""
        if purpose is Purpose.NECESSARY:
            return True
        if vendor is not None and (own := self._vendors.get(vendor)) is not None:
            return own
        if purpose is None:
            return self.purposes.issuperset(CONSENTABLE)
        return purpose in self.purposes

    def refuses(self, vendor: str | None) -> bool:
        """Did the visitor say no to this very vendor?"""
        return vendor is not None and self._vendors.get(vendor) is False

    @classmethod
    def of(
        cls,
        purposes: Iterable[str | Purpose],
        vendors: Iterable[tuple[str, bool]] = (),
        *,
        decided: bool = True,
    ) -> Consent:
        """Build from purpose names. Raises ValueError for a name that is no purpose."""
        wanted = frozenset(Purpose(purpose) for purpose in purposes) - {Purpose.NECESSARY}
        return cls(wanted, tuple(sorted(vendors)), decided)


UNDECIDED = Consent()
REJECT = Consent(decided=True)
ACCEPT = Consent(frozenset(CONSENTABLE), decided=True)

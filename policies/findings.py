"""What a comparison of promise and practice finds: the `policy compare` JSON of the contract. No I/O, no clock."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

FindingKind = Literal[
    "undeclared",
    "not_observed",
    "lifetime_longer",
    "lifetime_shorter",
    "vendor_undeclared",
    "purpose_mismatch",
    "before_consent",
    "claim_contradicted",
]
Severity = Literal["high", "medium", "low"]


class Finding(BaseModel):
    """One difference. `declared` and `observed` quote both sides; `because` is for a lawyer and a developer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FindingKind
    subject: str
    declared: str | None = None
    observed: str | None = None
    severity: Severity
    because: str

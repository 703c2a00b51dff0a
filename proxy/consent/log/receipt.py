"""What a visitor takes home: one decision as a consent record (ISO/IEC TS 27560 in DPV) and as a Kantara receipt.

Pure: rows, controller and notice in, JSON out. Both name the row by its id and hash, so the receipt can be held
against the log years later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from proxy.consent.log.event import DECISIONS, Row

_NAMESPACE = UUID("b6c2f7a0-6d0f-5c1e-9a35-2f5b8e0d7c11")
_CONTEXT = {
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_PROFILE = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
_PURPOSES = {
    "preferences": "dpv:Personalisation",
    "statistics": "dpv:ServiceUsageAnalytics",
    "marketing": "dpv:Marketing",
    "necessary": "dpv:ServiceProvision",
}
_REFUSING = {"reject": "dpv:ConsentRefused", "withdraw": "dpv:ConsentWithdrawn", "expire": "dpv:ConsentExpired"}


@dataclass(frozen=True, slots=True)
class Controller:
    """Who asks, from [controller] of the configuration. Empty texts are left out of the receipt."""

    name: str
    org_number: str = ""
    contact: str = ""
    policy_url: str = ""
    jurisdiction: str = "NO"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the visitor was told, in his language: names of purposes and vendors, and seconds until consent lapses."""

    lifetime: int
    purposes: Mapping[str, str] = field(default_factory=dict)
    vendors: Mapping[str, str] = field(default_factory=dict)
    vendor_purposes: Mapping[str, str] = field(default_factory=dict)


def status(row: Row, *, renewed: bool = False) -> str:
    """The state of consent after this row, in DPV's words."""
    if row.event in ("shown", "reprompt"):
        return "dpv:ConsentRequested"
    if row.event in _REFUSING:
        return _REFUSING[row.event]
    if any(row.purposes.values()) or any(row.vendors.values()):
        return "dpv:RenewedConsentGiven" if renewed else "dpv:ConsentGiven"
    return "dpv:ConsentRefused"


def iso27560(rows: Sequence[Row], controller: Controller, terms: Terms) -> dict[str, object]:
    """One consent record with its events, from the rows of one subject, oldest first.

    Raises ValueError where the rows hold no decision: nothing was consented to or refused.
    """
    decision = _decision(rows)
    events, given = [], False
    for row in rows:
        if row.event not in DECISIONS and row.event not in ("shown", "reprompt"):
            continue
        state = status(row, renewed=given)
        given = given or state == "dpv:ConsentGiven"
        events.append(
            {"@type": state, "dct:date": _date(row.time), "dct:identifier": row.id, "dct:language": row.language}
        )
    return {
        "@context": _CONTEXT,
        "@type": "dpv:ConsentRecord",
        "@id": f"urn:uuid:{record_id(decision)}",
        "dct:conformsTo": {"@id": _PROFILE},
        "dct:identifier": str(record_id(decision)),
        "dct:created": _date(decision.time),
        "dpv:hasDataSubject": {"@type": "dpv:DataSubject", "dct:identifier": decision.subject},
        "dpv:hasNotice": {
            "@type": "dpv:ConsentNotice",
            "dct:identifier": decision.notice,
            "dct:language": decision.language,
            "dct:date": _date(decision.time),
        },
        "dpv:hasProcess": [
            _process(purpose, granted, decision, controller, terms) for purpose, granted in decision.purposes.items()
        ],
        "dpv:hasStatus": events,
        "dpv:hasJurisdiction": controller.jurisdiction,
        "record": {
            "schema_version": "ISO/IEC TS 27560:2023",
            "record_id": str(record_id(decision)),
            "pii_principal_id": decision.subject,
            "row": decision.id,
            "row_hash": decision.hash,
        },
        "event": {
            "event_time": decision.time,
            "validity_duration": f"PT{terms.lifetime}S",
            "entity_id": controller.org_number or controller.name,
            "event_type": "explicit",
            "event_state": status(decision).removeprefix("dpv:"),
            "event_method": decision.method,
        },
    }


def kantara(rows: Sequence[Row], controller: Controller, terms: Terms) -> dict[str, object]:
    """A Kantara consent receipt 1.1 of the newest decision. Raises ValueError as `iso27560`."""
    decision = _decision(rows)
    granted = [purpose for purpose, yes in decision.purposes.items() if yes]
    return {
        "version": "KI-CR-v1.1.0",
        "jurisdiction": controller.jurisdiction,
        "consentTimestamp": _seconds(decision.time),
        "collectionMethod": f"{decision.surface} {decision.method}".strip(),
        "consentReceiptID": str(record_id(decision)),
        "publicKey": "",
        "language": decision.language,
        "piiPrincipalId": decision.subject or "",
        "piiControllers": [_kantara_controller(controller)],
        "policyUrl": controller.policy_url,
        "services": [
            {
                "service": decision.site,
                "purposes": [_kantara_purpose(purpose, decision, terms) for purpose in granted],
            }
        ],
        "sensitive": False,
        "spiCat": [],
    }


def record_id(row: Row) -> UUID:
    """The same row always gets the same UUID."""
    return uuid5(_NAMESPACE, row.hash)


def _decision(rows: Sequence[Row]) -> Row:
    decision = next((row for row in reversed(rows) if row.event in DECISIONS), None)
    if decision is None:
        raise ValueError("no decision was made: there is nothing to give a receipt for")
    return decision


def _recipients(purpose: str, row: Row, terms: Terms) -> list[str]:
    """Vendors of a purpose that may run: the visitor's own answer on a vendor beats that on its purpose."""
    allowed = [
        vendor
        for vendor, its_purpose in terms.vendor_purposes.items()
        if its_purpose == purpose and row.vendors.get(vendor, row.purposes.get(purpose, False))
    ]
    return [terms.vendors.get(vendor, vendor) for vendor in sorted(allowed)]


def _process(purpose: str, granted: bool, row: Row, controller: Controller, terms: Terms) -> dict[str, object]:
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {
            "@type": _PURPOSES.get(purpose, "dpv:Purpose"),
            "dct:title": terms.purposes.get(purpose, purpose),
        },
        "dpv:hasPersonalData": [{"@type": "dpv:PersonalData", "dct:title": "online identifiers and usage of the site"}],
        "dpv:hasStorageCondition": {
            "@type": "dpv:StorageCondition",
            "dpv:hasDuration": f"PT{terms.lifetime}S",
            "dpv:hasLocation": "the visitor's device",
        },
        "dpv:hasLegalBasis": {"@id": "eu-gdpr:A6-1-a"},
        "dpv:hasDataController": {"@type": "dpv:DataController", **_named(controller)},
        "dpv:hasRecipient": [
            {"@type": "dpv:Recipient", "dct:title": name} for name in _recipients(purpose, row, terms)
        ],
        "dpv:hasStatus": "dpv:ConsentGiven" if granted else "dpv:ConsentRefused",
    }


def _named(controller: Controller) -> dict[str, str]:
    named = {
        "dct:title": controller.name,
        "dct:identifier": controller.org_number,
        "dpv:hasContact": controller.contact,
    }
    return {key: value for key, value in named.items() if value}


def _kantara_controller(controller: Controller) -> dict[str, object]:
    """One line of contact is what the configuration has: an address of mail, else anything."""
    email = controller.contact if "@" in controller.contact else ""
    return {
        "piiController": controller.name,
        "contact": controller.contact,
        "address": {},
        "email": email,
        "phone": "" if email else controller.contact,
    }


def _kantara_purpose(purpose: str, row: Row, terms: Terms) -> dict[str, object]:
    third_parties = _recipients(purpose, row, terms)
    return {
        "purpose": terms.purposes.get(purpose, purpose),
        "purposeCategory": [purpose],
        "consentType": "EXPLICIT",
        "piiCategory": ["online identifiers and usage of the site"],
        "primaryPurpose": False,
        "termination": f"after {terms.lifetime // 86400} days, or at once by withdrawal",
        "thirdPartyDisclosure": bool(third_parties),
        "thirdPartyName": ", ".join(third_parties),
    }


def _date(time: str) -> dict[str, str]:
    return {"@type": "xsd:dateTime", "@value": time}


def _seconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())

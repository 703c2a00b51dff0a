"""A receipt says what was decided, by whom it was asked and who receives data, in the words of the two standards."""

import uuid

import pytest

from proxy.consent.log.receipt import Controller, Terms, iso27560, kantara

CONTROLLER = Controller("Fjordstua AS", "NO 999 999 999", "personvern@fjordstua.example", "https://fjordstua.example/p")
TERMS = Terms(
    180 * 86400,
    {"statistics": "Statistikk", "marketing": "Markedsføring"},
    {"meta": "Meta Platforms", "matomo": "Matomo"},
    {"meta": "marketing", "matomo": "statistics"},
)


@pytest.fixture
def url(tmp_path):
    """One store is enough: what is checked here comes after it."""
    return f"sqlite:///{tmp_path}/consent.db"


@pytest.fixture
async def rows(log, accept):
    given = {"statistics": True, "marketing": False}
    await log.append(accept(event="shown", subject=None, purposes={}, vendors={}))
    await log.append(accept(event="save", purposes=given, vendors={}))
    return await log.rows_of("visitor-1")


async def test_a_consent_record_follows_iso_27560(rows):
    record = iso27560(rows, CONTROLLER, TERMS)
    assert record["@type"] == "dpv:ConsentRecord"
    assert record["dct:conformsTo"] == {"@id": "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"}
    assert record["dpv:hasDataSubject"]["dct:identifier"] == "visitor-1"
    assert record["dpv:hasNotice"]["dct:language"] == "nb"
    assert [event["@type"] for event in record["dpv:hasStatus"]] == ["dpv:ConsentRequested", "dpv:ConsentGiven"]
    marketing, statistics = record["dpv:hasProcess"]
    assert (marketing["dpv:hasStatus"], statistics["dpv:hasStatus"]) == ("dpv:ConsentRefused", "dpv:ConsentGiven")
    assert statistics["dpv:hasPurpose"]["dct:title"] == "Statistikk"
    assert [each["dct:title"] for each in statistics["dpv:hasRecipient"]] == ["Matomo"]
    assert marketing["dpv:hasRecipient"] == []
    assert uuid.UUID(record["record"]["record_id"]).version == 5
    assert record["record"]["row_hash"] == rows[-1].hash
    assert set(record["event"]) >= {"event_time", "validity_duration", "entity_id", "event_type", "event_state"}


async def test_a_kantara_receipt_has_all_its_fields_and_lists_what_was_granted(rows):
    receipt = kantara(rows, CONTROLLER, TERMS)
    assert set(receipt) == {
        "version", "jurisdiction", "consentTimestamp", "collectionMethod", "consentReceiptID", "publicKey", "language",
        "piiPrincipalId", "piiControllers", "policyUrl", "services", "sensitive", "spiCat",
    }  # fmt: skip
    assert receipt["version"] == "KI-CR-v1.1.0"
    assert receipt["consentTimestamp"] == 1795170600
    (service,) = receipt["services"]
    (purpose,) = service["purposes"]
    assert (purpose["purpose"], purpose["thirdPartyName"]) == ("Statistikk", "Matomo")
    assert receipt["piiControllers"][0]["email"] == "personvern@fjordstua.example"


@pytest.mark.parametrize(
    ("event", "granted", "state"),
    [
        ("reject", False, "ConsentRefused"),
        ("withdraw", False, "ConsentWithdrawn"),
        ("expire", False, "ConsentExpired"),
        ("save", False, "ConsentRefused"),
        ("accept", True, "ConsentGiven"),
        ("gpc", False, "ConsentRefused"),
    ],
)
async def test_the_state_follows_from_the_newest_decision(log, accept, event, granted, state):
    await log.append(accept(event=event, purposes={"statistics": granted}, vendors={}))
    assert iso27560(await log.rows_of("visitor-1"), CONTROLLER, TERMS)["event"]["event_state"] == state


async def test_consent_given_again_is_called_renewed(rows, log, accept):
    await log.append(accept(event="accept"))
    record = iso27560(await log.rows_of("visitor-1"), CONTROLLER, TERMS)
    assert record["dpv:hasStatus"][-1]["@type"] == "dpv:RenewedConsentGiven"


async def test_a_vendor_switched_off_by_name_is_no_recipient(log, accept):
    await log.append(accept(purposes={"marketing": True}, vendors={"meta": False}))
    record = iso27560(await log.rows_of("visitor-1"), CONTROLLER, TERMS)
    assert record["dpv:hasProcess"][0]["dpv:hasRecipient"] == []


async def test_the_same_row_always_gives_the_same_receipt(rows):
    assert iso27560(rows, CONTROLLER, TERMS) == iso27560(rows, CONTROLLER, TERMS)


async def test_without_a_decision_there_is_no_receipt(log, accept):
    await log.append(accept(event="shown"))
    rows = await log.rows_of("visitor-1")
    for receipt in (iso27560, kantara):
        with pytest.raises(ValueError, match="no decision"):
            receipt(rows, CONTROLLER, TERMS)

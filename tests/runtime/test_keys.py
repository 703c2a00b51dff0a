"""The key file: private, strict, and never forgetting what it signed."""

import json
import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.keys import Keys, create_key_file, load_keys, new_keys, rotate_key_file, signature_fits

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
KEYS = new_keys(NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "samtykke.key"


def test_a_created_file_is_readable_by_its_owner_only(path: Path) -> None:
    create_key_file(path, NOW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_created_is_what_is_loaded(path: Path) -> None:
    assert create_key_file(path, NOW) == load_keys(path)


def test_an_existing_key_file_is_never_replaced(path: Path) -> None:
    keys = create_key_file(path, NOW)
    with pytest.raises(FileExistsError, match=r"samtykke\.key: there is a key file already"):
        create_key_file(path, NOW)
    assert load_keys(path) == keys


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o610])
def test_a_file_open_to_group_or_world_is_refused_with_the_remedy(path: Path, mode: int) -> None:
    create_key_file(path, NOW)
    path.chmod(mode)
    with pytest.raises(PermissionError, match=f"mode {mode:04o}.*chmod 600"):
        load_keys(path)


def test_a_missing_file_says_which_command_makes_one(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="samtykke key create"):
        load_keys(path)


def test_after_rotation_new_keys_sign_and_old_ones_still_verify(path: Path) -> None:
    before = create_key_file(path, NOW)
    old_mac = before.hmac.sign(b"choice")
    old_signer, old_signature = before.sign(b"checkpoint")

    after = rotate_key_file(path, NOW)

    assert load_keys(path) == after
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert after.current.id != before.current.id
    assert after.hmac.verify(b"choice", old_mac)
    assert not before.hmac.verify(b"choice", after.hmac.sign(b"choice"))
    assert after.sign(b"checkpoint")[0] != old_signer
    assert signature_fits(after.public_keys, old_signer, b"checkpoint", old_signature)


def test_rotation_destroys_the_older_private_signing_key(path: Path) -> None:
    before = create_key_file(path, NOW)
    rotate_key_file(path, NOW)
    document = json.loads(path.read_text())
    assert [sorted(entry) for entry in document["signing"]] == [
        ["created", "id", "private", "public"],
        ["created", "id", "public"],
    ]
    assert before.signing_keys[0].id == document["signing"][1]["id"]
    assert list(path.parent.iterdir()) == [path]


@settings(max_examples=50)
@given(st.binary(), st.binary(), st.text())
def test_only_the_signed_bytes_with_their_own_signature_verify(data: bytes, other: bytes, forged: str) -> None:
    signer = KEYS.hmac
    signature = signer.sign(data)
    assert signer.verify(data, signature)
    assert signer.verify(other, signature) == (other == data)
    assert signer.verify(data, forged) == (forged == signature)
    assert not signer.verify(data, f"{KEYS.current.id}.{forged}")
    assert not signer.verify(data, signature[:-1])
    assert re.fullmatch(r"h[0-9a-f]{8}\.[A-Za-z0-9_-]{43}", signature)


def test_a_signature_by_an_unknown_key_or_over_other_bytes_does_not_fit() -> None:
    keys, stranger = new_keys(NOW), new_keys(NOW)
    key_id, signature = keys.sign(b"head")
    assert signature_fits(keys.public_keys, key_id, b"head", signature)
    assert not signature_fits(keys.public_keys, key_id, b"tail", signature)
    assert not signature_fits(keys.public_keys, key_id, b"head", b"short")
    assert not signature_fits(stranger.public_keys, key_id, b"head", signature)
    assert not signature_fits({key_id: b"no key"}, key_id, b"head", signature)


def test_secrets_do_not_show_in_a_repr() -> None:
    keys = new_keys(NOW)
    shown = repr(keys)
    assert repr(keys.current.secret) not in shown
    assert repr(keys.signing_keys[0].private) not in shown


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.pop("hmac"), "lacks hmac"),
        (lambda d: d.update(extra=1), "unknown keys: extra"),
        (lambda d: d.update(version=2), "version 2"),
        (lambda d: d.update(hmac=[]), "one HMAC key"),
        (lambda d: d.update(signing={}), "signing is no JSON list"),
        (lambda d: d["hmac"][0].update(secret="AAAA"), "secret is not 32 bytes"),
        (lambda d: d["hmac"][0].update(secret="!"), "secret is not 32 bytes"),
        (lambda d: d["hmac"].append(d["hmac"][0]), "same id"),
        (lambda d: d["signing"][0].pop("private"), "lacks private"),
        (lambda d: d["signing"][0].update(public="A" * 43 + "="), "do not belong together"),
        (lambda d: d["hmac"][0].update(id=""), "1 to 64 characters"),
    ],
)
def test_a_damaged_file_is_refused_and_the_fault_named(path: Path, change, complaint: str) -> None:
    create_key_file(path, NOW)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match=complaint) as caught:
        load_keys(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"null", b"{", b'"text"'])
def test_something_that_is_no_key_file_is_refused_by_name(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a usable key file"):
        load_keys(path)


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(ValueError, match="a folder, not a key file"):
        load_keys(path)


def test_keys_without_a_private_signing_key_cannot_be_built() -> None:
    keys = new_keys(NOW)
    with pytest.raises(ValueError, match="complete signing key"):
        Keys(keys.hmac_keys, ())

"""The key file: made once with mode 0600, read strictly, rotated without forgetting. Secrets never reach a log.

It holds two kinds of keys. *HMAC keys* sign what we hand to a visitor's browser (consent cookie, notice token): the
first one signs, the older ones still verify. The *signing key* (Ed25519) signs the checkpoints of the consent log;
after a rotation only its public half is kept.

What a loss means. A lost file: every consent cookie in circulation becomes invalid, so visitors are asked again; rows
and checkpoints already written stay verifiable by whoever has kept the public keys (`Keys.public_keys`, worth printing
and depositing elsewhere), and new checkpoints are signed by a new key. A leaked file: whoever has it can forge consent
cookies and, if he can also write to the database and to the checkpoints, rewrite the log unnoticed; rotate at once and
deposit the last good checkpoint. Keep a copy of the file apart from the copies of the database.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

VERSION = 1
SECRET_BYTES = 32
_FILE_KEYS = {"version", "hmac", "signing"}
_HMAC_KEYS = {"id", "created", "secret"}
_SIGNING_KEYS = {"id", "created", "private", "public"}
_OLD_SIGNING_KEYS = {"id", "created", "public"}


@dataclass(frozen=True, slots=True)
class HmacKey:
    """One symmetric key; `created` is UTC, ISO 8601."""

    id: str
    created: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One Ed25519 key; `private` is None once a rotation has retired it."""

    id: str
    created: str
    public: bytes
    private: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HmacSigner:
    """HMAC-SHA-256 as text that carries the id of its key: `h1a2b3c4.BASE64URL`."""

    current: HmacKey
    secrets: Mapping[str, bytes] = field(repr=False)

    def sign(self, data: bytes) -> str:
        """Signed with the current key; letters, digits, `-`, `_` and one dot, so it fits cookies and forms."""
        return f"{self.current.id}.{_mac(self.current.secret, data)}"

    def verify(self, data: bytes, signature: str) -> bool:
        """Made by the current or an older key? Compared in constant time; False for anything malformed."""
        key_id, _, mac = signature.partition(".")
        secret = self.secrets.get(key_id)
        return secret is not None and hmac.compare_digest(_mac(secret, data).encode(), mac.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Keys:
    """What the key file holds: newest first, never empty, and the newest signing key has its private half."""

    hmac_keys: tuple[HmacKey, ...]
    signing_keys: tuple[SigningKey, ...]

    def __post_init__(self) -> None:
        if not self.hmac_keys or not self.signing_keys or self.signing_keys[0].private is None:
            raise ValueError("a key file needs one HMAC key and one complete signing key at least")
        if len({key.id for key in self.hmac_keys}) < len(self.hmac_keys):
            raise ValueError("two HMAC keys carry the same id")
        if len({key.id for key in self.signing_keys}) < len(self.signing_keys):
            raise ValueError("two signing keys carry the same id")

    @property
    def current(self) -> HmacKey:
        """The HMAC key that signs now."""
        return self.hmac_keys[0]

    @property
    def secrets(self) -> Mapping[str, bytes]:
        """Key id -> HMAC secret, the current and the older ones, for verifying."""
        return {key.id: key.secret for key in self.hmac_keys}

    @property
    def public_keys(self) -> Mapping[str, bytes]:
        """Key id -> raw Ed25519 public key (32 bytes), the current and the older ones."""
        return {key.id: key.public for key in self.signing_keys}

    @property
    def hmac(self) -> HmacSigner:
        """Signs texts for visitors' browsers with the current key and verifies with any."""
        return HmacSigner(self.current, self.secrets)

    def sign(self, message: bytes) -> tuple[str, bytes]:
        """Id of the signing key and the Ed25519 signature (64 bytes)."""
        key = self.signing_keys[0]
        if key.private is None:  # __post_init__ has refused this
            raise ValueError(f"signing key {key.id} has no private half")
        return key.id, Ed25519PrivateKey.from_private_bytes(key.private).sign(message)


def signature_fits(public_keys: Mapping[str, bytes], key_id: str, message: bytes, signature: bytes) -> bool:
    """Was this Ed25519 signature made by the named key? False for an unknown key and for bytes that are no key."""
    public = public_keys.get(key_id)
    if public is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def new_keys(now: datetime, randomness: Callable[[int], bytes] = os.urandom) -> Keys:
    """One fresh HMAC key and one fresh signing key."""
    return Keys((_new_hmac(now, randomness),), (_new_signing(now, randomness),))


def rotated(keys: Keys, now: datetime, randomness: Callable[[int], bytes] = os.urandom) -> Keys:
    """Fresh keys in front. Older HMAC keys still verify; of older signing keys only the public halves remain."""
    retired = tuple(SigningKey(key.id, key.created, key.public) for key in keys.signing_keys)
    return Keys(
        (_new_hmac(now, randomness), *keys.hmac_keys),
        (_new_signing(now, randomness), *retired),
    )


def create_key_file(path: Path, now: datetime | None = None) -> Keys:
    """Make the file with fresh keys, mode 0600. Raises FileExistsError: an existing key file is never replaced."""
    keys = new_keys(now or datetime.now(UTC))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise FileExistsError(f"{path}: there is a key file already; `key rotate` adds fresh keys to it") from None
    _write(handle, keys)
    _sync_folder(path.parent)
    return keys


def rotate_key_file(path: Path, now: datetime | None = None) -> Keys:
    """Put fresh keys in front, atomically: a crash leaves the old file or the new one. Raises as `load_keys`."""
    keys = rotated(load_keys(path), now or datetime.now(UTC))
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _write(handle, keys)
        owner = path.stat()
        if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(fresh, owner.st_uid, owner.st_gid)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return keys


def load_keys(path: Path) -> Keys:
    """Read the key file.

    Raises FileNotFoundError (none there), PermissionError (others may read it, or we may not) and ValueError (not a
    key file, or damaged); every message names the file and what to do.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise PermissionError(
                    f"{path}: other users may read or write this key file (mode {mode:04o}): chmod 600 {path}"
                )
            text = file.read()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no key file; `samtykke key create` makes one") from None
    except IsADirectoryError:
        raise ValueError(f"{path}: a folder, not a key file") from None
    try:
        return _parsed(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a usable key file: {error}") from None


def _mac(secret: bytes, data: bytes) -> str:
    return base64.urlsafe_b64encode(hmac.digest(secret, data, hashlib.sha256)).rstrip(b"=").decode("ascii")


def _new_hmac(now: datetime, randomness: Callable[[int], bytes]) -> HmacKey:
    return HmacKey("h" + randomness(4).hex(), _stamp(now), randomness(SECRET_BYTES))


def _new_signing(now: datetime, randomness: Callable[[int], bytes]) -> SigningKey:
    private = randomness(SECRET_BYTES)
    public = Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    return SigningKey("s" + hashlib.sha256(public).hexdigest()[:8], _stamp(now), public, private)


def _stamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(handle: int, keys: Keys) -> None:
    document = {
        "version": VERSION,
        "hmac": [{"id": key.id, "created": key.created, "secret": _text(key.secret)} for key in keys.hmac_keys],
        "signing": [_signing_entry(key) for key in keys.signing_keys],
    }
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def _signing_entry(key: SigningKey) -> dict[str, str]:
    entry = {"id": key.id, "created": key.created, "public": _text(key.public)}
    return entry if key.private is None else {**entry, "private": _text(key.private)}


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _parsed(document: object) -> Keys:
    entries = _fields(document, "the file", _FILE_KEYS)
    if entries["version"] != VERSION:
        raise ValueError(f"version {entries['version']!r}, this program knows {VERSION}")
    return Keys(
        tuple(_hmac_key(entry) for entry in _list(entries["hmac"], "hmac")),
        tuple(
            _signing_key(entry, retired=number > 0) for number, entry in enumerate(_list(entries["signing"], "signing"))
        ),
    )


def _hmac_key(entry: object) -> HmacKey:
    fields = _fields(entry, "an entry of hmac", _HMAC_KEYS)
    return HmacKey(_name(fields["id"]), _name(fields["created"]), _bytes(fields["secret"], "secret"))


def _signing_key(entry: object, *, retired: bool) -> SigningKey:
    fields = _fields(entry, "an entry of signing", _OLD_SIGNING_KEYS if retired else _SIGNING_KEYS)
    public = _bytes(fields["public"], "public")
    private = None if retired else _bytes(fields["private"], "private")
    if private is not None and Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw() != public:
        raise ValueError(f"signing key {fields['id']}: private and public half do not belong together")
    return SigningKey(_name(fields["id"]), _name(fields["created"]), public, private)


def _fields(entry: object, where: str, expected: set[str]) -> dict[str, object]:
    if not isinstance(entry, dict):
        raise TypeError(f"{where} is no JSON object")
    if missing := sorted(expected - entry.keys()):
        raise ValueError(f"{where} lacks {', '.join(missing)}")
    if unknown := sorted(entry.keys() - expected):
        raise ValueError(f"{where} has unknown keys: {', '.join(unknown)}")
    return entry


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{where} is no JSON list")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 64:
        raise ValueError("ids and dates are texts of 1 to 64 characters")
    return value


def _bytes(value: object, where: str) -> bytes:
    try:
        raw = base64.b64decode(value.encode("ascii"), validate=True) if isinstance(value, str) else b""
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if len(raw) != SECRET_BYTES:
        raise ValueError(f"{where} is not {SECRET_BYTES} bytes in Base64")
    return raw


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")

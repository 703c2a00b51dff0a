"""The form's fields -> one choice, or a reason why not. No I/O, no clock.

A reject or withdrawal is honoured however broken the rest of the form is; an accept or save must be spotless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from policies.purpose import Purpose
from proxy.consent.site_notice import SiteNotice

Action = Literal["accept", "reject", "save", "withdraw"]
ACTIONS: tuple[Action, ...] = ("accept", "reject", "save", "withdraw")
REFUSING: frozenset[Action] = frozenset({"reject", "withdraw"})

MAX_BODY = 64 * 1024
"""Bytes of a form that are read at most: a thousand vendors fit."""
MAX_FIELDS = 2000
_MAX_PATH = 2048
_MAX_TOKEN = 512
_ONCE = ("action", "notice", "return", "keep", "receipt", "confirm", "of_age")


class ChoiceError(ValueError):
    """The form makes no sense; the message says which field and why, for the visitor's eyes."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a visitor asked for. `vendors` holds explicit answers only (True always, False never).

    `return_path` is a path on this site. `keep` adds to what was granted before instead of replacing it.
    `receipt` asks to be remembered by an id, which a refuser otherwise is not.
    """

    action: Action
    purposes: frozenset[Purpose] = frozenset()
    vendors: tuple[tuple[str, bool], ...] = ()
    notice: str = ""
    return_path: str = "/"
    keep: bool = False
    receipt: bool = False
    confirm: str = ""
    of_age: int = 0
    """The age in years that the visitor says he has reached, 0 where he was not asked."""

    @property
    def refuses(self) -> bool:
        return self.action in REFUSING


def safe_path(text: str) -> str | None:
    """A path with query on this very site, or None: no scheme, no host, no control character, not overlong.

    Browsers read `//`, `/\\` and a tab between the slashes as the start of another host.
    """
    if not text.startswith("/") or text[1:2] in ("/", "\\") or len(text) > _MAX_PATH or "\\" in text:
        return None
    return text if all("!" <= letter <= "~" or letter >= "\u00a1" for letter in text) else None


def fields_of(body: bytes, content_type: str) -> list[tuple[str, str]]:
    """Decode `application/x-www-form-urlencoded`. Raises ChoiceError for another type, bad UTF-8 or too many fields."""
    if content_type.split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise ChoiceError("the form must be sent as application/x-www-form-urlencoded")
    if len(body) > MAX_BODY:
        raise ChoiceError(f"the form is larger than {MAX_BODY} bytes")
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS, encoding="utf-8"
        )
    except UnicodeDecodeError:
        raise ChoiceError("the form holds bytes that are not UTF-8") from None
    except ValueError:
        raise ChoiceError(f"the form has more than {MAX_FIELDS} fields") from None


def parse(fields: Sequence[tuple[str, str]], site: SiteNotice) -> Choice:
    """Read one choice. Raises ChoiceError where the form is not one that we could have rendered for this site."""
    actions = {value for name, value in fields if name == "action"}
    if not actions:
        raise ChoiceError("the field action is missing")
    if len(actions) > 1:
        raise ChoiceError("the field action is given more than once")
    action = actions.pop()
    if action not in ACTIONS:
        raise ChoiceError(f"action must be one of {', '.join(ACTIONS)}")
    first = dict(reversed(fields))
    if action in REFUSING:
        notice = first.get("notice", "")
        return Choice(
            action,
            notice=notice if len(notice) <= _MAX_TOKEN and notice.isascii() else "",
            return_path=safe_path(first.get("return", "/")) or "/",
            receipt=first.get("receipt") == "1",
            confirm=first.get("confirm", "")[:_MAX_TOKEN],
        )
    _each_once(fields)
    path = safe_path(first.get("return", "") or "/")
    if path is None:
        raise ChoiceError("return must be a path on this site")
    notice, confirm = first.get("notice", ""), first.get("confirm", "")
    if max(len(notice), len(confirm)) > _MAX_TOKEN or not (notice.isascii() and confirm.isascii()):
        raise ChoiceError("notice is not a token of ours")
    return Choice(
        action,
        purposes=_purposes(fields, site) if action == "save" else frozenset(site.purposes),
        vendors=_vendors(fields, site) if action == "save" else (),
        notice=notice,
        return_path=path,
        keep=first.get("keep") == "1",
        receipt=first.get("receipt") == "1",
        confirm=confirm,
        of_age=_age(first.get("of_age", "")),
    )


def _age(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 2):
        raise ChoiceError("of_age must be a number of years")
    return int(text or 0)


def _each_once(fields: Sequence[tuple[str, str]]) -> None:
    for name in _ONCE:
        if sum(field == name for field, _ in fields) > 1:
            raise ChoiceError(f"the field {name} is given more than once")


def _purposes(fields: Sequence[tuple[str, str]], site: SiteNotice) -> frozenset[Purpose]:
    names = {value for name, value in fields if name == "purpose"} - {Purpose.NECESSARY.value}
    known = {purpose.value for purpose in Purpose}
    for name in sorted(names):
        if name not in known:
            raise ChoiceError("purpose must be one of preferences, statistics, marketing")
    return frozenset(map(Purpose, names)) & frozenset(site.purposes)


def _vendors(fields: Sequence[tuple[str, str]], site: SiteNotice) -> tuple[tuple[str, bool], ...]:
    """`vendor=ID` allows, `vendor=-ID` refuses, an empty value leaves the vendor to its purpose."""
    answers: dict[str, bool] = {}
    for name, value in fields:
        if name != "vendor" or not value:
            continue
        vendor_id, allowed = value.removeprefix("-"), not value.startswith("-")
        if site.vendor(vendor_id) is None:
            raise ChoiceError("vendor names nobody that this site asks for")
        if answers.setdefault(vendor_id, allowed) is not allowed:
            raise ChoiceError("vendor is both allowed and refused")
    return tuple(sorted(answers.items()))

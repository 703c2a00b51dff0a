"""Whose fault it is: which variable of the environment, or the file, has set each key of a config, in words."""

from __future__ import annotations

import difflib
import json
import os
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

PREFIX = "SAMTYKKE__"
DELIMITER = "__"
_SECRET = {"store", "smtp_password", "webhook", "url"}
"""Keys whose value no message repeats: it may hold a password or a token anywhere."""
_NOT_OURS = re.compile(
    r"SAMTYKKE_(TEST_DATA|BENCH_FOLDER|(\w+_)?SERVICE_(HOST|PORT(_\w+)?)|(\w+_)?PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)"
)
"""Of tests and measurements, and what Kubernetes sets for a service that is called samtykke or samtykke-...."""


class ConfigError(ValueError):
    """The config cannot be used: the message names file, key and reason."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a config is read from. `model` is its outermost table, `variables` name what each key is set by."""

    model: type[BaseModel]
    file: Path
    values: dict[str, Any]
    variables: Mapping[tuple[str, ...], str]

    @classmethod
    def of(cls, model: type[BaseModel], file: Path, values: dict[str, Any]) -> Sources:
        """These values of the file, beside the environment. Raises ConfigError for a variable that sets nothing."""
        variables = {}
        for name in os.environ:
            upper = name.upper()
            if upper.startswith("SAMTYKKE_") and not upper.startswith(PREFIX) and not _NOT_OURS.fullmatch(upper):
                raise ConfigError(
                    f"{name}: variables of the config are written {PREFIX}TABLE__KEY, two underscores each"
                )
            if upper.startswith(PREFIX):
                variables[tuple(name.lower().removeprefix(PREFIX.lower()).split(DELIMITER))] = name
        for loc, name in variables.items():
            _exists(model, loc, name)
        return cls(model, file, values, variables)

    def fault(self, problem: Any) -> str:
        """One of pydantic's errors, with where it comes from and without secrets."""
        loc = tuple(str(part) for part in problem["loc"])
        found = [self._source(key) for key in self._blamed(loc, problem)]
        source = ", ".join(dict.fromkeys(each for each in found if each)) or str(self.file)
        where = ".".join(loc)
        if problem["type"] == "extra_forbidden":
            return f"{source}: {where}: unknown key{_nearest(self.model, problem['loc'])}"
        given = problem.get("input")
        if isinstance(given, dict | list) or _SECRET & set(loc):
            return f"{source}: {where}: {problem['msg']}"
        shown = _masked(repr(given))
        return f"{source}: {where}: {problem['msg'].replace(repr(given), shown)} (given: {shown})"

    def no_json(self, table: str) -> list[str]:
        """The variables below this table that should be JSON and are not."""
        return [name for loc, name in self.variables.items() if loc[0] == table and self._is_no_json(loc, name)]

    def _is_no_json(self, loc: tuple[str, ...], variable: str) -> bool:
        """Is a list or table wanted at this place, and something else written in the variable?"""
        annotation: Any = self.model
        for part in loc:
            model = _model_in(annotation)
            annotation = model.model_fields[part].annotation if model else None
        if typing.get_origin(annotation) is not tuple and _model_in(annotation) is None:
            return False
        try:
            json.loads(os.environ[variable])
        except ValueError:
            return True
        return False

    def _blamed(self, loc: tuple[str, ...], problem: Any) -> list[tuple[str, ...]]:
        """The keys that a problem is about: of one with a table as a whole, those that its message names."""
        model: type[BaseModel] | None = self.model
        for part in loc:
            field = model.model_fields.get(part) if model else None
            model = _model_in(field.annotation) if field and typing.get_origin(field.annotation) is not tuple else None
        if model is None or problem["type"] != "value_error":
            return [loc]
        words = re.findall(r"\w+" if loc else r"\[\[(\w+)\]\]", problem["msg"])
        return [(*loc, word) for word in words if word in model.model_fields] or [loc]

    def _source(self, loc: tuple[str, ...]) -> str:
        """What has set this key: the name of a variable or of the file, empty where neither has."""
        for end in range(len(loc), 0, -1):
            name = self.variables.get(loc[:end])
            if name is not None and _holds(_json(os.environ[name]), loc[end:]):
                return name
        return str(self.file) if _holds(self.values, loc) else ""


def _exists(root: type[BaseModel], loc: tuple[str, ...], variable: str) -> None:
    model: type[BaseModel] | None = root
    for at, part in enumerate(loc):
        if model is None:
            raise ConfigError(f"{variable}: {'.'.join(loc[:at])} has no keys of its own")
        if part not in model.model_fields:
            raise ConfigError(f"{variable}: unknown key {part!r}{_nearest(root, loc[: at + 1])}")
        annotation = model.model_fields[part].annotation
        if typing.get_origin(annotation) is tuple and loc[at + 1 :]:
            whole = PREFIX + DELIMITER.join(loc[: at + 1]).upper()
            raise ConfigError(f"{variable}: a list is given as a whole, as JSON in {whole}")
        model = _model_in(annotation)


def _holds(value: Any, loc: tuple[str, ...]) -> bool:
    """Is there a value at this place of a table? Whatever is no table, such as a list, is given as a whole."""
    for part in loc:
        if not isinstance(value, dict):
            return True
        if part not in value:
            return False
        value = value[part]
    return True


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _masked(shown: str) -> str:
    """Without what may be a user's name and password before the last `@`."""
    before, at, after = shown.rpartition("@")
    if not at or not {":", "/"} & set(before):
        return shown
    scheme = re.match(r"['\"]\w+://|['\"]?", before)
    return f"{scheme[0] if scheme else ''}...@{after}"


def _nearest(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    """`; did you mean "listen"?` for a misspelt key at this place."""
    *parents, key = loc
    fields: type[BaseModel] | None = model
    for part in parents:
        if isinstance(part, str) and fields is not None and part in fields.model_fields:
            fields = _model_in(fields.model_fields[part].annotation)
    if fields is None:
        return ""
    known = list(fields.model_fields)
    close = difflib.get_close_matches(str(key), known, 1, 0.5)
    return f'; did you mean "{close[0]}"?' if close else f"; known: {', '.join(sorted(known))}"


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *typing.get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None

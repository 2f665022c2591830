"""Checked reading of TOML tables: every field is taken by name and type, none may be left over.

So a misspelt field is an error that names it, never a default taken in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from tamis.errors import ModelError

T = TypeVar("T")

_TOML_NAMES: Mapping[type, str] = {
    str: "string",
    int: "integer",
    dict: "table",
    list: "array of tables",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Table:
    """One table of a TOML file, and what to call it in a message.

    Each method takes a field out of the table and raises `ModelError` if it is missing or wrong.
    """

    def __init__(self, values: object, where: str) -> None:
        self.where = where
        if not isinstance(values, dict):
            raise self.error(f"this is {values!r}, it must be a table")
        self._left: dict[str, object] = dict(values)

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        """Take a value of exactly this type; without a default it must be there."""
        value = self._left.pop(key, default)
        if value is None:
            raise self.error(f"the field {key!r} is missing")
        # Not isinstance: `true` is an int to Python, but no number to the author of the file.
        if type(value) is not kind:
            raise self.error(f"{key} is {value!r}, it must be a TOML {_TOML_NAMES[kind]}")
        return value

    def take_name(self, key: str) -> str:
        """Take a string that is safe as a file name and as an argument of pip."""
        return self._name(key, self.take(key, str))

    def take_positive(self, key: str) -> int:
        """Take an integer of at least 1."""
        value = self.take(key, int)
        if value < 1:
            raise self.error(f"{key} is {value}, it must be at least 1")
        return value

    def take_sha256(self) -> str:
        """Take the field ``sha256``."""
        value = self.take("sha256", str)
        if not _SHA256.fullmatch(value):
            raise self.error(f"sha256 is {value!r}, it must be 64 lower-case hexadecimal digits")
        return value

    def take_tables(self, key: str) -> list[Table]:
        """Take an array of tables."""
        values = self.take(key, list)
        return [Table(value, f"{self.where}, {key} {n}") for n, value in enumerate(values, 1)]

    def take_by_file(self, key: str) -> dict[str, object]:
        """Take a table whose keys are file names."""
        values: dict[str, object] = self.take(key, dict)
        return {self._name(f"a file of {key}", name): value for name, value in values.items()}

    def finish(self) -> None:
        """Check that every field was taken."""
        if self._left:
            raise self.error(f"it has unknown fields: {', '.join(sorted(self._left))}")

    def error(self, problem: str) -> ModelError:
        """Return an error that says where the problem is."""
        return ModelError(f"{self.where}: {problem}")

    def _name(self, label: str, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise self.error(
                f"{label} is {value!r}, it must begin with a letter or a digit and hold only "
                "these, '.', '_', '+' and '-'"
            )
        return value

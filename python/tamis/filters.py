"""Filters on metadata: what of it can be asked for, and what a filter asks.

A filter is a mapping, as in MongoDB and its likes::

    {"team": "legal", "year": {"$gte": 2024}, "$or": [{"tags": "urgent"}, {"draft": False}]}

Conditions side by side must all hold. A value alone means ``$eq``. A list in the metadata meets
a condition if one of its elements does. What lies in a mapping is asked for by its path,
``"author.name"``; a document's own ``version``, ``valid_from``, ``valid_to``, ``status`` and
``folder`` (the name of the source it was synced from) as ``"document.version"`` and so on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

import numpy as np

from tamis import moments
from tamis.errors import InvalidInputError
from tamis.types import Document, content_hash, key_of

#: A filter on metadata.
Where: TypeAlias = Mapping[str, Any]

#: A field's name, the type of one value, and the value, as the core keeps it.
Field: TypeAlias = tuple[str, str, bool | int | float | str | None]

_COMPARED = {"$gt": "above", "$gte": "at_least", "$lt": "below", "$lte": "at_most"}
_OPERATORS = ("$eq", "$ne", *_COMPARED, "$in", "$nin", "$contains", "$exists", "$not")
_LISTS = (list, tuple, set, frozenset, np.ndarray)
_OWN = "document."


def fields_of(document: Document, folder: str | None = None) -> list[Field]:
    """Return what filters may ask about a document that came from a synced folder, or not.

    Raises
    ------
    InvalidInputError
        If the metadata holds what no filter could ask for: a whole number of more than 64 bits,
        or a name that stands for the document's own fields.
    """
    found = list(_flat(document.metadata, "", document.id))
    if document.version:
        found.append((_OWN + "version", "text", document.version))
    found += [
        (_OWN + name, "time", moments.micros(moments.moment_of(value, name)))
        for name in ("valid_from", "valid_to")
        if (value := getattr(document, name)) is not None
    ]
    found.append((_OWN + "status", "text", document.status))
    if folder is not None:
        found.append((_OWN + "folder", "text", folder))
    for id in document.supersedes:
        key = key_of(content_hash(id))
        found.append((_OWN + "supersedes", "int", key - (key >> 63 << 64)))
    return found


def _flat(values: Mapping[str, Any], path: str, id: str) -> Iterator[Field]:
    for key, value in values.items():
        if not isinstance(key, str):
            raise InvalidInputError(f"the metadata of document {id!r} has a key {key!r}, no string")
        name = path + key
        if name == "document" or name.startswith(_OWN):
            raise InvalidInputError(
                f"the metadata of document {id!r} has a field {name!r}: that name stands for the "
                "document's own fields in filters; choose another"
            )
        if isinstance(value, Mapping):
            yield from _flat(value, name + ".", id)
        elif isinstance(value, (list, tuple)):
            scalars = [item for item in value if not isinstance(item, (list, tuple, Mapping))]
            yield name, "nothing", None
            for item in scalars:
                yield from _scalar(name, item, id, in_list=True)
        else:
            yield from _scalar(name, value, id)


def _scalar(name: str, value: Any, id: str, *, in_list: bool = False) -> Iterator[Field]:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        yield name, "bool", value
    elif isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise InvalidInputError(
                f"the metadata of document {id!r}: {name} is {value}, more than 64 bits; keep it "
                "as a string"
            )
        yield name, "int", value
    elif isinstance(value, float) and not math.isnan(value):
        yield name, "float", value
    elif isinstance(value, date):
        yield name, "time", moments.micros(moments.moment_of(value, name))
        yield name, "item" if in_list else "text", value.isoformat()
    elif isinstance(value, str):
        yield name, "item" if in_list else "text", value
        if moment := moments.read(value):
            yield name, "time", moments.micros(moment)


def condition(where: Where) -> str:
    """Return a filter as the core reads it.

    Raises
    ------
    InvalidInputError
        If it is none: an unknown operator, or a value that the operator cannot take.
    """
    try:
        return json.dumps(_all(where))
    except RecursionError:
        raise InvalidInputError("the filter is nested too deeply") from None


def _all(where: object) -> dict[str, Any]:
    if not isinstance(where, Mapping):
        raise InvalidInputError(
            f'a filter is of type {type(where).__name__}; it must be a mapping, such as {{"team": '
            '"legal"}'
        )
    found: list[dict[str, Any]] = []
    for name, asked in where.items():
        if name in ("$and", "$or"):
            if isinstance(asked, (str, Mapping)) or not isinstance(asked, Sequence):
                raise InvalidInputError(f"{name} takes a list of filters, not {asked!r}")
            found.append({"all" if name == "$and" else "any": [_all(one) for one in asked]})
        elif name == "$not":
            found.append({"not": _all(asked)})
        elif not isinstance(name, str) or name.startswith("$"):
            raise InvalidInputError(
                f"a filter has no operator {name!r} here; it takes names of fields, $and, $or, $not"
            )
        elif isinstance(asked, Mapping):
            if not asked:
                raise InvalidInputError(f"the filter asks nothing of {name!r}")
            found += [_field(name, operator, value) for operator, value in asked.items()]
        else:
            found.append(_field(name, "$eq", asked))
    return found[0] if len(found) == 1 else {"all": found}


def _field(name: str, operator: str, value: Any) -> dict[str, Any]:
    if operator == "$not":
        return {"not": _all({name: value})}
    if operator in ("$ne", "$nin"):
        return {"not": _field(name, "$eq" if operator == "$ne" else "$in", value)}
    if operator in _COMPARED:
        return {"compare": [name, _COMPARED[operator], _operand(value, operator)]}
    ask = {"$eq": _equals, "$in": _in, "$contains": _contains, "$exists": _exists}.get(operator)
    if ask is None:
        raise InvalidInputError(
            f"{name} is asked for {operator!r}; the operators are {', '.join(_OPERATORS)}"
        )
    return ask(name, value)


def _equals(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, _LISTS):
        raise InvalidInputError(
            f'{name} is compared with a list; one of several is {{"$in": [...]}}, an element of '
            'a list {"$contains": ...}'
        )
    return _any_of(name, [value])


def _in(name: str, values: Any) -> dict[str, Any]:
    if not isinstance(values, _LISTS):
        raise InvalidInputError(f"$in and $nin take a list of values, not {values!r}")
    return _any_of(name, list(values))


def _contains(name: str, value: Any) -> dict[str, Any]:
    return {"contains": [name, _operand(value, "$contains", is_dated=False)]}


def _exists(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise InvalidInputError(f"$exists takes True or False, not {value!r}")
    exists = {"exists": name}
    return exists if value else {"not": exists}


def _any_of(name: str, values: list[Any]) -> dict[str, Any]:
    """Meet one of these values; None is met where the field is not there."""
    held = {"in": [name, [_operand(value, "$eq") for value in values if value is not None]]}
    if len(held["in"][1]) == len(values):
        return held
    missing = {"not": {"exists": name}}
    return {"any": [missing, held]} if held["in"][1] else missing


def _operand(value: Any, operator: str, *, is_dated: bool = True) -> dict[str, Any]:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return {"bool": value}
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
        return {"int": value}
    if isinstance(value, int) and abs(value) < 1 << 1000:
        return {"float": float(value)}
    if isinstance(value, float) and math.isfinite(value):
        return {"float": value}
    if isinstance(value, date):
        return {"time": moments.micros(moments.moment_of(value, operator))}
    if isinstance(value, str):
        if is_dated and (moment := moments.read(value)):
            return {"dated": [moments.micros(moment), value]}
        return {"text": value}
    raise InvalidInputError(
        f"{operator} cannot compare with {value!r}; it takes a string, a finite number, True or "
        "False, a date or a datetime"
    )

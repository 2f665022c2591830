"""Which models there are: the registry file of tamis, and the user's own on top of it.

A registry is a TOML file of ``[[model]]`` tables (``registry.toml`` beside this module is one);
the fields are those of the dataclasses in `tamis.models.spec`, with ``task`` and ``kind`` saying
which. A second registry, named by the environment variable ``TAMIS_MODELS``, adds models, or
replaces those of the same name. Whatever a registry says is checked here, so that the rest may
rely on it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, overload

from tamis.errors import ModelError, ModelNotFoundError
from tamis.models.spec import (
    MODEL_FILE,
    TOKENIZER_FILE,
    EncoderSpec,
    FilePin,
    FolderSource,
    ModelSpec,
    Pooling,
    RerankerSpec,
    Source,
    WheelSource,
)
from tamis.models.tables import Table

#: The environment variable that names the user's own registry.
REGISTRY_VARIABLE = "TAMIS_MODELS"

_BUILT_IN = Path(__file__).with_name("registry.toml")
_POOLINGS: Mapping[str, Pooling] = {"cls": "cls", "mean": "mean"}

SpecT = TypeVar("SpecT", bound=ModelSpec)


def registered() -> dict[str, ModelSpec]:
    """Return the known models by name, the user's own overriding those of tamis.

    Raises
    ------
    ModelError
        If a registry cannot be read, or an entry is incomplete or wrong.
    """
    specs = _read(_BUILT_IN)
    own = os.environ.get(REGISTRY_VARIABLE)
    if own:
        specs |= _read(Path(own).expanduser())
    return specs


@overload
def find(name: str) -> ModelSpec: ...
@overload
def find(name: str, kind: type[SpecT]) -> SpecT: ...
def find(name: str, kind: type[ModelSpec] = ModelSpec) -> ModelSpec:
    """Return the spec of a model.

    Parameters
    ----------
    name : str
        Its name in the registry.
    kind : type, optional
        The kind of spec it must be, such as `EncoderSpec`.

    Raises
    ------
    ModelNotFoundError
        If no model of this name and kind is registered; the message lists those that are.
    ModelError
        If a registry is wrong.
    """
    specs = registered()
    spec = specs.get(name)
    if isinstance(spec, kind):
        return spec
    wanted = "model" if kind is ModelSpec else kind.task
    problem = f"there is no {wanted} {name!r}"
    if spec is not None:
        problem = f"the task of {name!r} is {spec.task}, not {wanted}"
    known = ", ".join(sorted(each.name for each in specs.values() if isinstance(each, kind)))
    raise ModelNotFoundError(
        f"{problem}; known {wanted}s: {known}. To add one, describe it in a registry file and "
        f"set the environment variable {REGISTRY_VARIABLE} to the path of that file"
    )


def _read(path: Path) -> dict[str, ModelSpec]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"the model registry {path} cannot be read: {error}") from error
    registry = Table(values, f"the model registry {path}")
    specs: dict[str, ModelSpec] = {}
    for table in registry.take_tables("model"):
        spec = _spec(table, path.parent)
        if spec.name in specs:
            raise table.error(f"a model named {spec.name!r} stands above already")
        specs[spec.name] = spec
    registry.finish()
    return specs


def _spec(table: Table, folder: Path) -> ModelSpec:
    name = table.take_name("name")
    table.where += f" ({name})"
    files = {
        file: _pin(Table(value, f"{table.where}, file {file}"))
        for file, value in table.take_by_file("files").items()
    }
    for file in (MODEL_FILE, TOKENIZER_FILE):
        if file not in files:
            raise table.error(f"files must name {file}")
    shared: dict[str, Any] = {
        "name": name,
        "licence": table.take("licence", str),
        "max_tokens": table.take_positive("max_tokens"),
        "output": table.take("output", str),
        "files": files,
        "sources": tuple(_source(each, files, folder) for each in table.take_tables("sources")),
    }
    spec: ModelSpec
    match task := table.take("task", str):
        case "encoder":
            spec = EncoderSpec(
                **shared,
                dim=table.take_positive("dim"),
                pooling=_pooling(table),
                query_prefix=table.take("query_prefix", str, ""),
                passage_prefix=table.take("passage_prefix", str, ""),
            )
        case "reranker":
            spec = RerankerSpec(**shared)
        case _:
            raise table.error(f"task is {task!r}, it must be encoder or reranker")
    table.finish()
    return spec


def _pin(table: Table) -> FilePin:
    pin = FilePin(sha256=table.take_sha256(), size=table.take_positive("size"))
    table.finish()
    return pin


def _pooling(table: Table) -> Pooling:
    value = table.take("pooling", str)
    if value not in _POOLINGS:
        raise table.error(f"pooling is {value!r}, it must be one of {', '.join(_POOLINGS)}")
    return _POOLINGS[value]


def _source(table: Table, files: dict[str, FilePin], folder: Path) -> Source:
    source: Source
    match kind := table.take("kind", str):
        case "wheel":
            source = WheelSource(
                distribution=table.take_name("distribution"),
                version=table.take_name("version"),
                filename=table.take_name("filename"),
                sha256=table.take_sha256(),
                size=table.take_positive("size"),
                members=_members(table, files),
            )
        case "folder":
            # A relative path counts from the registry file, wherever the process runs.
            source = FolderSource(folder / Path(table.take("path", str)).expanduser())
        case _:
            raise table.error(f"kind is {kind!r}, it must be wheel or folder")
    table.finish()
    return source


def _members(table: Table, files: dict[str, FilePin]) -> dict[str, str]:
    values = table.take_by_file("members")
    if values.keys() != files.keys():
        raise table.error(
            f"members names {', '.join(sorted(values))}, it must name the model's files: "
            f"{', '.join(sorted(files))}"
        )
    members = Table(values, f"{table.where}, members")
    return {file: members.take(file, str) for file in values}

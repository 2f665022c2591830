"""The plots of the benchmarks: latency against recall, and against the number of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

#: Contestant -> (recall or number of rows, milliseconds), rising.
Series = Mapping[str, Sequence[tuple[float, float]]]

OURS = ["#b2182b", "#ef8a62", "#f4a582"]
RECALLS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 1.0]
#: What a recall of 1 is drawn as, on an axis that has no place for it.
NEAREST = 3e-4


@dataclass(frozen=True)
class Cast:
    """All who may take part: a place in it gives a contestant its colour and marker.

    Attributes
    ----------
    ours, theirs : sequence of str
        Their names.
    dashed : str
        How a series is called that is dashed; none if empty.
    """

    ours: Sequence[str]
    theirs: Sequence[str]
    dashed: str = ""


def against_recall(series: Series, cast: Cast, title: str, path: Path) -> None:
    """Plot the median latency against recall; what has one point has no parameter."""

    def shape(axes: Any) -> None:
        axes.set_xscale("function", functions=(_nines, _recall))
        axes.set(
            xlabel="recall@10", ylabel="median latency, ms", xlim=(0.8, 1.0001), xticks=RECALLS
        )
        axes.set_xticklabels([f"{recall:g}" for recall in RECALLS])
        axes.minorticks_off()

    _plot(series, cast, title, path, shape)


def against_rows(
    series: Series,
    cast: Cast,
    title: str,
    path: Path,
    xlabel: str = "vectors",
    ylabel: str = "median latency, ms",
) -> None:
    """Plot the latency against the number of rows, both on logarithmic axes."""

    def shape(axes: Any) -> None:
        axes.set(xlabel=xlabel, ylabel=ylabel, xscale="log")

    _plot(series, cast, title, path, shape)


def _nines(recall: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return -np.log10(np.maximum(1 + NEAREST - recall, 1e-6))


def _recall(nines: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1 + NEAREST - 10**-nines


def _plot(series: Series, cast: Cast, title: str, path: Path, shape: Callable[[Any], None]) -> None:
    import_module("matplotlib").use("Agg")
    pyplot: Any = import_module("matplotlib.pyplot")
    names = [*cast.ours, *cast.theirs]
    peers = pyplot.get_cmap("tab20").colors
    peers = [colour for number, colour in enumerate(peers) if number not in (2, 3, 6, 7)]
    figure, axes = pyplot.subplots(figsize=(9, 5.2), layout="constrained")
    for name in sorted(series, key=lambda name: _place(name, names)):
        place = _place(name, names)
        ours = place < len(cast.ours)
        axes.plot(
            *zip(*series[name], strict=True),
            marker="osD^vP*X"[place % 8],
            markersize=7 if ours else 5,
            linewidth=2 if ours else 1,
            linestyle="--" if place < 0 or name == cast.dashed else "-",
            color="black" if place < 0 else OURS[place] if ours else peers[place % len(peers)],
            label=name,
            zorder=3 if ours else 2,
        )
    axes.set(title=title, yscale="log")
    shape(axes)
    axes.grid(visible=True, which="both", alpha=0.25)
    axes.legend(bbox_to_anchor=(1.02, 1), loc="upper left", fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _place(name: str, names: Sequence[str]) -> int:
    """Return the place of a contestant in the list of all, whatever its target; -1 if none."""
    plain = name.partition(" >=")[0]
    return names.index(plain) if plain in names else -1

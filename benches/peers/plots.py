"""The two plots of the dense benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

#: Contestant -> (recall or number of rows, milliseconds), rising.
Series = Mapping[str, Sequence[tuple[float, float]]]


def against_recall(series: Series, title: str, path: Path) -> None:
    """Plot the median latency against recall; what has one point has no parameter."""
    _plot(series, title, path, {"xlabel": "recall@10", "yscale": "log"})


def against_rows(series: Series, title: str, path: Path) -> None:
    """Plot the median latency against the number of rows, both on logarithmic axes."""
    axes = {"xlabel": "vectors", "xscale": "log", "yscale": "log"}
    _plot(series, title, path, axes)


def _plot(series: Series, title: str, path: Path, settings: dict[str, str]) -> None:
    import_module("matplotlib").use("Agg")
    pyplot: Any = import_module("matplotlib.pyplot")
    colours = pyplot.get_cmap("tab20").colors
    figure, axes = pyplot.subplots(figsize=(9, 5.2), layout="constrained")
    for number, (name, points) in enumerate(series.items()):
        ours = name.startswith(("tamis", "read"))
        axes.plot(
            *zip(*points, strict=True),
            marker="os^Dv*"[number % 6],
            markersize=7 if ours else 5,
            linewidth=2.2 if ours else 1.1,
            linestyle="--" if name == "read" else "-",
            color="black" if name == "read" else colours[number % len(colours)],
            label=name,
            zorder=3 if ours else 2,
        )
    axes.set(title=title, ylabel="median latency, ms", **settings)
    axes.grid(visible=True, which="both", alpha=0.25)
    axes.legend(bbox_to_anchor=(1.02, 1), loc="upper left", fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)

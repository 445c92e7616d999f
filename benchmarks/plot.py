"""The plot of the report, drawn by Plotly in Chromium: no further library is needed."""

import json
from pathlib import Path
from urllib.parse import unquote

import plotly
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .browser import browser
from .measurements import MEGABYTE, Point
from .samples import Sample

SIZE = {"width": 1000, "height": 420}
# Colours of Okabe and Ito, which people with colour vision deficiency can distinguish.
PALETTE = ("#999999", "#0072B2", "#D55E00", "#009E73", "#CC79A7")


def figure(points: list[Point]) -> go.Figure:
    """Seconds and megabytes against tokens, a line for each kind; both axes logarithmic."""
    both = make_subplots(1, 2, subplot_titles=("seconds", "megabytes of additional memory"))
    for number, kind in enumerate(dict.fromkeys(point.kind for point in points)):
        of_kind = sorted((point for point in points if point.kind == kind), key=lambda point: point.tokens)
        tokens = [point.tokens for point in of_kind]
        sides = [point.seconds for point in of_kind], [point.bytes / MEGABYTE for point in of_kind]
        for column, values in enumerate(sides, start=1):
            line = go.Scatter(
                x=tokens, y=values, name=kind, mode="lines+markers", legendgroup=kind, showlegend=column == 1,
                line_color=PALETTE[number % len(PALETTE)],
            )  # fmt: skip
            both.add_trace(line, row=1, col=column)
    both.update_xaxes(type="log", title="tokens", tickvals=sorted({point.tokens for point in points}))
    both.update_yaxes(type="log", dtick=1)
    return both.update_layout(template="plotly_white", legend={"orientation": "h", "y": -0.2}, **SIZE)


def soak_figure(samples: list[Sample]) -> go.Figure:
    """Memory, threads and files of a server against minutes, each with its own axis from 0."""
    minutes = [one.seconds / 60 for one in samples]
    series = {
        "megabytes of memory, with the processes for checks": [(one.rss + one.children) / MEGABYTE for one in samples],
        "threads": [one.threads for one in samples],
        "open files": [one.files for one in samples],
        "connections": [one.metrics["headscope_connections"] for one in samples],
    }
    grid = make_subplots(2, 2, subplot_titles=list(series))
    for number, values in enumerate(series.values()):
        line = go.Scatter(x=minutes, y=values, mode="lines", line_color=PALETTE[1], showlegend=False)
        grid.add_trace(line, row=1 + number // 2, col=1 + number % 2)
    grid.update_xaxes(title="minutes", row=2)
    grid.update_yaxes(rangemode="tozero")
    return grid.update_layout(template="plotly_white", width=1000, height=520)


def draw(points: list[Point], path: Path) -> None:
    draw_figure(figure(points), path)


def draw_figure(drawing: go.Figure, path: Path) -> None:
    """Writes the SVG."""
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    with browser() as running:
        page = running.new_page()
        page.add_script_tag(path=script)
        drawn: str = page.evaluate(
            "(drawing) => Plotly.toImage(drawing, { format: 'svg' })", json.loads(drawing.to_json())
        )
    path.write_text(unquote(drawn.partition(",")[2]) + "\n")

"""A cluster's edges as a drawing: the canonical in the middle, the others around it, the less alike the further out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from dedupe.review.catalog import Catalog

WIDTH, HEIGHT = 320, 240
_NEAR, _FAR = 64.0, 106.0
_DRAWN = 32


class Node(NamedTuple):
    """Place a member in the drawing; `number` as in the table of members."""

    x: float
    y: float
    number: int
    article_id: str
    title: str
    bridge: bool
    current: bool


class Line(NamedTuple):
    """Draw an edge between two places; `bridge` where without it a member would be out."""

    x1: float
    y1: float
    x2: float
    y2: float
    words: str
    bridge: bool


class Graph(NamedTuple):
    """Hold a drawing, and how many members it leaves out."""

    nodes: list[Node]
    lines: list[Line]
    left_out: int


def draw(catalog: Catalog, rows: np.ndarray, bridges: set[int], current: int | None) -> Graph:
    """Draw the members `rows` of a cluster, its canonical first."""
    shown = rows[:_DRAWN]
    outer = len(shown) - 1
    unlike = 1 - catalog.similarity[shown].astype(float)
    scale = max(float(unlike.max()), 1e-9)
    places = {int(rows[0]): (WIDTH / 2, HEIGHT / 2)}
    for at, row in enumerate(shown[1:].tolist()):
        angle = 2 * math.pi * at / max(outer, 1) - math.pi / 2
        radius = _NEAR + (_FAR - _NEAR) * float(unlike[at + 1]) / scale
        places[row] = (WIDTH / 2 + 1.3 * radius * math.cos(angle), HEIGHT / 2 + radius * math.sin(angle))
    articles = catalog.describe(shown.tolist())
    nodes = [
        Node(*_rounded(places[row]), number, article["article_id"], _name(article), row in bridges, row == current)
        for number, (row, article) in enumerate(zip(shown.tolist(), articles, strict=True), start=1)
    ]
    lines = []
    joined = set()
    edges = catalog.edges_within(shown)
    for a, b, relation, jaccard in zip(
        catalog.a[edges].tolist(),
        catalog.b[edges].tolist(),
        catalog.edges["relation"].take(edges).to_pylist(),
        catalog.edges["jaccard"].take(edges).to_pylist(),
        strict=True,
    ):
        joined |= {a, b} if int(rows[0]) in (a, b) else set()
        bridge = (a in bridges or b in bridges) and int(rows[0]) in (a, b)
        lines.append(Line(*_rounded(places[a]), *_rounded(places[b]), f"{relation} {jaccard:.2f}", bridge))
    # An edge to the canonical that no bucket proposed was computed while clustering, and stands in no table.
    for row in set(shown[1:].tolist()) - joined:
        words = f"{catalog.relation[row]} {catalog.similarity[row]:.2f}"
        lines.append(Line(*_rounded(places[row]), *_rounded(places[int(rows[0])]), words, row in bridges))
    return Graph(nodes, lines, len(rows) - len(shown))


def _name(article: dict[str, str | None]) -> str:
    return article["title"] or article["opening"] or article["source"] or ""


def _rounded(place: tuple[float, float]) -> tuple[float, float]:
    return round(place[0], 1), round(place[1], 1)

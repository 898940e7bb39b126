"""The decoder's kernels: trigram scores, beam search over a lattice of readings, and scores of single readings in context."""

from __future__ import annotations

import numpy as np
from numba import njit

# 12 hypotheses and 6 make the same edits on all but 1 in 500 words.
BEAM = 6


@njit(cache=True, nogil=True, inline="always")
def _find(values, low, high, wanted):  # type: ignore[no-untyped-def]
    stop = high
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < stop and values[low] == wanted else -1


@njit(cache=True, nogil=True, inline="always")
def _history(before, earlier, row2, left2, back2):  # type: ignore[no-untyped-def]
    n = len(row2) - 1
    if before < n and earlier < n:
        at = _find(left2, np.int64(row2[before]), np.int64(row2[before + 1]), earlier)
        if at >= 0:
            return back2[at]
    return np.float32(0.0)


@njit(cache=True, nogil=True)
def trigram(word, before, earlier, history, prob1, back1, row2, left2, prob2, row3, left3, prob3):  # type: ignore[no-untyped-def]
    """Return the natural log-probability of `word` after `earlier before`, backing off as Katz does.

    `history` is the back-off weight of those two, which many words share. Numbers beyond the model's words have a unigram
    probability only.
    """
    n = len(row2) - 1
    if before >= n or word >= n:
        return prob1[word] + (back1[before] + history if before < n else np.float32(0.0))
    at = _find(left2, np.int64(row2[word]), np.int64(row2[word + 1]), before)
    if at < 0:
        return prob1[word] + back1[before] + history
    if earlier < n:
        full = _find(left3, np.int64(row3[at]), np.int64(row3[at + 1]), earlier)
        if full >= 0:
            return prob3[full]
    return prob2[at] + history


@njit(cache=True, nogil=True)
def decode(  # type: ignore[no-untyped-def]
    n,
    opens,
    edge_row,
    edge_end,
    edge_bias,
    word_row,
    words,
    scale,
    begin_id,
    end_id,
    prob1,
    back1,
    row2,
    left2,
    prob2,
    back2,
    row3,
    left3,
    prob3,
    path,
):
    """Write into `path[i]` the edge that the best reading takes at word `i` (-1: none starts there).

    Edges from word `i` are `edge_row[i]:edge_row[i + 1]`; each leads to `edge_end`, reads `words[word_row[e]:word_row[e + 1]]`
    and scores `scale` times their log-probability plus `edge_bias`. Beam search, hypotheses of equal history joined.
    """
    score = np.full((n + 1, BEAM), -np.inf, np.float64)
    last = np.zeros((n + 1, BEAM), np.int64)
    older = np.zeros((n + 1, BEAM), np.int64)
    came_edge = np.full((n + 1, BEAM), -1, np.int64)
    came_from = np.full((n + 1, BEAM), -1, np.int64)
    size = np.zeros(n + 1, np.int64)
    score[0, 0] = 0.0
    last[0, 0] = begin_id
    older[0, 0] = begin_id
    size[0] = 1
    for at in range(n):
        for slot in range(size[at]):
            base = score[at, slot]
            shared = _history(last[at, slot], older[at, slot], row2, left2, back2)
            for edge in range(edge_row[at], edge_row[at + 1]):
                one, two = last[at, slot], older[at, slot]
                value = 0.0
                history = shared
                for place in range(word_row[edge], word_row[edge + 1]):
                    word = words[place]
                    if place > word_row[edge]:
                        history = _history(one, two, row2, left2, back2)
                    value += trigram(word, one, two, history, prob1, back1, row2, left2, prob2, row3, left3, prob3)
                    two = one
                    one = word
                to = edge_end[edge]
                if to == n or opens[to]:
                    history = _history(one, two, row2, left2, back2)
                    value += trigram(end_id, one, two, history, prob1, back1, row2, left2, prob2, row3, left3, prob3)
                    one = begin_id
                    two = begin_id
                value = base + scale * value + edge_bias[edge]
                # equal histories are one hypothesis; a full beam loses its worst
                goal = -1
                worst = 0
                for other in range(size[to]):
                    if last[to, other] == one and older[to, other] == two:
                        goal = other
                        break
                    if score[to, other] < score[to, worst]:
                        worst = other
                if goal < 0:
                    if size[to] < BEAM:
                        goal = size[to]
                        size[to] += 1
                        score[to, goal] = -np.inf
                    else:
                        goal = worst
                        if value > score[to, goal]:
                            score[to, goal] = -np.inf
                if value > score[to, goal]:
                    score[to, goal] = value
                    last[to, goal] = one
                    older[to, goal] = two
                    came_edge[to, goal] = edge
                    came_from[to, goal] = at * BEAM + slot
    for at in range(n):
        path[at] = -1
    best = 0
    for slot in range(size[n]):
        if score[n, slot] > score[n, best]:
            best = slot
    at, slot = n, best
    while at > 0:
        edge = came_edge[at, slot]
        origin = came_from[at, slot]
        at = origin // BEAM
        slot = origin % BEAM
        path[at] = edge


@njit(cache=True, nogil=True)
def rescore(  # type: ignore[no-untyped-def]
    site_of,
    context,
    word_row,
    words,
    prob1,
    back1,
    row2,
    left2,
    prob2,
    back2,
    row3,
    left3,
    prob3,
    out,
):
    """Write the log-probability of each reading between its neighbours: two words before, two after.

    Reading `r` has the words `words[word_row[r]:word_row[r + 1]]`; its neighbours are those of site `site_of[r]`:
    `context[site] = (earlier, before, after, later)`, -1 where there is none.
    """
    for reading in range(len(site_of)):
        site = site_of[reading]
        two, one = context[site, 0], context[site, 1]
        value = 0.0
        for place in range(word_row[reading], word_row[reading + 1]):
            word = words[place]
            history = _history(one, two, row2, left2, back2)
            value += trigram(word, one, two, history, prob1, back1, row2, left2, prob2, row3, left3, prob3)
            two = one
            one = word
        for side in range(2, 4):
            word = context[site, side]
            if word < 0:
                break
            history = _history(one, two, row2, left2, back2)
            value += trigram(word, one, two, history, prob1, back1, row2, left2, prob2, row3, left3, prob3)
            two = one
            one = word
        out[reading] = value

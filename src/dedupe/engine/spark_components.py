"""Connected components of more edges than one machine should hold: large-star and small-star, in rounds of joins.

The method is that of Kiveris, Lattanzi, Mirrokni, Rastogi and Vassilvitskii, "Connected Components in MapReduce and Beyond"
(SoCC 2014): rounds grow with the square of the logarithm of the number of nodes at most, and no round has more edges than the
one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def spark_components(edges: DataFrame) -> DataFrame:
    """Return (`a`, `b`) for each node `a` of the edges that is not the lowest of its component, `b` being the lowest.

    `edges`: frame of int64 `a`, `b`; a node with no edge is none. Each round is checkpointed, in the checkpoint folder of the
    session where it has one, else on its executors, so that plans stay short.
    """
    from pyspark.sql import functions as f

    low, high = f.least("a", "b"), f.greatest("a", "b")
    edges = _kept(edges.where(f.col("a") != f.col("b")).select(high.alias("a"), low.alias("b")).distinct())
    before = None
    while True:
        edges = _kept(_small_star(_large_star(edges)))
        # These stay when the edges do, and otherwise once in 2^64.
        state = edges.agg(f.count("*"), f.bit_xor(f.xxhash64("a", "b"))).first()
        if state == before:
            return edges
        before = state


def _large_star(edges: DataFrame) -> DataFrame:
    # Every neighbour above a node is joined to the lowest of the node and its neighbours.
    from pyspark.sql import functions as f

    both = edges.union(edges.select(f.col("b").alias("a"), f.col("a").alias("b")))
    lowest = both.groupBy("a").agg(f.min("b").alias("low")).select("a", f.least("a", "low").alias("low"))
    return both.where(f.col("b") > f.col("a")).join(lowest, "a").select(f.col("b").alias("a"), f.col("low").alias("b"))


def _small_star(edges: DataFrame) -> DataFrame:
    # A node and all its neighbours below it are joined to the lowest of them.
    from pyspark.sql import functions as f

    down = edges.select(f.greatest("a", "b").alias("a"), f.least("a", "b").alias("b"))
    lowest = down.groupBy("a").agg(f.min("b").alias("low"))
    own = lowest.select("a", f.col("low").alias("b"))
    others = down.join(lowest, "a").where(f.col("b") != f.col("low")).select(f.col("b").alias("a"), f.col("low").alias("b"))
    return own.union(others).distinct()


def _kept(frame: DataFrame) -> DataFrame:
    session = frame.sparkSession
    if session.sparkContext.getCheckpointDir():
        return frame.checkpoint()
    return frame.localCheckpoint()

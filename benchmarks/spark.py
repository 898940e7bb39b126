"""What a run on Spark moves: bytes an article through each shuffle, to the driver and onto disk; time and peak memory.

Run `python -m benchmarks.spark --articles 100000`, with PySpark and Java installed. The run is `dedupe clean --engine spark` in
local mode, over the articles of `benchmarks.scale`; the figures are those of Spark's own event log, by the name of each step.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import memory
from benchmarks.scale import corpus_of

_SETTINGS = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
    "spark.taskMetrics.trackUpdatedBlockStatuses": "true",
}


@dataclass
class Step:
    """Add up what the tasks of one step did: seconds of tasks, and bytes."""

    task_seconds: float = 0.0
    shuffled: int = 0
    to_driver: int = 0
    kept: int = 0
    tasks: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Seconds by the clock in which some job of the step ran."""
        total = end = 0
        for start, stop in sorted(self.spans):
            total += max(0, stop - max(start, end))
            end = max(end, stop)
        return total / 1000


def steps(events: Iterable[str]) -> dict[str, Step]:
    """Add up an event log of Spark by the description of its jobs."""
    found: dict[str, Step] = defaultdict(Step)
    name_of: dict[int, str] = {}
    started: dict[int, tuple[str, int]] = {}
    for line in events:
        event = json.loads(line)
        kind = event["Event"]
        if kind == "SparkListenerJobStart":
            name = event["Properties"].get("spark.job.description", "other").removeprefix("dedupe: ")
            started[event["Job ID"]] = name, event["Submission Time"]
            for stage in event["Stage IDs"]:
                name_of.setdefault(stage, name)
        elif kind == "SparkListenerJobEnd":
            name, start = started[event["Job ID"]]
            found[name].spans.append((start, event["Completion Time"]))
        elif kind == "SparkListenerTaskEnd" and event.get("Task Metrics"):
            _add(found[name_of[event["Stage ID"]]], event["Task Metrics"])
    return dict(found)


def _add(step: Step, metrics: dict[str, Any]) -> None:
    step.tasks += 1
    step.task_seconds += metrics["Executor Run Time"] / 1000
    step.shuffled += metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]
    step.to_driver += metrics["Result Size"]
    for block in metrics.get("Updated Blocks", ()):
        if block["Block ID"].startswith("rdd_"):
            step.kept += block["Status"]["Disk Size"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where corpora are made and kept for the next time, as by benchmarks.scale")
    parser.add_argument("--workers", type=int, default=2, help="cores of the local session")
    parser.add_argument("--driver-memory", default="2g")
    parser.add_argument("--memory", action="store_true", help="sample the peak memory too, which slows the run")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dedupe-spark-") as folder:
        log = Path(folder) / "log"
        log.mkdir()
        corpus = corpus_of(given.folder or Path(folder), given.articles, given.seed)
        settings = _SETTINGS | {"spark.eventLog.dir": log.as_uri(), "spark.driver.memory": given.driver_memory}
        submit = [f"--conf {name}={value}" for name, value in settings.items()]
        command = [sys.executable, "-m", "dedupe", "clean", str(corpus), "-o", f"{folder}/output", "--engine", "spark", "--json"]
        done = memory.run(
            [*command, "--workers", str(given.workers)],
            env=os.environ | {"PYSPARK_SUBMIT_ARGS": " ".join([*submit, "pyspark-shell"])},
            sample=given.memory,
        )
        if done.status:
            sys.exit(f"dedupe clean --engine spark: {done.stderr[-2000:]}")
        summary = json.loads(done.stdout)
        (events,) = (path for path in log.iterdir() if path.is_file())
        with open(events, encoding="utf-8") as lines:
            found = steps(lines)
        bytes_in = corpus.stat().st_size
    n = summary["articles"]
    facts = {
        "articles": n, "bytes an article": round(bytes_in / n), "seconds": round(done.seconds, 1),
        "peak memory of all processes": done.peak, "timings": summary["timings"], "candidates": summary["candidates"],
        "edges": summary["edges"],
    }  # fmt: skip
    if given.json:
        print(json.dumps(facts | {"steps": {name: asdict(step) | {"seconds": step.seconds} for name, step in found.items()}}))
        return
    peak = f", peak {done.peak / 2**30:.1f} GB of all processes" if given.memory else ""
    print(f"{n:,} articles of {bytes_in / n:,.0f} bytes: {done.seconds:,.0f} s{peak}")
    print(", ".join(f"{stage} {seconds:,.0f} s" for stage, seconds in summary["timings"].items()))
    print(f"{'step':<30} {'s':>8} {'task s':>8} {'shuffled B':>11} {'to driver B':>12} {'on disk B':>10}   (bytes an article)")
    for name, step in found.items():
        shuffled, brought, kept = (count / n for count in (step.shuffled, step.to_driver, step.kept))
        print(f"{name:<30} {step.seconds:>8,.1f} {step.task_seconds:>8,.1f} {shuffled:>11,.0f} {brought:>12,.0f} {kept:>10,.0f}")


if __name__ == "__main__":
    main()

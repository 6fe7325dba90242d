"""Reads a labelled set with this project's service, and with peers beside it: `make bench DATA=FOLDER [PEERS=1]`."""

import argparse
import contextlib
import datetime
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

import click
import psutil
import stack
from PIL import Image, ImageDraw

from bench import dataset, report
from bench.engines import PEERS, Engine, Peer, ReadingError, Service
from bench.score import page_counts
from bench.usage import Meter, folder_bytes


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("data", type=Path, help="folder with pages.jsonl (see tests/data/README.md)")
    parser.add_argument("--peers", default="", help=f"read the pages with these too: all, or some of {','.join(PEERS)}")
    parser.add_argument("--json", type=Path, help="file that keeps all numbers and texts")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="also list the N worst pages of the service")
    arguments = parser.parse_args()
    arguments.peers = list(PEERS) if arguments.peers == "all" else [name for name in arguments.peers.split(",") if name]
    if unknown := set(arguments.peers) - set(PEERS):
        parser.error(f"unknown peers: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    return arguments


def main() -> None:
    """Measures, prints the tables, keeps the numbers."""
    arguments = parse_arguments()
    try:
        pages = dataset.load(arguments.data)
    except dataset.DatasetError as error:
        sys.exit(str(error))
    machine = describe_machine()
    with contextlib.ExitStack() as cleanup:
        running = cleanup.enter_context(stack.running())
        engines: list[Engine] = [Service(running), *map(Peer, arguments.peers)]
        for engine in engines:
            cleanup.callback(engine.close)
        health = running.health()
        runs = measure(engines, pages)
    print(f"{len(pages)} pages of {arguments.data}; {machine['text']}\n")
    print(report.render(runs))
    if arguments.worst:
        print("\n" + report.worst_pages(runs[0], arguments.worst))
    if arguments.json:
        facts = {"machine": machine, "health": health, "engines": {run.name: run.facts() for run in runs}}
        facts["comparison"] = {peer.name: report.compare(runs[0], peer) for peer in runs[1:]}
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")


def measure(engines: list[Engine], pages: list[dataset.LabelledPage]) -> list[report.EngineRun]:
    """Every engine reads every page. They take turns, so that a busy spell of the machine strikes all of them alike."""
    runs = [
        report.EngineRun(engine.name, engine.model_bytes, engine.environment and folder_bytes(engine.environment))
        for engine in engines
    ]
    warm_up(engines)
    with click.progressbar(pages, label="pages", file=sys.stderr) as shown:
        for number, page in enumerate(shown):
            for turn in range(len(engines)):
                chosen = (number + turn) % len(engines)  # each is first equally often: no cache knows the picture then
                runs[chosen].readings.append(read(engines[chosen], page))
    return runs


def read(engine: Engine, page: dataset.LabelledPage) -> report.Reading:
    """One page by one engine, measured and scored."""
    lines, failure = [], None
    with Meter(engine.processes) as meter:
        try:
            lines = engine.read(page.path)
        except ReadingError as error:
            failure = str(error)
    counts = page_counts(page.lines, lines, partial=page.partial)
    return report.Reading(
        page, lines, counts, meter.cpu_s, meter.wall_s, meter.peak_pss_bytes, meter.peak_rss_bytes, failure
    )


def warm_up(engines: list[Engine]) -> None:
    """One page that is in no set: models load at the first page, which is the start's cost and not a page's."""
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        picture = Image.new("RGB", (640, 480), "white")
        ImageDraw.Draw(picture).text((40, 40), "warm up 2026", fill="black", font_size=40)
        picture.save(file.name)
        for engine in engines:
            engine.read(Path(file.name))


def describe_machine() -> dict:
    """What the numbers depend on: processor, cores, memory, versions, load, date."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))]
    facts = {
        "date": datetime.date.today().isoformat(),
        "processor": names[-1] if names else platform.machine(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_at_start": os.getloadavg()[0],
        "python": platform.python_version(),
    }
    facts["text"] = (
        "{date}, {processor} ({architecture}), {cores} cores, Python {python}, load {load_at_start:.1f}".format(**facts)
    )
    return facts


if __name__ == "__main__":
    main()

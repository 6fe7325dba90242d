"""Turns readings into numbers and tables."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from bench.dataset import LabelledPage
from bench.score import Counts, Wording, in_order, page_wording

RESAMPLES = 5000
MEGABYTE = 10**6


@dataclass(frozen=True)
class Reading:
    """What one engine made of one page. `failure` is what it said instead of an answer; the lines are empty then."""

    page: LabelledPage
    lines: list[str]
    counts: Counts
    cpu_s: float
    wall_s: float
    peak_pss_bytes: int
    peak_rss_bytes: int
    failure: str | None = None


@dataclass
class EngineRun:
    """All that was measured of one engine, pages in the order of the set."""

    name: str
    model_bytes: int
    environment_bytes: int | None
    readings: list[Reading] = field(default_factory=list)

    def total(self, category: str | None = None) -> Counts:
        """The counts of all pages, or of those of one category, added up."""
        return sum((r.counts for r in self.readings if category in (None, r.page.category)), Counts())

    def disorder(self) -> float:
        """Errors in the text of whole pages in reading order / characters."""
        pages = [in_order(r.page.lines, r.lines, partial=r.page.partial) for r in self.readings]
        return sum(errors for errors, _ in pages) / max(sum(characters for _, characters in pages), 1)

    def wording(self) -> Wording:
        """Spaces and case of all pages."""
        return sum((page_wording(r.page.lines, r.lines) for r in self.readings), Wording())

    def timed(self) -> list[Reading]:
        """The readings that gave an answer: a refusal is quick, so it would flatter the times."""
        return [reading for reading in self.readings if not reading.failure]

    def facts(self) -> dict:
        """Everything as plain numbers: shares 0 to 1, seconds, bytes."""
        categories = sorted({reading.page.category for reading in self.readings})
        return {
            "cer_in_order": self.disorder(),
            "accuracy": {"all": _accuracy(self.total()), **{c: _accuracy(self.total(c)) for c in categories}},
            "wording": vars(self.wording()),
            "cpu_s": _spread([reading.cpu_s for reading in self.timed()]),
            "wall_s": _spread([reading.wall_s for reading in self.timed()]),
            "peak_pss_bytes": max(reading.peak_pss_bytes for reading in self.readings),
            "peak_rss_bytes": max(reading.peak_rss_bytes for reading in self.readings),
            "model_bytes": self.model_bytes,
            "environment_bytes": self.environment_bytes,
            "failures": {reading.page.name: reading.failure for reading in self.readings if reading.failure},
            "pages": [_page_facts(reading) for reading in self.readings],
        }


def _accuracy(counts: Counts) -> dict:
    return {
        "f1": counts.f1,
        "cer": counts.cer,
        "exact_lines": counts.exact_share,
        "lines": counts.lines,
        "characters": counts.characters,
    }


def _page_facts(reading: Reading) -> dict:
    return {
        "file": reading.page.name,
        "lines": reading.lines,
        "errors": reading.counts.errors,
        "cpu_s": round(reading.cpu_s, 3),
        "wall_s": round(reading.wall_s, 4),
        "peak_pss_bytes": reading.peak_pss_bytes,
        "peak_rss_bytes": reading.peak_rss_bytes,
    }


def _spread(seconds: list[float]) -> dict:
    """Median, mean and 95th percentile (the value that at most 5 % lie above)."""
    if not seconds:
        return {"median": None, "mean": None, "p95": None, "pages": 0}
    return {
        "median": statistics.median(seconds),
        "mean": statistics.fmean(seconds),
        "p95": float(np.quantile(seconds, 0.95, method="higher")),
        "pages": len(seconds),
    }


def compare(ours: EngineRun, peer: EngineRun) -> dict:
    """Ours against a peer on the same pages: difference of F1 and of exact lines, ratio of CPU seconds.

    Each with a 95 % interval from a paired bootstrap over pages: what another draw of such pages would have given.
    CPU covers only pages that both answered.
    """
    both = [(a, b) for a, b in zip(ours.readings, peer.readings, strict=True)]
    answered = np.array([not (a.failure or b.failure) for a, b in both])
    counts = np.array([[a.counts.as_tuple(), b.counts.as_tuple()] for a, b in both])  # (pages, 2, 6)
    cpu = np.array([[a.cpu_s, b.cpu_s] for a, b in both]) * answered[:, None]  # (pages, 2)
    picks = np.random.default_rng(0).integers(0, len(both), (RESAMPLES, len(both)))
    draws = np.vstack([np.arange(len(both)), picks])  # the set itself first, then what might have been drawn
    totals = [[Counts(*engine) for engine in draw] for draw in counts[draws].sum(axis=1).tolist()]
    seconds = cpu[draws].sum(axis=1)
    return {
        "f1_difference": _interval([a.f1 - b.f1 for a, b in totals]),
        "exact_lines_difference": _interval([a.exact_share - b.exact_share for a, b in totals]),
        "cpu_ratio": _interval(seconds[:, 0] / np.maximum(seconds[:, 1], 1e-9)),
    }


def _interval(values: Iterable[float]) -> dict:
    """The first value, with the middle 95 % of the others."""
    value, *others = values
    low, high = np.quantile(others, (0.025, 0.975))
    return {"value": float(value), "low": float(low), "high": float(high)}


def render(runs: list[EngineRun]) -> str:
    """The report as Markdown tables: engines, categories, and ours against every peer."""
    parts = [_engines_table(runs), _categories_table(runs)]
    if len(runs) > 1:
        parts.append(_comparison_table(runs[0], runs[1:]))
    failures = [f"- {run.name}: {r.page.name}: {r.failure}" for run in runs for r in run.readings if r.failure]
    if failures:
        parts.append("\n".join(["Failures (scored as empty, left out of the times):", *failures]))
    return "\n\n".join(parts)


def worst_pages(run: EngineRun, count: int) -> str:
    """The pages where most characters were lost, with the text that was read."""
    rows = []
    for reading in sorted(run.readings, key=lambda r: -r.counts.errors)[:count]:
        c = reading.counts
        rows.append(
            f"{reading.page.name} ({reading.page.category}): {c.substituted} wrong, {c.deleted} missing, "
            f"{c.inserted} extra of {c.characters} characters\n"
            f"  truth: {' | '.join(reading.page.lines)}\n  read:  {' | '.join(reading.lines)}"
        )
    return "\n".join(rows)


def _engines_table(runs: list[EngineRun]) -> str:
    columns = [
        "engine", "F1 %", "CER %", "exact lines %", "CER in order %", "spaces F1 %", "case %",
        "CPU s/page median / mean / p95", "wall s/page median / mean / p95",
        "peak PSS MB", "peak RSS MB", "models MB", "environment MB", "failed",
    ]  # fmt: skip
    rows = []
    for run in runs:
        facts, total, wording = run.facts(), run.total(), run.wording()
        rows.append([
            run.name, _percent(total.f1), _percent(total.cer), _percent(total.exact_share), _percent(run.disorder()),
            _percent(wording.space_f1), _percent(wording.case_share),
            _seconds(facts["cpu_s"]), _seconds(facts["wall_s"]),
            _megabytes(facts["peak_pss_bytes"], 0), _megabytes(facts["peak_rss_bytes"], 0),
            _megabytes(run.model_bytes, 1), _megabytes(run.environment_bytes, 0), str(len(facts["failures"])),
        ])  # fmt: skip
    return table(columns, rows)


def _categories_table(runs: list[EngineRun]) -> str:
    readings = runs[0].readings
    columns = ["category", "pages", "lines", *(f"{run.name} F1 / CER / exact lines %" for run in runs)]
    rows = []
    for category in [*sorted({r.page.category for r in readings}), None]:
        totals = [run.total(category) for run in runs]
        rows.append([
            category or "all", str(sum(category in (None, r.page.category) for r in readings)), str(totals[0].lines),
            *(f"{_percent(t.f1)} / {_percent(t.cer)} / {_percent(t.exact_share)}" for t in totals),
        ])  # fmt: skip
    return table(columns, rows)


def _comparison_table(ours: EngineRun, peers: list[EngineRun]) -> str:
    columns = [f"{ours.name} against", "F1, points", "exact lines, points", "CPU seconds, ratio"]
    rows = []
    for peer in peers:
        result = compare(ours, peer)
        points = [
            "{:+.1f} ({:+.1f} to {:+.1f})".format(*(100 * value for value in result[key].values()))
            for key in ("f1_difference", "exact_lines_difference")
        ]
        rows.append([peer.name, *points, "{value:.2f} ({low:.2f} to {high:.2f})".format(**result["cpu_ratio"])])
    return table(columns, rows)


def table(columns: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [columns, ["---"] * len(columns), *rows])


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def _seconds(spread: dict) -> str:
    values = (spread[key] for key in ("median", "mean", "p95"))
    return " / ".join("–" if value is None else f"{value:.2f}" for value in values)


def _megabytes(size: int | None, digits: int) -> str:
    return "–" if size is None else f"{size / MEGABYTE:.{digits}f}"

"""The benchmark's summary of readings, against values worked out by hand."""

import json
from pathlib import Path

import pytest
from bench.dataset import DatasetError, LabelledPage, load
from bench.report import EngineRun, Reading, compare, render
from bench.score import page_counts


def reading(category, truth, output, *, cpu_s=1.0, failure=None):
    page = LabelledPage(f"{category}.png", Path(f"{category}.png"), category, truth, partial=False)
    return Reading(page, output, page_counts(truth, output), cpu_s, cpu_s / 2, 100_000_000, 120_000_000, failure)


def engine_run(name, readings):
    return EngineRun(name, model_bytes=6_000_000, environment_bytes=None, readings=readings)


def test_a_failed_page_counts_as_empty_and_stays_out_of_the_times():
    run = engine_run("ziyan", [
        reading("sign", ["公园"], ["公园"], cpu_s=2.0),
        reading("note", ["会议"], [], cpu_s=0.01, failure="status 503: busy"),
    ])  # fmt: skip
    facts = run.facts()
    assert facts["accuracy"]["all"]["exact_lines"] == 0.5
    assert facts["accuracy"]["note"]["cer"] == 1
    assert facts["cpu_s"] == {"median": 2.0, "mean": 2.0, "p95": 2.0, "pages": 1}
    assert facts["failures"] == {"note.png": "status 503: busy"}
    assert "ziyan: note.png: status 503: busy" in render([run])


def test_the_95th_percentile_is_a_page_that_was_measured():
    run = engine_run("ziyan", [reading("sign", ["公园"], ["公园"], cpu_s=float(n)) for n in range(1, 41)])
    assert run.facts()["cpu_s"] == {"median": 20.5, "mean": 20.5, "p95": 39.0, "pages": 40}


def test_compares_page_by_page():
    # Ours is right on both pages, the peer on one of them; ours costs half on every page, so any draw says 0.5.
    ours = engine_run("ziyan", [reading("a", ["公园"], ["公园"]), reading("b", ["会议"], ["会议"], cpu_s=3)])
    peer = engine_run("peer", [reading("a", ["公园"], ["公园"], cpu_s=2), reading("b", ["会议"], [], cpu_s=6)])
    result = compare(ours, peer)
    assert result["cpu_ratio"] == pytest.approx({"value": 0.5, "low": 0.5, "high": 0.5})
    assert result["exact_lines_difference"] == pytest.approx({"value": 0.5, "low": 0.0, "high": 1.0})
    assert result["f1_difference"]["value"] == pytest.approx(1 - 4 / 6)


def test_loads_the_sample_set():
    pages = load(Path(__file__).parents[1] / "data")
    assert {page.category for page in pages} >= {"screenshot", "receipt", "printed", "mixed", "english"}
    assert all(page.lines for page in pages)


def test_rejects_a_picture_that_is_not_the_labelled_one(tmp_path):
    (tmp_path / "a.png").write_bytes(b"other")
    record = {"file": "a.png", "category": "sign", "lines": ["公园"], "sha256": "0" * 64}
    (tmp_path / "pages.jsonl").write_text(json.dumps(record))
    with pytest.raises(DatasetError, match=r"a\.png: not the file that was labelled"):
        load(tmp_path)


def test_names_the_line_that_is_wrong(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    good = json.dumps({"file": "a.png", "category": "sign", "lines": []})
    (tmp_path / "pages.jsonl").write_text(f"{good}\n\n{{\"file\": \"a.png\"}}\n")
    with pytest.raises(DatasetError, match=r"pages\.jsonl, line 3: KeyError: 'category'"):
        load(tmp_path)

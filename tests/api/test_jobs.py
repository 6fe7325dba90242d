"""Jobs as clients use them: documents in, progress, results, and every way in which a document can be bad."""

import io
import re
import shutil
import subprocess
import threading
import time
import zipfile
from pathlib import Path

import made_pdf
import pytest
import requests
import stack
from PIL import Image, ImageDraw

PAGES = Path(__file__).parents[1] / "data" / "pages"
PICTURE = PAGES / "terminal.png"


def numbered(number):
    """A picture that says which page it is."""
    picture = Image.new("RGB", (500, 120), "white")
    ImageDraw.Draw(picture).text((30, 30), f"Page number {number}", font_size=50, fill="black")
    return picture


def numbered_pdf(count):
    first, *others = (numbered(i) for i in range(1, count + 1))
    file = io.BytesIO()
    first.save(file, "PDF", save_all=True, append_images=others, resolution=150)
    return file.getvalue()


def numbered_tiff(count):
    first, *others = (numbered(i) for i in range(1, count + 1))
    file = io.BytesIO()
    first.save(file, "TIFF", save_all=True, append_images=others)
    return file.getvalue()


def zipped(files, **options):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data, **options)
    return file.getvalue()


def png(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def numbers(pages):
    """The numbers that the pages show."""
    return [int(match[1]) for page in pages if (match := re.search(r"(\d+)$", " ".join(page["text"])))]


DOCUMENTS = {
    "a PDF": ("scan.pdf", numbered_pdf(3)),
    "a TIFF of many pages": ("scan.tiff", numbered_tiff(3)),
    "a zip": ("scan.zip", zipped({"10.png": png(numbered(3)), "2.png": png(numbered(2)), "1.png": png(numbered(1)),
                                  "a/": b"", "__MACOSX/._1.png": b"x", ".DS_Store": b"x"})),
}  # fmt: skip


@pytest.mark.parametrize("document_", DOCUMENTS.values(), ids=DOCUMENTS)
def test_reads_every_page_in_order(jobs, check, document_):
    answer = jobs.post(document_)
    assert answer.status_code == 202
    check("JobLinks", answer.json())
    job_id = answer.json()["id"]
    assert answer.headers["Location"] == answer.json()["url"] == f"/api/jobs/{job_id}"
    job = jobs.wait(job_id)
    check("Job", job)
    assert (job["state"], job["pages"], job["pages_done"], job["error"]) == ("done", 3, 3, None)
    assert job["files"] == [document_[0]]
    pages = jobs.result(job_id)
    for page in pages:
        check("JobPage", page)
    assert [page["page"] for page in pages] == [page["file_page"] for page in pages] == [1, 2, 3]
    assert numbers(pages) == [1, 2, 3]


def test_reads_many_files_as_one_job(jobs):
    files = [("one.png", png(numbered(1))), DOCUMENTS["a PDF"], ("two.png", png(numbered(2)))]
    job_id = jobs.send(*files)
    assert jobs.wait(job_id)["state"] == "done"
    pages = jobs.result(job_id)
    assert [(page["file"], page["file_page"]) for page in pages] == [
        ("one.png", 1), ("scan.pdf", 1), ("scan.pdf", 2), ("scan.pdf", 3), ("two.png", 1),
    ]  # fmt: skip
    assert numbers(pages) == [1, 1, 2, 3, 2]


def test_a_picture_gives_the_same_lines_as_api_ocr(service, jobs):
    job_id = jobs.send(("terminal.png", PICTURE.read_bytes()))
    jobs.wait(job_id)
    (page,) = jobs.result(job_id)
    single = requests.post(f"{service.url}/api/ocr", files={"image": PICTURE.read_bytes()}, timeout=60).json()
    assert page["lines"] == single["lines"]
    assert page["text"] == single["text"]


def centre(box):
    return [sum(values) / 4 for values in zip(*box, strict=True)]


TEXT = "This page carries its own text already"


def test_takes_the_text_that_a_pdf_carries_unless_it_is_forced_to_read(jobs, check):
    data = made_pdf.pdf([made_pdf.text((TEXT, 72, 700), ("in two lines", 72, 650), size_pt=20)])
    taken, read = (jobs.send(("text.pdf", data), force=force) for force in ("false", "true"))
    assert [jobs.wait(job_id)["pages_from_text"] for job_id in (taken, read)] == [1, 0]
    (from_text,), (from_picture,) = jobs.result(taken), jobs.result(read)
    check("JobPage", from_text)
    assert from_text["source"] == "text"
    assert from_picture["source"] == "read"
    assert from_text["text"] == from_picture["text"] == [TEXT, "in two lines"]
    for one, other in zip(from_text["lines"], from_picture["lines"], strict=True):
        assert centre(one["box"]) == pytest.approx(centre(other["box"]), abs=15)


def test_gives_the_result_in_every_format(jobs):
    job_id = jobs.send(DOCUMENTS["a PDF"])
    jobs.wait(job_id)
    answers = {form: jobs.get(job_id, "/result", format=form) for form in ("json", "txt", "csv", "hocr", "pdf")}
    assert {answer.status_code for answer in answers.values()} == {200}
    assert answers["txt"].text.split("\f")[2].strip() == "Page number 3"
    assert answers["csv"].text.count("Page number") == 3
    assert answers["hocr"].text.count('class="ocr_page"') == 3
    for form in ("txt", "csv", "hocr", "pdf"):
        assert f"scan.{form}" in answers[form].headers["Content-Disposition"]
    refused = jobs.get(job_id, "/result", format="docx")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "unknown_format")


def test_the_searchable_pdf_keeps_the_size_of_its_pages(jobs, tmp_path):
    job_id = jobs.send(DOCUMENTS["a PDF"])
    jobs.wait(job_id)
    (tmp_path / "result.pdf").write_bytes(jobs.get(job_id, "/result", format="pdf").content)

    def ask(*command):
        try:
            return subprocess.run([*command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        except FileNotFoundError:
            return pytest.skip("poppler-utils is not installed: apt-get install poppler-utils")

    assert "Page number 2" in ask("pdftotext", "-f", "2", "-l", "2", "result.pdf", "-")
    width, height = re.search(r"Page size: +([\d.]+) x ([\d.]+) pts", ask("pdfinfo", "result.pdf")).groups()
    assert float(width) == pytest.approx(500 / 150 * 72, rel=0.01)
    assert float(height) == pytest.approx(120 / 150 * 72, rel=0.01)


def test_the_searchable_pdf_of_a_pdf_has_its_own_pages_and_that_of_pictures_has_theirs(jobs):
    data = numbered_pdf(3)
    sent, mixed = jobs.send(("scan.pdf", data)), jobs.send(("scan.pdf", data), ("two.png", png(numbered(4))))
    for job_id in (sent, mixed):
        jobs.wait(job_id)
    own, drawn = (jobs.get(job_id, "/result", format="pdf").content for job_id in (sent, mixed))
    pictures = re.compile(rb"/Width (\d+)")
    assert len(own) < len(data) + 10_000
    assert sorted(pictures.findall(own)) == sorted(pictures.findall(data)), "the very pictures that were sent"
    assert drawn.count(b"/Type /Page ") == 4


def test_a_result_keeps_the_name_of_its_document(jobs):
    job_id = jobs.send(("扫描 1.png", png(numbered(1))))
    jobs.wait(job_id)
    header = jobs.get(job_id, "/result", format="txt").headers["Content-Disposition"]
    assert "filename*=UTF-8''%E6%89%AB%E6%8F%8F%201.txt" in header


def test_shows_a_page_and_its_picture_as_soon_as_it_is_done(jobs, check):
    job_id = jobs.send(("many.pdf", numbered_pdf(6)))
    jobs.wait(job_id, until=lambda job: job["pages_done"] >= 1)
    page = jobs.get(job_id, "/pages/1").json()
    check("JobPage", page)
    assert page["text"] == ["Page number 1"]
    picture = jobs.get(job_id, "/pages/1/picture")
    assert picture.headers["Content-Type"] == "image/jpeg"
    with Image.open(io.BytesIO(picture.content)) as opened:
        assert opened.width / opened.height == pytest.approx(page["width"] / page["height"], rel=0.02)
    for path in ("/pages/7", "/pages/0/picture", "/pages/99999999999"):
        assert jobs.get(job_id, path).json()["error"]["code"] == "page_unknown"
    jobs.wait(job_id)


def test_a_corrected_page_is_in_every_result(jobs, check, tmp_path):
    job_id = jobs.send(("two.pdf", numbered_pdf(2)))
    jobs.wait(job_id)
    answer = jobs.put(job_id, "/pages/2", {"lines": ["Page number two"]})
    check("JobPage", answer.json())
    assert answer.json()["text"] == ["Page number two"]
    assert jobs.get(job_id, "/result", format="txt").text.split("\f") == ["Page number 1\n", "Page number two\n"]
    assert "Page number two" in jobs.get(job_id, "/result", format="csv").text
    (tmp_path / "result.pdf").write_bytes(jobs.get(job_id, "/result", format="pdf").content)
    if not shutil.which("pdftotext"):
        pytest.skip("poppler-utils is not installed: apt-get install poppler-utils")
    told = subprocess.run(["pdftotext", "result.pdf", "-"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout.replace("\f", "").split("\n\n")[:2] == ["Page number 1", "Page number two"]


WRONG_LINES = ("text", [1], ["a", "b"], ["x" * 2001])


@pytest.mark.parametrize("given", [{}, [], *({"lines": lines} for lines in WRONG_LINES)])
def test_refuses_corrections_that_do_not_fit_the_page(jobs, given):
    job_id = jobs.send(("one.png", png(numbered(1))))
    jobs.wait(job_id)
    answer = jobs.put(job_id, "/pages/1", given)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "lines_invalid")
    assert jobs.put(job_id, "/pages/2", {"lines": []}).json()["error"]["code"] == "page_unknown"
    assert jobs.get(job_id, "/pages/1").json()["text"] == ["Page number 1"]


def test_tells_true_progress(jobs):
    first = jobs.send(("many.pdf", numbered_pdf(5)))
    second = jobs.send(("one.png", png(numbered(9))))
    told, places = [], set()
    while (job := jobs.state(first))["state"] not in ("done", "failed"):
        told.append(job)
        places.add(jobs.state(second)["queue_position"])
    done = [job["pages_done"] for job in told]
    assert done == sorted(done)
    assert {job["state"] for job in told} >= {"running"}
    assert {job["stage"] for job in told} & {"draw", "decode", "detect", "recognize"}
    assert all(job["estimate_s"] > 0 for job in told if job["pages_done"] < 5)
    assert 1 in places
    assert jobs.wait(second)["queue_position"] is None


# --- what is refused at once ------------------------------------------------------------------------------------------

REFUSED = {
    "an unknown option": ([("a.pdf", b"%PDF-")], {"colour": "1"}, 400, "unknown_option"),
    "an option out of range": ([("a.pdf", b"%PDF-")], {"min_score": "2"}, 400, "option_invalid"),
    "force that is neither": ([("a.pdf", b"%PDF-")], {"force": "maybe"}, 400, "option_invalid"),
    "an empty file": ([("a.pdf", b"")], {}, 422, "file_empty"),
    "text as .pdf": ([("a.pdf", b"hello, this is text")], {}, 415, "unsupported_format"),
    "one bad file among good ones": ([DOCUMENTS["a PDF"], ("a.txt", b"hello")], {}, 415, "unsupported_format"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_at_once(jobs, case):
    files, fields, status, code = REFUSED[case]
    answer = jobs.post(*files, **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("name", ["image", "files"])
def test_refuses_a_file_under_another_name(service, name):
    answer = requests.post(f"{service.url}/api/jobs", files={name: b"%PDF-"}, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "file_missing")


@pytest.mark.parametrize("kind", ["application/json", "application/pdf"])
def test_refuses_a_body_that_is_no_form(service, kind):
    answer = requests.post(f"{service.url}/api/jobs", timeout=10, data=b"%PDF-", headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_content_type")


# --- what turns out to be bad -----------------------------------------------------------------------------------------

BAD = {
    "an encrypted PDF": ("a.pdf", made_pdf.encrypted(), "document_encrypted"),
    "a PDF of 10,000 pages": ("a.pdf", made_pdf.pdf([""] * 10_000), "document_too_many_pages"),
    "a PDF that is cut off": ("a.pdf", numbered_pdf(2)[:300], "document_damaged"),
    "a TIFF that is cut off": ("a.tif", numbered_tiff(1)[:9], "image_damaged"),
    "a TIFF without pixels": ("a.tif", b"II*\0\x08\0\0\0" + bytes(30), "image_damaged"),
    "a zip that is cut off": ("a.zip", zipped({"a.png": png(numbered(1))})[:200], "document_damaged"),
    "a zip that climbs": ("a.zip", zipped({"../../etc/a.png": png(numbered(1))}), "zip_unsafe_name"),
    "a zip with a drive": ("a.zip", zipped({"C:\\a.png": png(numbered(1))}), "zip_unsafe_name"),
    "a zip bomb": ("a.zip", zipped({f"{i}.png": bytes(14 << 20) for i in range(50)}), "zip_too_large"),
    "a zip of 501 pictures": ("a.zip", zipped({f"{i}.png": b"x" for i in range(501)}), "document_too_many_pages"),
    "a zip of 30,000 files": ("a.zip", zipped({f"{i}": b"" for i in range(30_000)}), "zip_too_large"),
    "an empty zip": ("a.zip", zipped({}), "document_empty"),
    "a zip of text": ("a.zip", zipped({"a.txt": b"hello"}), "unsupported_format"),
}


@pytest.mark.parametrize("case", BAD)
def test_fails_and_says_why(jobs, check, case):
    name, data, code = BAD[case]
    job_id = jobs.send((name, data))
    job = jobs.wait(job_id)
    check("Job", job)
    assert (job["state"], job["error"]["code"]) == ("failed", code)
    assert re.search("[\u4e00-\u9fff].*[a-z]{3,} [a-z]+", job["error"]["message"]), "in Chinese and in English"
    refused = jobs.get(job_id, "/result")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "job_failed")


def test_a_bad_page_says_so_and_the_others_are_read(jobs, check):
    good, cut_off = png(numbered(4)), png(numbered(2))[:90]
    data = zipped({"1.png": good, "2.png": cut_off, "3.txt": b"hello", "4.png": good})
    job_id = jobs.send(("mixed.zip", data))
    job = jobs.wait(job_id)
    assert (job["state"], job["pages_done"], job["pages_failed"]) == ("done", 4, 2)
    pages = jobs.result(job_id)
    for page in pages:
        check("JobPage", page)
    codes = [page["error"] and page["error"]["code"] for page in pages]
    assert codes == [None, "image_damaged", "unsupported_format", None]
    assert [page["picture_name"] for page in pages] == ["1.png", "2.png", "3.txt", "4.png"]
    text = jobs.get(job_id, "/result", format="txt").text.split("\f")
    assert "damaged" in text[1], "a failure is not taken for an empty page"
    assert text[3].strip() == "Page number 4"
    assert jobs.get(job_id, "/result", format="pdf").content.count(b"/Type /Page ") == 4


def test_names_of_files_are_for_people_and_never_paths(jobs):
    job_id = jobs.send(("../../../etc/扫描 件.png", png(numbered(1))))
    assert jobs.wait(job_id)["files"] == ["扫描 件.png"]


def test_knows_nothing_of_a_job_that_is_not_there(jobs):
    for name in ("0" * 30, "nothing", "..%2f..%2fetc"):
        for answer in (jobs.get(name), jobs.get(name, "/result"), jobs.get(name, "/pages/1"), jobs.delete(name)):
            assert (answer.status_code, answer.json()["error"]["code"]) in ((404, "job_unknown"), (404, "not_found"))


# --- cancelling and deleting ------------------------------------------------------------------------------------------


def test_cancels_a_running_job_and_forgets_what_was_sent(service, jobs):
    job_id = jobs.send(("many.pdf", numbered_pdf(40)))
    jobs.wait(job_id, until=lambda job: job["pages_done"] >= 1)
    answer = jobs.delete(job_id)
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    other = jobs.send(("one.png", png(numbered(1))))
    assert jobs.wait(other)["state"] == "done"
    assert jobs.state(job_id)["state"] == "cancelled"
    refused = jobs.get(job_id, "/result")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "job_cancelled")
    left = {path.name for path in (service.folder / "jobs" / job_id).iterdir()} - {"lock"}
    assert left == {"job.json", "plan.json", "end.json"}


def test_cancels_a_job_that_waits(jobs):
    first, second = jobs.send(("many.pdf", numbered_pdf(8))), jobs.send(("one.png", png(numbered(1))))
    assert jobs.get(second, "/result").json()["error"]["code"] == "job_unfinished"
    assert jobs.delete(second).json()["state"] == "cancelled"
    assert jobs.wait(first)["state"] == "done"
    assert jobs.state(second)["pages_done"] == 0


def test_deletes_a_job_that_has_ended(service, jobs):
    job_id = jobs.send(("one.png", png(numbered(1))))
    jobs.wait(job_id)
    assert jobs.delete(job_id).status_code == 204
    assert jobs.get(job_id).status_code == 404
    assert not (service.folder / "jobs" / job_id).exists()


# --- limits and retention ---------------------------------------------------------------------------------------------


def test_options_tell_the_limits_of_jobs(service):
    told = requests.get(f"{service.url}/api/options", timeout=10).json()["jobs"]
    assert told["pages"] == 500
    assert told["keep_seconds"] == 24 * 3600
    assert told["body_bytes"] == 64 << 20
    assert told["keep_bytes"] == 512 << 20
    assert "PDF" in told["formats"]


def test_its_limits_hold_and_results_go_in_time(jobs_api):
    settings = {"OCR_JOBS_BODY_BYTES": "100000", "OCR_JOBS_KEEP_S": "2", "OCR_JOBS_PAGES": "2", "OCR_JOBS_WAITING": "1"}
    with stack.running(settings=settings | {"OCR_THREADS": "1"}) as service:
        jobs = jobs_api(service)
        request = requests.Request("POST", service.url, files={"file": ("a.png", png(numbered(1)))}).prepare()
        fitting = png(numbered(1)) + bytes(100_000 - len(request.body))
        job_id = jobs.send(("a.png", fitting))
        jobs.wait(job_id)
        too_large = jobs.post(("a.png", fitting + b"\0"))
        assert (too_large.status_code, too_large.json()["error"]["code"]) == (413, "body_too_large")
        assert "100000" in too_large.json()["error"]["message"]
        deadline = time.monotonic() + 30
        while jobs.get(job_id).status_code == 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert jobs.get(job_id).json()["error"]["code"] == "job_unknown"
        assert jobs.wait(jobs.send(("a.pdf", numbered_pdf(3))))["error"]["code"] == "document_too_many_pages"
        with stack.frozen(service.pids["ocr-reader"]):
            jobs.send(("a.png", png(numbered(1))))
            full = jobs.post(("b.png", png(numbered(2))))
        assert (full.status_code, full.json()["error"]["code"]) == (503, "jobs_full")
        assert int(full.headers["Retry-After"]) > 0


# --- beside single pictures -------------------------------------------------------------------------------------------


def test_single_pictures_come_first_between_two_pages_of_a_job(service, jobs):
    job_id = jobs.send(("many.pdf", numbered_pdf(60)))
    jobs.wait(job_id, until=lambda job: job["pages_done"] >= 1)
    picture = PICTURE.read_bytes()
    answers = []

    def send(i):
        answers.append(requests.post(f"{service.url}/api/ocr", files={"image": picture + bytes([i])}, timeout=60))

    threads = [threading.Thread(target=send, args=(i,)) for i in range(4)]
    before = jobs.state(job_id)["pages_done"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = jobs.state(job_id)["pages_done"]
    assert {answer.status_code for answer in answers} == {200}
    assert after - before <= 3, "the four went together, after the page that was at hand"
    assert jobs.state(job_id)["state"] == "running"
    jobs.delete(job_id)

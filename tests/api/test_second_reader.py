"""The second reader as a caller meets it: asked for, capped, and named by /health."""

import io
import time
from pathlib import Path

import cv2
import pytest
import requests
import stack
from PIL import Image
from ziyan import board, manifest

LABEL = Path(__file__).parents[1] / "data" / "pages" / "label.jpg"
SHOWN = ["止咳口服溶液", "用法用量：每日三次，每次十毫升", "Keep away from children"]


def out_of_focus():
    """The label, blurred, as a PNG: the first reader alone misreads it."""
    return cv2.imencode(".png", cv2.GaussianBlur(cv2.imread(str(LABEL)), (0, 0), 1.2))[1].tobytes()


def read(service, picture=None, **options):
    files = {"image": picture or out_of_focus()}
    answer = requests.post(f"{service.url}/api/ocr", files=files, params=options, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def second_state(service):
    return service.health()["reader"]["models"]["second_recognizer"]


@pytest.fixture(scope="module")
def fresh():
    """The two programs, with a second reader that nobody needed yet."""
    with stack.running() as running:
        yield running


def test_is_loaded_by_the_first_doubtful_line_and_health_says_so(fresh, models):
    facts = manifest.load(models).second_recognizer
    expected = {"name": facts.name, "characters": len(facts.charset)}
    assert second_state(fresh) == expected | {"loaded": False}
    alone = read(fresh, second_reader="off")
    assert alone["text"] != SHOWN
    assert second_state(fresh) == expected | {"loaded": False}
    assert read(fresh, second_reader="auto")["text"] == SHOWN
    deadline = time.monotonic() + 60  # /health looks at the reader once in a while
    while not second_state(fresh)["loaded"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert read(fresh, budget_ms=0)["text"] == alone["text"]


def test_health_and_metrics_tell_the_bound_of_the_board(service):
    below, reason = board.look(Path("/sys")).second_below()
    assert service.health()["reader"]["second_reader"] == {"below": below, "reason": reason}
    told = requests.get(f"{service.url}/metrics", timeout=10).text
    assert f"\nziyan_second_reader_below {below}\n" in told


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("second_reader", "on", "one of auto, off"),
        ("budget_ms", "-1", "a whole number from 0 to 60000"),
        ("budget_ms", "60001", "a whole number from 0 to 60000"),
        ("budget_ms", "0.5", "a whole number from 0 to 60000"),
    ],
)
def test_rejects_what_is_no_value_of_its_options(service, name, value, said):
    answer = requests.post(
        f"{service.url}/api/ocr", files={"image": LABEL.read_bytes()}, params={name: value}, timeout=60
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "option_invalid")
    assert said in error["message"]


def test_an_answer_that_the_budget_capped_says_so_and_is_not_kept():
    with Image.open(LABEL) as label:
        tall = Image.new("RGB", (label.width, 4 * label.height))
        for number in range(4):
            tall.paste(label, (0, number * label.height))
    file = io.BytesIO()
    tall.save(file, "PNG")
    with stack.running(settings={"OCR_SECOND_BELOW": "1"}) as running:
        answers = [read(running, file.getvalue(), budget_ms=budget) for budget in (1, 1, 60_000, 60_000)]
    told = [(answer["capped"], answer["cached"]) for answer in answers]
    assert told == [(True, False), (True, False), (False, False), (False, True)]


def test_a_box_set_to_doubt_nothing_has_no_second_reader():
    with stack.running(settings={"OCR_SECOND_BELOW": "0"}) as running:
        assert second_state(running) is None
        assert running.health()["reader"]["second_reader"] == {"below": 0, "reason": "OCR_SECOND_BELOW"}
        assert read(running)["text"] == read(running, second_reader="off")["text"] != SHOWN

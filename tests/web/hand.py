"""What a person's hand and eye do with the page."""

import time

import requests

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


def choose(page, *data, name="lines.png", kind="image/png"):
    """Chooses pictures of these bytes."""
    files = [{"name": name if len(data) == 1 else f"{i}-{name}", "mimeType": kind, "buffer": one}
             for i, one in enumerate(data, 1)]
    page.set_input_files("#file", files)


def read(page, path):
    """Chooses the file at `path` and waits for its result."""
    page.set_input_files("#file", path)
    page.wait_for_selector("[data-show=done]")


def texts(page):
    """The lines of the list."""
    return page.locator("#lines .text").all_inner_texts()


def lit(page):
    """The numbers (from 0) of the lines that are lit up in the picture."""
    return page.locator("#outlines .lit").evaluate_all("(all) => all.map((g) => Number(g.dataset.index))")


def rectangle(locator):
    """(left, top, right, bottom) on the screen; unlike bounding_box(), without scrolling or waiting."""
    return tuple(
        locator.evaluate("(node) => ((r) => [r.left, r.top, r.right, r.bottom])(node.getBoundingClientRect())")
    )


def overlap(one, other):
    """Intersection over union of two (left, top, right, bottom)."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (area - width * height)


def pasted(page):
    """What Ctrl+V gives, in a field that the test adds."""
    page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), { id: 'pasted' }))")
    page.locator("#pasted").press("Control+V")
    text = page.locator("#pasted").input_value()
    page.evaluate("document.getElementById('pasted').remove()")
    return text


def queue(service):
    """The queue as /health tells it."""
    return requests.get(f"{service.url}/health", timeout=10).json()["queue"]


def wait_until_taken(service, places):
    """Returns when this many places of the queue are taken."""
    deadline = time.monotonic() + 30
    while queue(service)["in_use"] < places and time.monotonic() < deadline:
        time.sleep(0.02)

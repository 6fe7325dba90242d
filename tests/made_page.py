"""A drawn page for tests that watch the reader at work."""

from io import BytesIO

from PIL import Image, ImageDraw


def many_lines() -> bytes:
    """A PNG of 280 short lines: it takes long enough to be watched."""
    page = Image.new("L", (2000, 2000), "white")
    pen = ImageDraw.Draw(page)
    for i in range(280):
        pen.text((20 + i % 8 * 245, 10 + i // 8 * 56), f"No. {i} Pi{i * 7919 % 997}", font_size=36, fill="black")
    data = BytesIO()
    page.save(data, "PNG")
    return data.getvalue()

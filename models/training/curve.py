"""A run's log as a picture: CER of the development crops and of the held-out lines over the lines seen.

    python -m models.training.curve RUN/log.jsonl learning-curve.svg
"""

import argparse
import json
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 640, 320, 48
COLOURS = {"development": "#0b6e99", "held-out": "#b5541c"}


def curves(entries: list[dict]) -> dict[str, list[tuple[int, float]]]:
    """(lines seen, CER in per cent) of each set that the log's entries score."""
    return {
        name: [(entry["lines"], 100 * entry["scores"][name]["cer"]) for entry in entries if name in entry["scores"]]
        for name in COLOURS
    }


def svg(entries: list[dict]) -> str:
    """An SVG document of 640x320: a line per set, its last value beside it; the vertical axis starts at 0 per cent."""
    points = {name: values for name, values in curves(entries).items() if values}
    farthest = max(1, max(seen for values in points.values() for seen, _ in values))
    highest = 1.1 * max(rate for values in points.values() for _, rate in values)
    left, right, top, bottom = MARGIN, WIDTH - MARGIN, MARGIN, HEIGHT - MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#888"/>',
        f'<text x="{left}" y="{top - 14}">CER %, up to {highest:.1f}</text>',
        f'<text x="{right}" y="{bottom + 24}" text-anchor="end">{farthest} lines seen</text>',
    ]
    for name, values in points.items():
        places = [(left + (right - left) * x / farthest, bottom - (bottom - top) * y / highest) for x, y in values]
        path, colour = " ".join(f"{x:.1f},{y:.1f}" for x, y in places), COLOURS[name]
        label = f'<text x="{right}" y="{places[-1][1] - 8:.1f}" fill="{colour}" text-anchor="end">'
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f"{label}{name} {values[-1][1]:.2f}</text>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """Draws the log named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    entries = [json.loads(line) for line in given.log.read_text(encoding="utf-8").splitlines()]
    given.out.write_text(svg(entries), encoding="utf-8")


if __name__ == "__main__":
    main()

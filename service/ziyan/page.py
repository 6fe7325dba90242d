"""What reading a picture gives: a page of lines."""

from dataclasses import asdict, dataclass, field

Quad = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One line of text.

    `score`, 0 to 1, is the share of its characters that is expected to be right. `box` holds its four corners in pixels
    of the sent picture (after its EXIF turn), clockwise from the top left of the upright text.
    """

    text: str
    score: float
    box: Quad


@dataclass(frozen=True)
class Page:
    """The lines of one picture in reading order, and what reading them took.

    `width` and `height` are those of the sent picture after its EXIF turn; `seconds` maps a stage to wall seconds.
    """

    lines: tuple[Line, ...]
    width: int
    height: int
    seconds: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict:
        """The page as plain JSON types."""
        return asdict(self)

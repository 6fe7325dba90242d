"""What a caller may ask of one picture. The API, the command line and /api/options all read this table."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ziyan.errors import RequestRejected

# The picture formats that are read, by their names in Pillow.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "HEIF")


def _option(default: Any, help: str, *, low: float, high: float) -> Any:
    return field(default=default, metadata={"help": help, "low": low, "high": high})


@dataclass(frozen=True)
class Options:
    """Every option with its default."""

    min_score: float = _option(
        0.5, "低于此置信度的行不输出。 Lines scored below this are left out.", low=0.0, high=1.0
    )

    def as_dict(self) -> dict[str, Any]:
        """The options as plain JSON types."""
        return asdict(self)


DEFAULTS = Options()


def parse(given: Mapping[str, Any]) -> Options:
    """The options in `given` (texts or JSON values). RequestRejected names an unknown one or a value out of range."""
    known = {spec.name: spec for spec in fields(Options)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise RequestRejected(
            "unknown_option",
            f"未知选项 {unknown[0]!r}；可用选项：{'、'.join(known)}（见 /api/options）。",
            f"Unknown option {unknown[0]!r}. Known are: {', '.join(known)} (see /api/options).",
        )
    return Options(**{name: _value(known[name], value) for name, value in given.items()})


def describe() -> dict[str, dict[str, Any]]:
    """Every option with its type, default, bounds and meaning: what /api/options says."""
    return {
        spec.name: {
            "type": "number",
            "default": spec.default,
            "minimum": spec.metadata["low"],
            "maximum": spec.metadata["high"],
            "description": spec.metadata["help"],
        }
        for spec in fields(Options)
    }


def _value(spec: Any, given: Any) -> Any:
    low, high = spec.metadata["low"], spec.metadata["high"]
    try:
        value = spec.type(given)
        if isinstance(given, bool) or not low <= value <= high:  # NaN is in no range
            raise ValueError(given)
    except (TypeError, ValueError, OverflowError) as error:  # JSON's integers may be too large for a float
        raise RequestRejected(
            "option_invalid",
            f"选项 {spec.name} 应为 {low:g} 到 {high:g} 之间的数。",
            f"The option {spec.name} must be a number from {low:g} to {high:g}.",
        ) from error
    return value

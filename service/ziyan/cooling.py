"""How hard the box may work at its temperature: as set, with one thread, or not at all until it is cooler."""

from enum import IntEnum

# Without it a box at a limit would change its pace with every page.
HYSTERESIS_C = 3.0


class Pace(IntEnum):
    """From none to the strictest."""

    FULL = 0
    GENTLE = 1
    PAUSED = 2


class Cooling:
    """The pace that belongs to a temperature: GENTLE above `soft_c`, PAUSED above `hard_c`, both in °C.

    A stricter pace is left only once the temperature is HYSTERESIS_C below its limit. A box without a sensor works on.
    """

    def __init__(self, *, soft_c: float, hard_c: float) -> None:
        self._limits = ((Pace.PAUSED, hard_c), (Pace.GENTLE, soft_c))
        self.pace = Pace.FULL

    def at(self, temperature_c: float | None) -> Pace:
        """The pace from now on."""
        held = (pace for pace, limit_c in self._limits if self._holds(pace, limit_c, temperature_c))
        self.pace = next(held, Pace.FULL)
        return self.pace

    def _holds(self, pace: Pace, limit_c: float, temperature_c: float | None) -> bool:
        if temperature_c is None:
            return False
        return temperature_c > limit_c - (HYSTERESIS_C if self.pace >= pace else 0)

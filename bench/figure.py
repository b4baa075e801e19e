"""One line of output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value. `ratio` says how it compares with the baseline of the same run, `reach` what is aimed at."""

    name: str
    value: float
    unit: str
    baseline: str = ""
    ratio: float = 0.0
    reach: str = ""

    def __str__(self) -> str:
        parts = [f"{self.name:<44} {self.value:>10.3f} {self.unit:<12}"]
        if self.baseline:
            parts.append(f"{self.baseline}, ratio {self.ratio:.3f}")
        if self.reach:
            parts.append(f"reach {self.reach}")
        return "  ".join(parts).rstrip()


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def beside(name: str, ours: Sequence[float], theirs: Sequence[float], *, unit: str, against: str, reach: str) -> Figure:
    """Our median beside a baseline's, the ratio taken round by round."""
    ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
    return Figure(name, median(ours), unit, f"{against} {median(theirs):.3f} {unit}", ratio, reach)

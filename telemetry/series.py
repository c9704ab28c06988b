"""Counters, gauges and histograms over a sheet, with the few verbs the product uses."""

from bisect import bisect_left
from typing import Self

from telemetry.sheet import GONE, Sheet, Words

SUM = "sum"


class Series:
    """All series of one name, or after `labels` one of them. Without labels it is both."""

    def __init__(
        self,
        sheet: Sheet,
        name: str,
        labels: Words = (),
        *,
        buckets: tuple[float, ...] = (),
        values: Words = (),
    ) -> None:
        self._sheet = sheet
        self._name = name
        self._labels = labels
        self._buckets = buckets
        self._words: Words = (name, *values)
        self._known: dict[Words, Self] = {}
        if len(values) == len(labels):
            self._begin()

    def labels(self, *values: str, **named: str) -> Self:
        """The series of these values, in order or by name. Raises ValueError for other labels than it has."""
        if named:
            values = tuple(named[label] for label in self._labels if label in named)
        found = self._known.get(values)
        if found is None:
            if len(values) != len(self._labels) or len(named) not in (0, len(values)):
                raise ValueError(f"{self._name} has the labels {self._labels}")
            found = type(self)(self._sheet, self._name, self._labels, buckets=self._buckets, values=values)
            self._known[values] = found
        return found

    def _begin(self) -> None:
        """Take places in the sheet."""
        self._place = self._sheet.place(self._words)


class Counter(Series):
    """Only grows."""

    def inc(self, amount: float = 1.0) -> None:
        if amount < 0:
            raise ValueError("a counter only grows")
        self._sheet.add(self._place, amount)


class Gauge(Series):
    """Says how it is now."""

    def set(self, number: float) -> None:
        self._sheet.put(self._place, number)

    def remove(self, *values: str) -> None:
        """That series is no longer said."""
        self._known.pop(values, None)
        self._sheet.put(self._sheet.place((self._name, *values)), GONE)


class Histogram(Series):
    """Counts observations by size and sums them up."""

    def _begin(self) -> None:
        # One place for each bucket, the one without an end included; the counts are not yet added up.
        parts = [str(number) for number in range(len(self._buckets) + 1)]
        self._places = [self._sheet.place((*self._words, part)) for part in parts]
        self._place = self._sheet.place((*self._words, SUM))

    def observe(self, amount: float) -> None:
        self._sheet.add_both(self._places[bisect_left(self._buckets, amount)], self._place, amount)

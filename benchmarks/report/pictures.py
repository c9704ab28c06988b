"""Which figures make which picture. What was not measured is left out; nothing is ever filled in.

A figure is drawn because its key says what it is of; every other is still in the tables.
"""

from collections.abc import Callable
from typing import Final

from benchmarks.report import pictures_formats, pictures_path, pictures_storage
from benchmarks.report.chart import Chart
from benchmarks.report.shelf import Shelf

# In the order of the page.
MAKERS: Final[tuple[Callable[[Shelf], Chart | None], ...]] = (
    pictures_storage.insert,
    pictures_storage.aggregate,
    pictures_formats.formats,
    pictures_storage.growth,
    pictures_path.path,
    pictures_path.engine,
)


def charts(shelf: Shelf) -> list[Chart]:
    """Every picture there are figures for."""
    return [chart for make in MAKERS if (chart := make(shelf)) is not None]

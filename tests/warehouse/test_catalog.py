"""The catalogue refuses a query file whose header and SQL disagree."""

import pytest

from clickhouse import catalog

GOOD = """\
-- How many?
--
-- asks:  somebody
-- cost:  little
-- param day: Date  the day
SELECT count() FROM t WHERE d = {day:Date}
"""


@pytest.mark.parametrize("name", catalog.names())
def test_every_query_loads_and_says_who_asks_and_what_it_costs(name: str) -> None:
    query = catalog.query(name)
    assert query.question.endswith("?")
    assert query.asks
    assert query.cost


def test_parameters_are_read_with_their_types() -> None:
    assert catalog.parse("x", GOOD).parameters == (catalog.Parameter("day", "Date", "the day"),)


def test_a_parameter_can_have_a_default() -> None:
    changed = GOOD.replace("day: Date  the", "day: Date = 2026-11-01  the")
    query = catalog.parse("x", changed)
    assert query.parameters == (catalog.Parameter("day", "Date", "the day", "2026-11-01"),)
    assert query.defaults == {"day": "2026-11-01"}
    assert catalog.parse("x", GOOD).defaults == {}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("{day:Date}", "{day:Date} AND u = {user:String}"), "user:String"),
        (("{day:Date}", "today()"), "day:Date"),
        (("{day:Date}", "{day:DateTime}"), "day:DateTime"),
        (("-- cost:  little\n", ""), "no `cost:` line"),
        (("-- asks:  somebody\n", ""), "no `asks:` line"),
        (("day: Date  the day", "day: Date =  the day"), "day:Date"),
    ],
)
def test_a_header_that_disagrees_is_refused(change: tuple[str, str], complaint: str) -> None:
    with pytest.raises(catalog.CatalogError, match=complaint):
        catalog.parse("x", GOOD.replace(*change))


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(catalog.CatalogError, match=r"there are: .*dau"):
        catalog.query("nope")

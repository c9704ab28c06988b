"""Every fault that the histories are there to find is one that its query could have."""

import pytest
from properties.faults import FAULTS, Fault

from clickhouse import catalog


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: f"{each.query}: {each.what}")
def test_a_fault_changes_its_query(fault: Fault) -> None:
    sql = catalog.query(fault.query).sql
    assert fault.in_text(sql) != sql

"""Quotas as roles.xml has them, counted by the embedded warehouse."""

from datetime import UTC, datetime, timedelta

import pytest

from embedded.warehouse import profiles
from embedded.warehouse.errors import Refused, WarehouseError
from embedded.warehouse.quotas import Quota, Quotas

BEGIN = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


class Hands:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        self.passed_s += seconds


def use(quotas: Quotas, quota: Quota, *, rows: int = 0, fails: bool = False, user: str = "analyst") -> None:
    with quotas.charged(user, quota) as charge:
        charge.read_rows = rows
        if fails:
            raise Refused(159, "TIMEOUT_EXCEEDED", "Too slow.")


def test_so_many_questions_in_an_interval_and_then_again_in_the_next() -> None:
    clock = Hands()
    quotas, quota = Quotas(clock), Quota(3600, {"queries": 2})
    use(quotas, quota)
    use(quotas, quota)
    with pytest.raises(
        Refused, match=r"queries = 3/2. Interval will end at 2026-11-21 11:00:00 UTC"
    ) as refused:
        use(quotas, quota)
    assert refused.value.code == 201
    use(quotas, quota, user="somebody else")
    clock.passed_s = 3599
    with pytest.raises(Refused):
        use(quotas, quota)
    clock.passed_s = 3600
    use(quotas, quota)


@pytest.mark.parametrize(
    ("quota", "used"),
    [
        (Quota(60, {"read_rows": 100}), {"rows": 101}),
        (Quota(60, {"errors": 1}), {"fails": True}),
    ],
)
def test_what_a_question_used_is_there_for_the_next(quota: Quota, used: dict) -> None:
    quotas = Quotas(Hands())
    for _ in range(2):
        try:
            use(quotas, quota, **used)
        except Refused as error:
            if error.code == 201:
                return
    with pytest.raises(Refused, match="has been exceeded"):
        use(quotas, quota)


def test_time_counts_while_a_question_runs() -> None:
    clock = Hands()
    quotas, quota = Quotas(clock), Quota(3600, {"execution_time": 10})
    with quotas.charged("analyst", quota):
        clock.sleep(11)
    with pytest.raises(Refused, match="execution_time = 11/10"):
        use(quotas, quota)


def test_a_refused_question_is_not_counted_as_another_error() -> None:
    quotas, quota = Quotas(Hands()), Quota(3600, {"queries": 1})
    use(quotas, quota)
    for _ in range(3):
        with pytest.raises(Refused, match="queries = 2/1"):
            use(quotas, quota)


def test_people_have_one_and_our_own_processes_do_not() -> None:
    roles = profiles.load()
    people = roles["analyst"].quota
    assert people is not None
    assert people.most == {"queries": 3600, "errors": 600, "read_rows": 20e9, "execution_time": 3600}
    for name in ("admin", "writer", "reader"):
        quota = roles[name].quota
        assert quota is not None
        assert quota.most == {}


def test_a_quota_that_cannot_be_counted_here_does_not_load(tmp_path) -> None:
    text = profiles.ROLES_FILE.read_text()
    for bad in (text.replace("<errors>", "<written_bytes>").replace("</errors>", "</written_bytes>"),):
        file = tmp_path / "roles.xml"
        file.write_text(bad)
        with pytest.raises(WarehouseError, match="quota people"):
            profiles.load(file)

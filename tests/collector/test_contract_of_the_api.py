"""The API held against its own document by a program that reads it and sends what it allows, and what not.

No answer may be a fault of ours, a status or media type that is not documented, or of another shape than
the document says; and what the document does not allow may not be taken. The reverse is not asked: a schema
cannot say that a time is too old, and most times that are drawn are. The draws are the same every time;
CONTRACT_REQUESTS=2000 asks for more of them, and for new ones.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

MORE = os.environ.get("CONTRACT_REQUESTS")
REQUESTS_BY_OPERATION = int(MORE or 30)


def some_were_refused(answer: Any) -> bool:
    """A good event does not wait for the bad one beside it: a mixed batch is taken, and says what is bad."""
    return answer.status_code in (200, 202) and answer.json().get("rejected", 0) > 0


@pytest.mark.parametrize("mode", list(GenerationMode), ids=["allowed", "not allowed"])
def test_nothing_is_answered_that_the_document_does_not_say(
    make_api: Callable[..., Any], mode: GenerationMode
) -> None:
    # Nobody waits for a bucket to fill: limits have tests of their own.
    api = make_api(rate_limit_per_minute=0)
    document = schemathesis.openapi.from_wsgi("/openapi.json", api.client.application)
    tried = set()
    for operation in (each.ok() for each in document.get_all_operations()):

        @settings(
            max_examples=REQUESTS_BY_OPERATION,
            deadline=None,
            database=None,
            derandomize=not MORE,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: Any) -> None:
            answer = case.call()
            unasked = [positive_data_acceptance]
            if case.operation.label == "POST /events" and some_were_refused(answer):
                unasked.append(negative_data_rejection)
            case.validate_response(answer, excluded_checks=unasked)

        try:
            holds()
        except Unsatisfiable:
            continue  # it takes nothing, so nothing about it can be wrong
        tried.add(operation.label)
    assert {"POST /events", "GET /stats/dau"} <= tried

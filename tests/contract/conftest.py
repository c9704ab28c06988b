"""One good event and the time at which everything here arrives."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from contract.events import Event
from contract.reading import read
from contract.refusals import Refusal

RECEIVED_AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
ABSENT = object()


@pytest.fixture(scope="session")
def received_at() -> datetime:
    return RECEIVED_AT


@pytest.fixture(scope="session")
def absent() -> object:
    """A field given this is left out."""
    return ABSENT


@pytest.fixture(scope="session")
def sent() -> Callable[..., dict[str, Any]]:
    """A valid custom event, with other fields on demand."""

    def make(**fields: Any) -> dict[str, Any]:
        event = {
            "event_id": "0190c5a4-7c1e-7b1a-9a53-0242ac120002",
            "occurred_at": "2026-01-15T11:59:58.250Z",
            "user_id": "user-42",
            "event_type": "app_opened",
            **fields,
        }
        return {name: value for name, value in event.items() if value is not ABSENT}

    return make


@pytest.fixture(scope="session")
def read_sent(sent: Callable[..., dict[str, Any]]) -> Callable[..., Event | Refusal]:
    """What becomes of the valid event with these fields changed."""

    def read_it(**fields: Any) -> Event | Refusal:
        return read(json.dumps(sent(**fields)).encode(), received_at=RECEIVED_AT)

    return read_it

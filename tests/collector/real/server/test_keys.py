"""Keys on the real server: what an in-process client cannot show is several workers and what they log."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from services import until

from ugc_api.access.key_file import KeyFile
from ugc_api.access.keys import Key, Kind, hashed, new_token
from ugc_api.access.scopes import Scope

ASKED = 12


def statuses(url: str, **how: Any) -> set[int]:
    """What as many connections hear, each from whichever worker takes it."""
    return {requests.post(url, **how, timeout=10).status_code for _ in range(ASKED)}


def test_a_key_made_or_revoked_counts_in_every_worker_without_a_restart(
    start_api: Any, mock_broker: str, tmp_path: Path
) -> None:
    api = start_api(bootstrap=mock_broker, auth_required="true", api_workers=2, data_dir=tmp_path)
    url = f"{api.url}/events"
    event = {
        "event_id": str(uuid4()),
        "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "user_id": "user-1",
        "event_type": "click",
        "properties": {"element": "play"},
    }
    beacon = {"data": json.dumps(event), "headers": {"Content-Type": "application/json"}}
    token, file = new_token(), KeyFile(tmp_path / "keys.json")
    key = Key(
        id=token.id,
        kind=Kind.WRITE,
        secret_sha256=hashed(token.secret),
        scopes=frozenset({Scope.WRITE}),
        created_at=datetime.now(UTC),
    )
    with_key = {**beacon, "params": {"key": str(token)}}
    assert statuses(url, **beacon) == {401}
    assert statuses(url, **with_key) == {401}
    file.change(lambda _: (key,))
    until(lambda: statuses(url, **with_key) == {202}, within_s=5, what="every worker knows the key")
    file.change(lambda _: (key.model_copy(update={"revoked_at": datetime.now(UTC)}),))
    until(lambda: statuses(url, **with_key) == {401}, within_s=5, what="every worker has forgotten it")
    # A request that is not HTTP makes the server speak for itself; not even then is the address repeated.
    requests.get(f"{api.url}/events?key={token}", headers={"X-Odd": "a" * 9_000}, timeout=10)
    assert token.secret not in api.log_file.read_text()


@pytest.mark.parametrize(
    ("settings", "said"), [({"jwt_secret": "short", "jwt_audience": "ugc"}, "UGC_JWT_SECRET is shorter")]
)
def test_a_bad_setting_is_said_before_anything_listens(
    start_api: Any, mock_broker: str, settings: dict[str, str], said: str
) -> None:
    api = start_api(bootstrap=mock_broker, wait=False, auth_required="true", **settings)
    assert api.process.wait(20) != 0
    assert said in api.log_file.read_text()

"""Asked to stop: what is finished, what is dropped, what is left."""

import time
from threading import Event
from typing import Any

from pipeline.world import World, of_partition, send

from etl.batch import Block
from etl.errors import Retryable
from etl.intents import parse


def test_asked_to_stop_it_drops_the_range_it_cannot_finish(world: World) -> None:
    send(world, [1])
    process = world.process()

    def away(*_: Any, **__: Any) -> None:
        world.stopping = True
        raise Retryable("away")

    world.store.insert = away
    process.pipeline.run()
    assert not any(world.log.committed.values())
    assert not world.store.rows


def test_asked_to_stop_it_finishes_and_commits_what_is_being_stored(threaded: World) -> None:
    send(threaded, of_partition(0, 30))
    process = threaded.process()
    insert = threaded.store.insert

    def last(block: Block, *, token: str) -> None:
        threaded.stopping = True
        time.sleep(0.1)
        insert(block, token=token)

    threaded.store.insert = last
    process.pipeline.run()
    process.loaders.close()
    assert len(threaded.store.tokens) == 1
    assert threaded.log.committed[0] == len(threaded.store.rows) == 5
    mark = parse(threaded.log.said[0])
    assert mark is not None
    assert mark.intent is None


def test_asked_to_stop_it_leaves_a_step_that_does_not_end(threaded: World) -> None:
    send(threaded, [2])
    process = threaded.process()
    process.pipeline._finish_within_s = 0.3
    hung, goes_on = Event(), Event()

    def hang(block: Block, *, token: str) -> None:
        threaded.stopping = True
        hung.set()
        goes_on.wait(30)

    threaded.store.insert = hang
    started = time.monotonic()
    process.pipeline.run()
    assert hung.is_set()
    assert time.monotonic() - started < 2
    goes_on.set()
    process.loaders.close()
    assert not threaded.log.committed[0]

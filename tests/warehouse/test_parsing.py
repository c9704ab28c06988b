"""What a judged statement may cost before anybody has given it a place."""

import json
import threading
import time

from embedded.warehouse.limits import Limits
from embedded.warehouse.parsing import Parser


class Trees:
    """The engine's parser, whose every tree has this many nodes."""

    def __init__(self, nodes: int, *, takes_s: float = 0.0) -> None:
        self._nodes, self._takes_s = nodes, takes_s
        self.asked = 0
        self.now = self.most = 0

    def ask(self, _: bytes) -> str:
        self.asked += 1
        self.now += 1
        self.most = max(self.most, self.now)
        time.sleep(self._takes_s)
        self.now -= 1
        literals = [{"type": "Literal"}] * (self._nodes - 1)
        return json.dumps({"type": "SelectQuery", "children": literals})


def asked_again(parser: Parser, engine: Trees, sql: bytes) -> bool:
    before = engine.asked
    parser.parse(sql)
    return engine.asked > before


def test_what_was_judged_is_remembered_as_long_as_its_trees_are_small() -> None:
    engine = Trees(nodes=40)
    parser = Parser(engine, Limits(statements_cached_nodes_max=100))  # type: ignore[arg-type]
    for sql in (b"1", b"2", b"1", b"3"):
        parser.parse(sql)
    assert engine.asked == 3
    assert not asked_again(parser, engine, b"3")
    assert not asked_again(parser, engine, b"1")
    assert asked_again(parser, engine, b"2")


def test_a_tree_beyond_all_room_leaves_nothing_behind() -> None:
    engine = Trees(nodes=101)
    parser = Parser(engine, Limits(statements_cached_nodes_max=100))  # type: ignore[arg-type]
    parser.parse(b"large")
    assert asked_again(parser, engine, b"large")
    assert parser._nodes == 0


def test_a_long_text_is_not_remembered() -> None:
    engine = Trees(nodes=1)
    parser = Parser(engine, Limits(statement_cached_bytes_max=10))  # type: ignore[arg-type]
    parser.parse(b"SELECT 1234")
    assert asked_again(parser, engine, b"SELECT 1234")


def test_trees_are_made_one_at_a_time() -> None:
    engine = Trees(nodes=1, takes_s=0.02)
    parser = Parser(engine, Limits())  # type: ignore[arg-type]
    threads = [threading.Thread(target=parser.parse, args=(b"%d" % n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (engine.asked, engine.most) == (8, 1)

"""Questions and answers over the HTTP interface."""

import gzip
import http.client
import json
import re
import zlib
from urllib.parse import urlencode

import lz4.frame
import pytest
from backports import zstd

UNPACK = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "zstd": zstd.decompress,
    "lz4": lz4.frame.decompress,
}


def test_health_needs_no_user(warehouse) -> None:
    for path in ("/ping", "/", "/replicas_status"):
        answer = warehouse.ask(path=path, method="GET", auth=False, database="")
        assert (answer.status, answer.text) == (200, "Ok.\n"), path


def test_an_unknown_path_is_a_friendly_404(warehouse) -> None:
    answer = warehouse.ask("SELECT 1", path="/nothing/here", auth=False)
    assert answer.status == 404
    assert "/ping" in answer.text


def test_get_and_post_answer_alike(warehouse) -> None:
    by_get = warehouse.ask(method="GET", query={"query": "SELECT 1, 'x'"})
    by_post = warehouse.ask("SELECT 1, 'x'")
    assert by_get.text == by_post.text == "1\tx\n"


def test_head_has_no_body(warehouse) -> None:
    answer = warehouse.ask(method="HEAD", query={"query": "SELECT 1"})
    assert (answer.status, answer.body) == (200, b"")


def test_query_parameter_and_body_are_one_text(warehouse) -> None:
    answer = warehouse.ask("+ 2 AS three", query={"query": "SELECT 1"})
    assert answer.text == "3\n"


def test_headers_of_an_answer(warehouse) -> None:
    answer = warehouse.ask("SELECT 1 FORMAT JSONEachRow", query={"query_id": "headers-1"})
    assert answer.headers["X-ClickHouse-Query-Id"] == "headers-1"
    assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert answer.headers["X-ClickHouse-Timezone"]
    assert answer.headers["X-ClickHouse-Server-Display-Name"]
    assert set(json.loads(answer.headers["X-ClickHouse-Summary"])) >= {
        "read_rows",
        "result_rows",
        "elapsed_ns",
    }


def test_a_query_id_is_made_when_none_is_given(warehouse) -> None:
    first, second = warehouse.ask("SELECT 1"), warehouse.ask("SELECT 1")
    assert first.headers["X-ClickHouse-Query-Id"] != second.headers["X-ClickHouse-Query-Id"]


@pytest.mark.parametrize(
    "how", [{"query": {"default_format": "JSON"}}, {"headers": {"X-ClickHouse-Format": "JSON"}}]
)
def test_default_format(warehouse, how) -> None:
    assert json.loads(warehouse.ask("SELECT 1 AS a", **how).text)["data"] == [{"a": 1}]
    assert warehouse.ask("SELECT 1 AS a FORMAT TSV", **how).text == "1\n"


def test_typed_parameters(warehouse) -> None:
    sql = (
        "SELECT {n:UInt8}, {s:String}, {l:Array(String)}, {d:Nullable(Date)}, name "
        "FROM {t:Identifier}.one AS x, (SELECT 'y' AS name) AS y"
    )
    query = {
        "param_n": 7,
        "param_s": "it's\\tü",
        "param_l": "['a','b\\'c']",
        "param_d": "\\N",
        "param_t": "system",
    }
    assert warehouse.rows(sql + " FORMAT JSONCompactEachRow", query=query) == [
        ['[7, "it\'s\\tü", ["a","b\'c"], null, "y"]']
    ]


def test_parameters_travel_in_a_form_too(warehouse) -> None:
    boundary = "----b"
    fields = {"query": "SELECT {n:UInt8} + {m:UInt8}", "param_n": "1"}
    body = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    answer = warehouse.ask(
        body + f"--{boundary}--\r\n",
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        query={"param_m": 2},
    )
    assert answer.text == "3\n"


def test_database_by_parameter_and_by_header(warehouse) -> None:
    assert warehouse.rows("SELECT currentDatabase()", database="system") == [["system"]]
    answer = warehouse.ask("SELECT currentDatabase()", database="", headers={"X-ClickHouse-Database": "ugc"})
    assert answer.text == "ugc\n"


def test_nothing_of_a_request_reaches_the_next(warehouse) -> None:
    changed = {"max_threads": 1, "max_block_size": 1234}
    assert warehouse.rows("SELECT getSetting('max_block_size')", query=changed) == [["1234"]]
    assert warehouse.rows("SELECT getSetting('max_block_size')") != [["1234"]]
    for sets in ("SELECT 1 SETTINGS max_block_size = 1234", "SET max_block_size = 1234", "USE system"):
        assert warehouse.ask(sets).status == 200
    assert warehouse.rows("SELECT getSetting('max_block_size')") != [["1234"]]
    assert warehouse.rows("SELECT currentDatabase()") == [["ugc"]]
    assert warehouse.rows("SELECT {n:UInt8}", query={"param_n": 1}) == [["1"]]
    assert warehouse.ask("SELECT {n:UInt8}").code == 456


def test_a_question_that_failed_spoils_none_after_it(warehouse) -> None:
    """As each role, on the handle that was set up for it or on another."""
    for role in ("admin", "writer", "reader", "analyst"):
        for _ in range(2):
            assert warehouse.ask("SELECT throwIf(number = 3) FROM numbers(10)", role=role).code == 395
            assert warehouse.ask("SELECT 7", role=role).text == "7\n"


@pytest.mark.parametrize("role", ["admin", "reader", "analyst"])
def test_a_question_has_both_cores_however_small_the_server(warehouse, role: str) -> None:
    """The engine wants a GiB free for each thread, and an embedded warehouse has one in all."""
    plan = "EXPLAIN PIPELINE SELECT sum(number) FROM numbers_mt(10000000)"
    answer = warehouse.ask(plan, role=role, query={"max_threads": 2})
    assert re.search(r"AggregatingTransform \S 2", answer.text)


@pytest.mark.parametrize("encoding", UNPACK)
@pytest.mark.parametrize("rows", [2_000, 300_000])
def test_compressed_answers(warehouse, encoding, rows) -> None:
    answer = warehouse.ask(
        f"SELECT number FROM numbers({rows})",
        headers={"Accept-Encoding": encoding},
        query={"enable_http_compression": 1},
    )
    assert answer.headers["Content-Encoding"] == encoding
    assert UNPACK[encoding](answer.body) == "".join(f"{n}\n" for n in range(rows)).encode()


def test_no_compression_unless_asked(warehouse) -> None:
    answer = warehouse.ask("SELECT number FROM numbers(9999)", query={"enable_http_compression": 1})
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("output_format", "head"),
    [
        ("TSVWithNames", "n\ts\n"),
        ("TabSeparatedWithNamesAndTypes", "n\ts\nUInt64\tString\n"),
        ("JSONCompactEachRowWithNames", '["n", "s"]\n'),
        ("CSVWithNames", '"n","s"\n'),
        ("TSV", ""),
    ],
)
def test_a_head_comes_once_however_many_blocks(warehouse, output_format, head) -> None:
    sql = "SELECT number AS n, toString(number) AS s FROM numbers({rows:UInt64}) FORMAT " + output_format
    for rows in (0, 1, 200_000):
        text = warehouse.ask(sql, query={"param_rows": rows}).text
        assert text.startswith(head)
        assert text.count("\n") == rows + head.count("\n")
        assert "\n".join(text.splitlines()[head.count("\n") :]).count("n") == 0


def test_row_binary_with_names_and_types_over_many_blocks(warehouse) -> None:
    answer = warehouse.ask("SELECT number AS n FROM numbers(200000) FORMAT RowBinaryWithNamesAndTypes")
    head = b"\x01\x01n\x06UInt64"
    assert answer.body[: len(head)] == head
    assert answer.body[len(head) :] == b"".join(n.to_bytes(8, "little") for n in range(200_000))


@pytest.mark.parametrize(
    "output_format", ["JSON", "JSONCompact", "Pretty", "XML", "Parquet", "Arrow", "ArrowStream", "Values"]
)
def test_formats_that_are_made_whole(warehouse, output_format) -> None:
    answer = warehouse.ask(f"SELECT number FROM numbers(100000) FORMAT {output_format}")
    assert answer.status == 200
    assert answer.headers["X-ClickHouse-Format"] == output_format
    if output_format == "JSON":
        assert json.loads(answer.text)["rows"] == 100_000
    if output_format == "Parquet":
        assert answer.body.count(b"PAR1") == 2


def test_totals_are_not_lost(warehouse) -> None:
    sql = "SELECT number % 2 AS k, count() FROM numbers(10) GROUP BY k WITH TOTALS ORDER BY k"
    assert warehouse.ask(sql).text == "0\t5\n1\t5\n\n0\t10\n"


def test_wait_end_of_query_knows_the_end_before_it_answers(warehouse) -> None:
    sql = "SELECT throwIf(number = 2000000) FROM numbers(3000000)"
    answer = warehouse.ask(sql, query={"wait_end_of_query": 1, "max_block_size": 65000})
    assert (answer.status, answer.code) == (500, 395)
    good = warehouse.ask("SELECT number FROM numbers(2000000)", query={"wait_end_of_query": 1})
    assert json.loads(good.headers["X-ClickHouse-Summary"])["result_rows"] == "2000000"
    assert good.body.count(b"\n") == 2_000_000


def test_an_error_in_a_streamed_answer_cannot_be_missed(warehouse) -> None:
    connection = http.client.HTTPConnection(warehouse.host, warehouse.port, timeout=30)
    sql = "SELECT throwIf(number = 2000000) FROM numbers(3000000)"
    connection.request(
        "POST", "/?" + urlencode({"max_block_size": 65000, "max_threads": 1}), sql, warehouse.auth("admin")
    )
    response = connection.getresponse()
    assert response.status == 200
    try:
        data = response.read()
    except http.client.IncompleteRead as cut:
        data = cut.partial
    tag = response.headers["X-ClickHouse-Exception-Tag"].encode()
    assert b"__exception__\r\n" + tag in data
    assert b"Code: 395. DB::Exception" in data[-2000:]
    connection.close()


def test_keep_alive_serves_request_after_request(warehouse) -> None:
    connection = http.client.HTTPConnection(warehouse.host, warehouse.port, timeout=30)
    for n in range(5):
        connection.request("POST", "/", f"SELECT {n}", warehouse.auth("reader"))
        assert connection.getresponse().read() == f"{n}\n".encode()
        connection.request("POST", "/", "SELECT nonsense(", warehouse.auth("reader"))
        assert b"Code: 62" in connection.getresponse().read()
    connection.close()

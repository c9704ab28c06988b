"""One request of a known user: what it says, on which handle, and what is left for its session."""

import math
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from embedded.warehouse import access, formats, sqltext
from embedded.warehouse.body import Joined, read_all
from embedded.warehouse.engine import Counted, Handle, quote
from embedded.warehouse.errors import Refused
from embedded.warehouse.handles import Handles, Setup
from embedded.warehouse.inserting import Inserter, Load, insert_text
from embedded.warehouse.killing import kill
from embedded.warehouse.outcome import ran_out_of_memory
from embedded.warehouse.parsing import Parser, Statement
from embedded.warehouse.profiles import HTTP_SETTINGS, Role
from embedded.warehouse.quotas import Charge, Quotas
from embedded.warehouse.reading import Reader, Reading
from embedded.warehouse.reply import Reply
from embedded.warehouse.request import Request
from embedded.warehouse.running import Query, Running
from embedded.warehouse.runtime import Runtime
from embedded.warehouse.sessions import Session
from embedded.warehouse.settings_view import show_changeable

DEFAULT_DATABASE = "default"
DEFAULT_FORMAT = "TabSeparated"
HEADER_LOOK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, and what follows it through this server."""

    role: Role
    session: Session | None
    query_id: str
    started_s: float
    client: socket.socket


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement, and the data it brings if it is an insert that does."""

    statement: Statement
    load: Load | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request with everything that decides how its statement runs."""

    request: Request
    role: Role
    session: Session | None
    settings: dict[str, str]
    database: str


class Executor:
    """Runs the statements of requests."""

    def __init__(self, runtime: Runtime, running: Running) -> None:
        self._engine, self._limits = runtime.engine, runtime.limits
        self._parser = Parser(runtime.engine, runtime.limits)
        self._running = running
        self._reader = Reader(runtime.limits, runtime.spool_dir, runtime.clock)
        self._inserter = Inserter(runtime.engine, runtime.limits, runtime.clock)
        self._quotas = Quotas(runtime.clock)
        self._handles = Handles(runtime.engine, runtime.limits.handles_kept_max)

    def close(self) -> None:
        """At shutdown, when no request runs."""
        self._handles.close()

    def charged(self, role: Role) -> AbstractContextManager[Charge]:
        """One request of that role, from before it is read. Raises Refused when there is no room for it."""
        return self._quotas.charged(role.name, role.quota)

    def run(self, request: Request, caller: Caller, reply: Reply, charge: Charge) -> None:
        """Run what `request` asks for and answer it. Raises Refused."""
        call = _call(request, caller.role, caller.session)
        for name, value in request.settings.items():
            if name not in HTTP_SETTINGS:
                caller.role.check_setting(name, value)
        asked = self._read(request)
        access.check(caller.role, asked.statement, database=call.database, parameters=request.parameters)
        if request.reads_only:
            access.check_reads_only(asked.statement)
        with self._running.place(caller.query_id, caller.role, caller.started_s) as query:
            if asked.load is None:
                query.client = caller.client
            try:
                self._run(call, asked, query, reply)
            finally:
                charge.read_rows = query.read_rows

    def _run(self, call: Call, asked: Asked, query: Query, reply: Reply) -> None:
        kind = asked.statement.kind
        if kind == "SetQuery" and call.role.reads_only:
            if call.session is not None:
                call.session.settings |= dict(asked.statement.changed_settings())
            reply.whole(b"", Counted(), 0)
            return
        with self._handle(call, asked, query) as handle:
            limit_s = _seconds({**call.role.settings, **call.settings}.get("max_execution_time", "0"))
            if asked.load is not None:
                counted = self._insert(asked.load, handle, query, limit_s)
                reply.whole(b"", counted, self._reader.elapsed_ns(query))
                return
            statement = asked.statement
            if kind == "KillQueryQuery":
                statement = self._parser.parse(kill(statement.sql, call.role, self._running, handle))
            if call.role.reads_only:
                query.limit_s = limit_s
                statement = self._parser.parse(
                    show_changeable(statement, call.role, self._engine, self._parser)
                )
            self._reader.run(_reading(call, statement, reply), handle, query, reply)
            if kind == "UseQuery" and call.session is not None:
                call.session.database = _used(asked.statement)

    def _insert(self, load: Load, handle: Handle, query: Query, limit_s: float) -> Counted:
        try:
            return self._inserter.run(load, handle, query, limit_s=limit_s)
        except Refused as error:
            if ran_out_of_memory(self._engine, error):
                self._running.give_way()
            raise

    def _read(self, request: Request) -> Asked:
        """The statement, and where its data starts. Everything is read but an insert's data."""
        size = self._limits.read_piece_bytes
        text = b""
        while len(text) < HEADER_LOOK_BYTES and (piece := request.body.read(size)):
            text += piece
        header = _header(text)
        if header is not None and header.format:
            return self._insert_with_data(request, text, header)
        text = read_all(
            Joined(text, request.body),
            bytes_max=self._limits.query_bytes_max,
            piece_bytes=size,
            what="The query",
            way_out=": send long values as parameters (param_…), and rows as the data of an INSERT",
        )
        header = _header(text)
        if header is not None:
            return self._insert_with_data(request, text, header)
        if not text.strip(b" \t\r\n;\0"):
            raise Refused(
                62, "SYNTAX_ERROR", "Syntax error: failed at position 1 (end of query): Empty query."
            )
        return Asked(self._parser.parse(text))

    def _insert_with_data(self, request: Request, text: bytes, header: sqltext.InsertHeader) -> Asked:
        input_format = header.format or request.default_format or "Values"
        statement = self._parser.parse(insert_text(header.sql, input_format))
        # Found anywhere else, or nowhere, what is taken for data would be read as more of the statement.
        tree = statement.tree or {}
        if statement.kind != "InsertQuery" or tree.get("select") or tree.get("format") != input_format:
            raise Refused(62, "SYNTAX_ERROR", "Syntax error: this INSERT does not end where its data begins.")
        data = Joined(text[header.data_at :], request.body)
        return Asked(statement, Load(header.sql, input_format, data))

    @contextmanager
    def _handle(self, call: Call, asked: Asked, query: Query) -> Iterator[Handle]:
        """A handle set up for this statement: the session's, if that keeps one, else one of its own."""
        session, insert = call.session, asked.load is not None
        settings = {name: value for name, value in call.settings.items() if name not in HTTP_SETTINGS}
        if insert:
            settings["max_execution_time"] = "0"
        parameters = call.request.parameters if insert else None
        if session is not None and session.handle is not None:
            session.handle.prepare(database=call.database, settings={}, parameters=parameters)
            with _for_now(session.handle, settings):
                yield session.handle
            return
        own = call.role.handle_settings()
        if query.memory_bytes:
            own["max_memory_usage"] = str(query.memory_bytes)
        if asked.statement.is_select:
            last = _last(call, keeps=False)
            setup = Setup(call.database, tuple((own | settings).items()), tuple(last.items()))
            with self._handles.lent(setup) as handle:
                yield handle
            return
        handle = self._engine.handle()
        keep = False
        try:
            if session is not None and _leaves_state(asked.statement):
                handle.prepare(database=call.database, settings=own, last=_last(call, keeps=True))
                with _for_now(handle, settings):
                    yield handle
                session.handle, keep = handle, True
            else:
                handle.prepare(
                    database=call.database,
                    settings=own | settings,
                    parameters=parameters,
                    last=_last(call, keeps=False),
                )
                yield handle
        finally:
            if not keep:
                handle.close()


def _call(request: Request, role: Role, session: Session | None) -> Call:
    kept = session.settings if session is not None else {}
    database = request.database or (session.database if session is not None else "") or DEFAULT_DATABASE
    return Call(request, role, session, {**kept, **request.settings}, database)


def _header(text: bytes) -> sqltext.InsertHeader | None:
    return sqltext.insert_header(text) if sqltext.first_word(text) == b"INSERT" else None


def _last(call: Call, *, keeps: bool) -> dict[str, str]:
    """What is set after everything else, because nothing can be set after it."""
    if call.role.reads_only:
        return {"readonly": "1"}
    last = {} if call.role.ddl else {"allow_ddl": "0"}
    # GET reads. A handle that stays with its session must be able to write again later.
    if call.request.reads_only and not keeps:
        last["readonly"] = "2"
    return last


def _leaves_state(statement: Statement) -> bool:
    return statement.kind == "SetQuery" or bool(statement.tree and statement.tree.get("is_temporary"))


@contextmanager
def _for_now(handle: Handle, settings: dict[str, str]) -> Iterator[None]:
    """Set what one request of a session asks for, and put back what the session had."""
    if not settings:
        yield
        return
    names = ", ".join(quote(name) for name in settings)
    sql = f"SELECT name, changed, value FROM system.settings WHERE name IN ({names})"  # noqa: S608 - quoted
    rows = handle.query(sql.encode(), "TSVRaw").data.decode().splitlines()
    before = {name: (changed == "1", value) for name, changed, value in (row.split("\t", 2) for row in rows)}
    handle.change(settings)
    try:
        yield
    finally:
        handle.change({name: value for name, (changed, value) in before.items() if changed})
        handle.reset([name for name, (changed, _) in before.items() if not changed])


def _reading(call: Call, statement: Statement, reply: Reply) -> Reading:
    output_format = statement.format or call.request.default_format or DEFAULT_FORMAT
    formats.refuse_unknown(output_format)
    changed = set(call.settings) | set(dict(statement.changed_settings()))
    if call.session is not None and call.session.handle is not None:
        # What the session has SET is the engine's secret; whole is right for every setting.
        changed.add("extremes")
    reply.headers["Content-Type"] = formats.content_type(output_format)
    if statement.answers:
        reply.headers["X-ClickHouse-Format"] = output_format
    return Reading(
        sql=statement.sql,
        output_format=output_format,
        parameters=call.request.parameters,
        streams=statement.is_select and not statement.has_totals and formats.streams(output_format, changed),
        wait_end=call.request.flag("wait_end_of_query"),
    )


def _used(statement: Statement) -> str:
    named = (statement.tree or {}).get("database")
    return str(named.get("name", "")) if isinstance(named, dict) else ""


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        raise Refused(72, "CANNOT_PARSE_NUMBER", "max_execution_time is not a number.") from None
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0

"""`ugc etl`: the pipeline with its real sides, from the first wait for them to a clean end."""

import gc
from collections.abc import Callable, Collection
from random import SystemRandom
from typing import TypeVar

import structlog
from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from clickhouse.client import Unavailable, WarehouseError, connect
from contract.topics import DEAD, EVENTS
from etl import canary
from etl.asking import Warehouse
from etl.assignment import Assignment
from etl.brake import REMEMBERED_DAYS, Brake
from etl.canary import Canaries
from etl.cutting import Cutter
from etl.dead_letters import KafkaDeadLetters
from etl.dedup import Dedup
from etl.errors import Abandoned, EtlError, Fatal, Retryable, StopAsked
from etl.health import HealthServer, Routes, health_routes
from etl.kafka_client import connection
from etl.load import ClickHouseStore, check_columns
from etl.loading import Loader, LoaderThreads
from etl.oldest import OldestRows
from etl.pipeline import Pipeline
from etl.placing import describe
from etl.retry import BackOff, Retry
from etl.settings import EtlSettings
from etl.source import open_source
from etl.stop import StopSignal
from etl.watch import Watch
from telemetry.clock import Clock, SystemClock
from telemetry.health import NotReady
from telemetry.metrics import Metrics

T = TypeVar("T")

RETRY_FIRST_MS = 100
# Of the time to stop: for the ranges that are being stored.
FINISH_SHARE = 0.8
# Of a source that is given up for another; it waits five seconds for a broker that does not answer.
CLOSED_WITHIN_S = 30.0


def run(settings: EtlSettings) -> int:
    """Move events until SIGTERM or SIGINT, then return 0; 1 after one clear line when it cannot go on.

    Waits for the broker and the warehouse as long as it takes, at the start and later.
    """
    log = structlog.get_logger()
    try:
        with StopSignal(stop_within_ms=settings.etl_stop_within_ms) as stop:
            _Run(settings, stop, clock=SystemClock()).until_stopped()
    except EtlError as error:  # a block that stays refused stops us like anything Fatal
        log.error("etl_stopped", reason=str(error))  # noqa: TRY400 - one line, expected
        return 1
    log.info("etl_stopped", reason="asked to")
    return 0


class _Run:
    """One process's life: its parts, made once, and a source that is opened anew when it breaks."""

    def __init__(self, settings: EtlSettings, stop: StopSignal, *, clock: Clock) -> None:
        self._settings = settings
        # The same, until the name it gives us is in the way.
        self._joining = settings
        self._stop = stop
        self._clock = clock
        self._metrics = Metrics()
        self._watch = Watch(
            self._metrics,
            clock=clock,
            stalled_after_ms=settings.etl_stalled_after_ms,
            loaders=settings.etl_loaders,
        )
        back_off = BackOff(RETRY_FIRST_MS, settings.etl_retry_max_ms)
        self._random = SystemRandom()
        self._retry = Retry(back_off, random=self._random, watch=self._watch)
        self._log = structlog.get_logger()
        self._store: ClickHouseStore | None = None
        self._canaries: Canaries | None = None

    def until_stopped(self) -> None:
        settings = self._settings
        server = HealthServer(settings.etl_metrics_host, settings.etl_metrics_port, self._routes())
        server.start()
        try:
            self._store = store = self._patiently("connect", self._connect)
            check_columns(self._patiently("columns", store.columns))
            letters = KafkaDeadLetters(settings, DEAD, clock=self._clock)
            self._canaries = canaries = Canaries(
                Producer(canary.configuration(settings)),
                interval_ms=settings.etl_canary_interval_ms,
                clock=self._clock,
            )
            # What was made until now lasts as long as the process: no collection has to look at it again.
            gc.freeze()
            try:
                dedup = Dedup(store, seen_bytes_max=settings.etl_seen_bytes_max)
                brake = self._brake()
                self._patiently("remember", lambda: self._remind(brake))
                loader = self._loader(store, letters, dedup, brake)
                self._patiently("oldest", self._tell_oldest)
                while not self._stop.asked():
                    self._move_or_pause(loader, dedup, canaries)
            finally:
                canaries.close()
                letters.close()
        except StopAsked:
            return
        finally:
            server.stop()

    def _tell_oldest(self) -> None:
        warehouse = Warehouse(self._client(), answer_within_s=self._settings.etl_warehouse_timeout_ms // 1000)
        oldest = OldestRows(warehouse, self._metrics, clock=self._clock)
        oldest.start(wait=self._stop.wait, stopping=self._stop.asked)

    def _brake(self) -> Brake:
        settings = self._settings
        return Brake(
            ratio_max=settings.etl_dead_ratio_max,
            run_max=settings.etl_dead_run_max,
            window=settings.etl_dead_window,
        )

    def _remind(self, brake: Brake) -> None:
        """Tell the brake what became of the records before our time; each range was one record at least."""
        settings = self._settings
        topic = describe(AdminClient(connection(settings)), EVENTS.name)
        warehouse = Warehouse(self._client(), answer_within_s=settings.etl_warehouse_timeout_ms // 1000)
        moved = warehouse.ask(
            "lately_moved", topic_id=topic.id, days=REMEMBERED_DAYS, ranges_max=settings.etl_dead_window
        )
        brake.remember(moved)

    def _loader(
        self, store: ClickHouseStore, letters: KafkaDeadLetters, dedup: Dedup, brake: Brake
    ) -> Loader:
        return Loader(
            store,
            letters,
            dedup=dedup,
            brake=brake,
            retry=self._retry,
            watch=self._watch,
            clock=self._clock,
            pause=self._stop.wait,
            stopping=self._stop.asked,
            # Half of it: what is sent then arrives before anybody else may own the partition.
            sure_for_s=self._settings.etl_session_timeout_ms / 1000 / 2,
        )

    def _move_or_pause(self, loader: Loader, dedup: Dedup, canaries: Canaries) -> None:
        try:
            self._move(loader, dedup, canaries)
        except Retryable as error:
            if isinstance(error, Abandoned):
                self._joining = self._joining.model_copy(update={"etl_instance_id": ""})
            self._log.warning("source_opened_anew", reason=str(error))
            self._watch.looped(joined=False, lag={})
            self._stop.wait(self._random.uniform(0, self._settings.etl_retry_max_ms / 1000))

    def _move(self, loader: Loader, dedup: Dedup, canaries: Canaries) -> None:
        """Until asked to stop, with one source; a broken one raises Retryable, and the next goes on."""
        settings = self._settings

        def each_turn(assignments: Collection[Assignment]) -> None:
            canaries.send_due(assignments)
            dedup.forget_ended()

        source = open_source(self._joining, EVENTS, clock=self._clock)
        loaders = LoaderThreads(loader, threads=settings.etl_loaders)
        try:
            Pipeline(
                source,
                loaders,
                cutter=Cutter(settings.cut_limits(), clock=self._clock),
                retry=self._retry,
                watch=self._watch,
                clock=self._clock,
                stopping=self._stop.asked,
                buffer_bytes_max=settings.etl_buffer_bytes_max,
                # The rest is for leaving the group.
                finish_within_s=settings.etl_stop_within_ms / 1000 * FINISH_SHARE,
                confirm_every_s=settings.etl_session_timeout_ms / 1000 / 5,
                each_turn=each_turn,
            ).run()
        finally:
            with self._stop.lasting_at_most(CLOSED_WITHIN_S):
                source.close()
            loaders.close()

    def _connect(self) -> ClickHouseStore:
        timeout_s = self._settings.etl_warehouse_timeout_ms // 1000
        return ClickHouseStore(self._client(), answer_within_s=timeout_s)

    def _client(self) -> Client:
        timeout_s = self._settings.etl_warehouse_timeout_ms // 1000
        try:
            return connect(self._settings.dsn("writer"), read_timeout_s=timeout_s)
        except Unavailable as error:
            raise Retryable(str(error)) from error
        except WarehouseError as error:
            raise Fatal(
                f"the warehouse does not let us in ({error}); "
                "check UGC_WAREHOUSE_DSN and UGC_WRITER_PASSWORD, and run `ugc migrate`"
            ) from error

    def _patiently(self, step: str, action: Callable[[], T]) -> T:
        def wait(seconds: float) -> None:
            self._stop.wait(seconds)
            if self._stop.asked():
                raise StopAsked

        return self._retry.call(step, action, wait=wait)[0]

    def _routes(self) -> Routes:
        settings = self._settings

        def looping() -> None:
            silent_s = self._watch.silent_s()
            if self._store is not None and silent_s * 1000 > settings.etl_max_poll_interval_ms:
                raise NotReady(f"the loop has not come round for {silent_s:.0f} s")

        def warehouse() -> None:
            if self._store is None:
                raise NotReady("no connection to the warehouse yet")
            self._store.ping()

        def broker() -> None:
            if self._canaries is not None:
                self._canaries.check_answered(within_s=settings.etl_stalled_after_ms / 1000)

        return health_routes(
            registry=self._metrics.registry,
            live={"loop": looping},
            ready={
                "warehouse": warehouse,
                "log": self._watch.check_log,
                "broker": broker,
                "pipeline": self._watch.check_moving,
            },
            clock=self._clock,
        )

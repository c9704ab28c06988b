"""Every bound of this server, by name and unit: the defaults of one frozen value that is handed around."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one warehouse process will take on, and for how long it waits."""

    threads: int = 64
    connections_kept_max: int = 512
    backlog_max: int = 256
    # Above running: they wait for a place, at most queue_wait_s, and at most so many.
    queries_running_max: int = 24
    queries_waiting_max: int = 24
    # The rest of the running ones is kept for who writes: questions cannot shut inserts out.
    reads_running_max: int = 16
    # Requests of one reader at a time, from before they are read: each has a thread.
    reads_let_in_max: int = 40
    # What is left for each place of a user whose queries together have a limit; what each question gets
    # while memory is short.
    query_memory_bytes_min: int = 64 * MIB
    # Of the engine's memory what questions may use then: two inserts of the largest ranges need the rest.
    short_reads_share: float = 0.5
    # So long after an insert failed for want of it.
    short_of_memory_s: float = 60.0
    queue_wait_s: float = 5.0
    # Set up and waiting; 100 KiB each.
    handles_kept_max: int = 24
    sessions_max: int = 1_000
    session_timeout_s_default: int = 60
    session_timeout_s_max: int = 3_600

    header_bytes_max: int = 1 * MIB
    # As ClickHouse's own max_query_size: a text is judged before it has a place, and its tree is a hundred
    # times as large. Data of an insert, and parameters, do not count.
    query_bytes_max: int = 256 * 1024
    form_bytes_max: int = 32 * MIB
    insert_bytes_max: int = 16 * 1024 * MIB
    read_piece_bytes: int = 256 * 1024
    # A client that stops sending, or stops reading, for this long is gone.
    socket_idle_s: float = 30.0
    # Rest of a body nobody wants, read so that the client sees the answer instead of a reset connection.
    drain_bytes_max: int = 64 * MIB
    drain_s_max: float = 10.0
    # Of somebody who was not let in: what is on its way already.
    drain_of_strangers_s_max: float = 0.2

    # wait_end_of_query: kept in memory up to here, on disk above.
    spool_memory_bytes_max: int = 4 * MIB
    spool_bytes_max: int = 4 * 1024 * MIB

    # A question that outlives its limit by so much is one that the engine cannot end: the process ends it.
    overrun_s: float = 60.0
    # For what else runs then, and for ending in order.
    overrun_grace_s: float = 5.0
    disconnect_check_s: float = 0.25
    slow_query_s: float = 2.0
    # Together with ending what is left, below what a supervisor waits (30 s).
    stop_grace_s: float = 15.0
    # Short ones are kept with their trees, half a KiB a node: 50 MiB.
    statement_cached_bytes_max: int = 64 * 1024
    statements_cached_max: int = 512
    statements_cached_nodes_max: int = 100_000

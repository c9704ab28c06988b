"""The warehouse's directory: one owner at a time, and the configuration its engine reads.

<path>/owner.lock   held while the process lives, however it ends
<path>/server.xml   what the engine differs in from its defaults; written at each start
<path>/data/        the engine's own
<path>/spool/       answers too large to wait for in memory
"""

from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape

from embedded.ownership import Taken, own
from embedded.warehouse.errors import WarehouseError
from embedded.warehouse.limits import MIB

LOCK_NAME = "owner.lock"
# Nothing new is written where less is free, so that merges under way still end: the engine keeps one that met
# a full disk with empty files, and drops the rows it was made of.
KEEP_FREE_MB = 128


class Directory:
    """Made, writable and owned by this process. Raises WarehouseError otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.data = self.path / "data"
        self.spool = self.path / "spool"
        self.config_file = self.path / "server.xml"
        try:
            for each in (self.data, self.spool):
                each.mkdir(parents=True, exist_ok=True)
            self._lock = _own(self.path / LOCK_NAME)
            for left in self.spool.iterdir():
                left.unlink()
        except OSError as error:
            raise WarehouseError(
                f"cannot write to {self.path} ({error.strerror}); "
                "make it writable, free some space, or set UGC_DATA_DIR to another directory"
            ) from None

    def configure(self, *, memory_mb: int) -> None:
        """Write the engine's configuration."""
        try:
            self.config_file.write_text(_config(self.path, memory_mb), encoding="utf-8")
        except OSError as error:
            raise WarehouseError(
                f"cannot write {self.config_file} ({error.strerror}); "
                "free some space, or set UGC_DATA_DIR to another directory"
            ) from None

    def release(self) -> None:
        """Let the next owner in."""
        self._lock.close()


def _own(path: Path) -> IO[str]:
    try:
        return own(path)
    except Taken as taken:
        raise WarehouseError(
            f"another warehouse (process {taken.owner}) owns {path.parent}; "
            "stop it, or set UGC_DATA_DIR to another directory"
        ) from None


def _config(path: Path, memory_mb: int) -> str:
    """Production's server settings, as far as chDB knows them, cut to one machine's size."""
    memory_bytes = memory_mb * MIB
    return f"""<clickhouse>
    <users_config>{escape(str(path / "server.xml"))}</users_config>
    <storage_configuration>
        <disks><default><keep_free_space_bytes>{KEEP_FREE_MB * MIB}</keep_free_space_bytes></default></disks>
    </storage_configuration>
    <max_server_memory_usage>{memory_bytes}</max_server_memory_usage>
    <mark_cache_size>{memory_bytes // 16}</mark_cache_size>
    <index_mark_cache_size>{memory_bytes // 32}</index_mark_cache_size>
    <uncompressed_cache_size>0</uncompressed_cache_size>
    <mmap_cache_size>0</mmap_cache_size>
    <background_pool_size>2</background_pool_size>
    <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
    <background_schedule_pool_size>8</background_schedule_pool_size>
    <background_common_pool_size>2</background_common_pool_size>
    <background_move_pool_size>1</background_move_pool_size>
    <background_fetches_pool_size>1</background_fetches_pool_size>
    <merge_tree>
        <parts_to_delay_insert>500</parts_to_delay_insert>
        <parts_to_throw_insert>1500</parts_to_throw_insert>
        <max_bytes_to_merge_at_max_space_in_pool>10737418240</max_bytes_to_merge_at_max_space_in_pool>
    </merge_tree>
    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <users>
        <default>
            <password/>
            <profile>default</profile>
            <quota>default</quota>
            <networks><ip>::/0</ip></networks>
        </default>
    </users>
</clickhouse>
"""

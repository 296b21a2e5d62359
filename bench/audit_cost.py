#!/usr/bin/env python3
"""What the audit costs: events a second into PostgreSQL beside COPY by psql of the same rows, into
the same tables and in the same run (goal: at least half); into the spool; and one fdatasync.

    bench/audit_cost.py [--events 100000] [--rounds 3] [--driver FILE]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.postgres import Postgres  # noqa: E402

COLUMNS = (
    "day,id,spool,sequence,hash,kind,at,statement_id,session_id,principal,effective_user,"
    "client_address,listener,pool,endpoint,database,tables_read,tables_written,sql_state,"
    "rows_returned,bytes_returned,run_us,body"
)
GOAL = 0.5
STATEMENT = 400  # bytes, as people's statements have


def drive(driver: Path, spool: Path, *words: str) -> dict[str, int]:
    argv = [str(driver), "--spool", str(spool), "--size", str(STATEMENT), "--segment", "16384"]
    argv += words
    out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    return json.loads(out.splitlines()[-1])


def one_round(
    server: Postgres, driver: Path, folder: Path, events: int
) -> tuple[float, float, float]:
    """Events a second into the spool, from there into the table, and by psql."""
    spool, rows = folder / "spool", folder / "rows"
    filled = drive(driver, spool, "--interval", "1000", "--threads", "1",
                   "--statements", str(events // 2), "--limit", "4194304")
    server.run("TRUNCATE hivegate.event; CHECKPOINT")
    shipped = drive(driver, spool, "--postgres", server.conninfo(), "--drain", "--threads", "1",
                    "--statements", "1")
    server.psql("-c", f"\\copy (SELECT {COLUMNS} FROM hivegate.event) TO '{rows}'")
    count = int(server.value("SELECT count(*) FROM hivegate.event"))
    server.run("TRUNCATE hivegate.event; CHECKPOINT")
    begun = time.monotonic()
    server.psql("-c", f"\\copy hivegate.event ({COLUMNS}) FROM '{rows}'")
    copied = time.monotonic() - begun
    return events / filled["us"] * 1e6, count / shipped["drained_us"] * 1e6, count / copied


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--driver", type=Path, default=ROOT / "build/tests/drivers/audit-driver")
    arguments = parser.parse_args()
    ctl = arguments.driver.resolve().parents[2] / "hivegatectl"
    with Postgres(settings=["fsync = on", "shared_buffers = 256MB", "max_wal_size = 4GB"]) as server:
        subprocess.run([ctl, "audit", "migrate", "-p", server.conninfo()], check=True)
        rounds = []
        for _ in range(arguments.rounds):
            with tempfile.TemporaryDirectory() as folder:
                rounds.append(one_round(server, arguments.driver, Path(folder), arguments.events))
            print("spool {:9.0f} events/s   PostgreSQL {:8.0f} events/s   psql COPY {:8.0f} rows/s"
                  "   ratio {:.2f}".format(*rounds[-1], rounds[-1][1] / rounds[-1][2]), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        one, many = Path(folder) / "one", Path(folder) / "many"
        alone = drive(arguments.driver, one, "--threads", "1", "--statements", "200")
        many = drive(arguments.driver, many, "--threads", "64", "--statements", "20")
    print(f"one fdatasync {alone['sync_us'] / alone['syncs']:.0f} us; one producer"
          f" {400 / alone['us'] * 1e6:.0f} durable events/s, 64 producers"
          f" {2560 / many['us'] * 1e6:.0f}")
    ratio = statistics.median(shipped / copied for _, shipped, copied in rounds)
    print(f"ratio to psql {ratio:.2f} (goal {GOAL}): {'reached' if ratio >= GOAL else 'missed'}")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())

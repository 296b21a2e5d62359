"""The faults of a scripted backend, ready for Backend.on()."""

from __future__ import annotations

import struct
import threading
import time

from .backend import Fault, Turn
from .messages import BigFetch
from .peer import BAD, frame, sasl_frame


def close(turn: Turn) -> None:
    turn.close()


def reset(turn: Turn) -> None:
    turn.reset()


def silence(turn: Turn) -> None:
    """Says nothing until hivegate hangs up."""
    turn.silence()
    turn.close()


def late(seconds: float) -> Fault:
    def fault(turn: Turn) -> None:
        time.sleep(seconds)
        if turn.call:
            turn.answer()

    return fault


def held(until: threading.Event) -> Fault:
    """Answers when it is let go."""

    def fault(turn: Turn) -> None:
        turn.wait(until)
        if turn.call:
            turn.answer()

    return fault


def refuse_login(text: str) -> Fault:
    def fault(turn: Turn) -> None:
        turn.raw(sasl_frame(BAD, text.encode()))
        turn.close()

    return fault


def bytes_instead(data: bytes, then_close: bool = False) -> Fault:
    """These bytes, as they are, in place of an answer."""

    def fault(turn: Turn) -> None:
        turn.raw(data)
        if then_close:
            turn.close()
        else:
            turn.silence()

    return fault


def message_instead(message: bytes) -> Fault:
    """This message, in a frame of its own, in place of the answer."""

    def fault(turn: Turn) -> None:
        turn.answer(message)

    return fault


def edited(edit) -> Fault:
    """The normal answer, changed by edit(bytes)."""

    def fault(turn: Turn) -> None:
        turn.answer(edit(turn.normal()))

    return fault


def twice(turn: Turn) -> None:
    message = turn.normal()
    turn.answer(message)
    turn.answer(message)


def half_then_close(turn: Turn) -> None:
    message = turn.normal()
    data = frame(message) if turn.backend.sasl else message
    turn.raw(data[: len(data) // 2])
    turn.close()


def split_frames(size: int) -> Fault:
    """The answer in SASL frames of that many bytes."""

    def fault(turn: Turn) -> None:
        message = turn.normal()
        data = bytearray()
        for at in range(0, len(message), size):
            data += frame(message[at : at + size])
        turn.raw(data)

    return fault


def trickle(piece: int, pause: float) -> Fault:
    """The answer in small pieces of bytes."""

    def fault(turn: Turn) -> None:
        message = turn.normal()
        data = frame(message) if turn.backend.sasl else message
        for at in range(0, len(data), piece):
            turn.raw(data[at : at + piece])
            time.sleep(pause)

    return fault


def big_until(size: int, sent: int, then) -> Fault:
    """The first `sent` bytes of a reply of `size` bytes, then then(turn)."""

    def fault(turn: Turn) -> None:
        assert turn.call
        big = BigFetch(turn.call.seqid, size)
        data = bytearray(struct.pack(">I", big.size) if turn.backend.sasl else b"")
        for chunk in big.chunks():
            data += chunk
            if len(data) >= sent:
                break
        turn.raw(data[:sent])
        then(turn)

    return fault

"""The Thrift binary protocol as a plain tree, for messages that no generated class knows.

A struct is a list of (field id, type, value) in the order of the wire, so that what a server really
sent can be compared field by field; encode(decode(x)) == x for every well-formed message.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, NamedTuple

STOP, BOOL, BYTE, DOUBLE, I16, I32, I64 = 0, 2, 3, 4, 6, 8, 10
STRING, STRUCT, MAP, SET, LIST = 11, 12, 13, 14, 15

CALL, REPLY, EXCEPTION, ONEWAY = 1, 2, 3, 4

_FIXED = {BOOL: ">b", BYTE: ">b", DOUBLE: ">d", I16: ">h", I32: ">i", I64: ">q"}


class Field(NamedTuple):
    id: int
    type: int
    value: Any


@dataclass
class Sequence:
    """A list or a set."""

    kind: int
    element: int
    values: list


@dataclass
class Mapping:
    key: int
    value: int
    items: list[tuple[Any, Any]]


@dataclass
class Message:
    type: int
    name: str
    seqid: int
    body: list[Field]


class Truncated(Exception):
    """The bytes end before the message does."""


class _Reader:
    def __init__(self, data: bytes, at: int = 0):
        self.data = data
        self.at = at

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            raise Truncated(f"{size} bytes wanted at {self.at} of {len(self.data)}")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def string(self) -> bytes:
        return self.take(self.number(">i"))

    def value(self, kind: int) -> Any:
        if kind in _FIXED:
            return self.number(_FIXED[kind])
        if kind == STRING:
            return self.string()
        if kind == STRUCT:
            return self.fields()
        if kind == MAP:
            key, value, size = self.number(">b"), self.number(">b"), self.number(">i")
            return Mapping(key, value, [(self.value(key), self.value(value)) for _ in range(size)])
        if kind in (LIST, SET):
            element, size = self.number(">b"), self.number(">i")
            return Sequence(kind, element, [self.value(element) for _ in range(size)])
        raise ValueError(f"no Thrift type {kind} at {self.at}")

    def fields(self) -> list[Field]:
        found = []
        while (kind := self.number(">b")) != STOP:
            found.append(Field(self.number(">h"), kind, self.value(kind)))
        return found


def decode(data: bytes) -> Message:
    """Reads one strict message, which must fill the bytes exactly."""
    message, size = decode_prefix(data)
    if size != len(data):
        raise ValueError(f"{len(data) - size} bytes left over behind the {message.name} message")
    return message


def decode_prefix(data: bytes) -> tuple[Message, int]:
    """Reads one strict message at the start; returns it and its size."""
    reader = _Reader(data)
    head = reader.number(">I")
    if head & 0xFFFF0000 != 0x80010000:
        raise ValueError(f"not a strict Thrift message: {data[:16].hex()}")
    name = reader.string().decode()
    seqid = reader.number(">i")
    return Message(head & 0xFF, name, seqid, reader.fields()), reader.at


def struct_bytes(fields: list[Field] | list[tuple[int, int, Any]]) -> bytes:
    return _encode_value(STRUCT, fields)


def _encode_value(kind: int, value: Any) -> bytes:
    if kind in _FIXED:
        return struct.pack(_FIXED[kind], value)
    if kind == STRING:
        raw = value.encode() if isinstance(value, str) else value
        return struct.pack(">i", len(raw)) + raw
    if kind == STRUCT:
        parts = [struct.pack(">bh", t, i) + _encode_value(t, v) for i, t, v in value]
        return b"".join(parts) + b"\0"
    if kind == MAP:
        head = struct.pack(">bbi", value.key, value.value, len(value.items))
        pairs = (_encode_value(value.key, k) + _encode_value(value.value, v) for k, v in value.items)
        return head + b"".join(pairs)
    if kind in (LIST, SET):
        head = struct.pack(">bi", value.element, len(value.values))
        return head + b"".join(_encode_value(value.element, v) for v in value.values)
    raise ValueError(f"no Thrift type {kind}")


def head_bytes(name: str, seqid: int, kind: int = CALL, strict: bool = True) -> bytes:
    raw = name.encode()
    if strict:
        return struct.pack(">Ii", 0x80010000 | kind, len(raw)) + raw + struct.pack(">i", seqid)
    return struct.pack(">i", len(raw)) + raw + struct.pack(">bi", kind, seqid)


def encode(message: Message) -> bytes:
    return head_bytes(message.name, message.seqid, message.type) + struct_bytes(message.body)


def get(fields: list[Field], *path: int) -> Any:
    """The value down a path of field ids, or None where a field is absent."""
    value: Any = fields
    for wanted in path:
        for field in value:
            if field.id == wanted:
                value = field.value
                break
        else:
            return None
    return value


def show(value: Any) -> Any:
    """A tree fit for an assertion's diff: text where it is text, hex where it isn't."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {"map": [(show(k), show(v)) for k, v in value.items]}
    if isinstance(value, Sequence):
        return [show(v) for v in value.values]
    if isinstance(value, list):
        return {f.id: show(f.value) for f in value}
    return value

"""PROXY headers for the fault tests, byte by byte in our hands."""

from __future__ import annotations

import ipaddress
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
UNSPEC, TCP4, UDP4, TCP6, UNIX = 0x00, 0x11, 0x12, 0x21, 0x31


def v1(client: str, port: int = 4711) -> bytes:
    """A line for a client of either family."""
    family = ipaddress.ip_address(client).version
    here = "198.51.100.1" if family == 4 else "2001:db8::2"
    return f"PROXY TCP{family} {client} {here} {port} 10000\r\n".encode()


def binary(command: int, family: int, body: bytes = b"", length: int | None = None) -> bytes:
    """A version 2 header of any kind; `length` is what it says of its own."""
    said = len(body) if length is None else length
    return SIGNATURE + struct.pack(">BBH", command, family, said) + body


def addresses(client: str, port: int = 4711) -> bytes:
    address = ipaddress.ip_address(client)
    here = ipaddress.ip_address("198.51.100.1" if address.version == 4 else "2001:db8::2")
    return address.packed + here.packed + struct.pack(">HH", port, 10000)


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack(">BH", kind, len(value)) + value


def v2(client: str, port: int = 4711, tlvs: bytes = b"") -> bytes:
    family = TCP4 if ipaddress.ip_address(client).version == 4 else TCP6
    return binary(PROXY, family, addresses(client, port) + tlvs)


def crc32c(data: bytes) -> int:
    """RFC 4960, Appendix B."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def v2_checked(client: str, port: int = 4711) -> bytes:
    """With other TLVs around its checksum."""
    before, behind = tlv(0x01, b"h2"), tlv(0x04, b"\0" * 9) + tlv(0xE0, b"own")
    header = v2(client, port, before + tlv(0x03, bytes(4)) + behind)
    at = len(header) - len(behind) - 4
    return header[:at] + struct.pack(">I", crc32c(header)) + header[at + 4 :]

#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: one folder per target, one file per seed.

    make_corpus.py FOLDER

The messages have the shapes that real clients and a real Spark Thrift Server send (beeline, Hive
JDBC, PyHive, impyla, the Databricks driver); handles and names are made up. What the fuzzers found
is kept beside this script, in corpus/<target>/, and is a seed too.
"""

from __future__ import annotations

import base64
import json
import pathlib
import struct
import sys
from typing import Any

BOOL, BYTE, DOUBLE, I16, I32, I64, STRING, STRUCT, MAP, SET, LIST = (
    2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15,
)  # fmt: skip
CALL, REPLY, EXCEPTION, ONEWAY = 1, 2, 3, 4

# A value is (type, python value): a struct is a list of (id, value), a list or set is
# (element type, [python values]), a map is (key type, value type, {key: value}).
Value = tuple[int, Any]
Fields = list[tuple[int, Value]]

NUMBERS = {BOOL: ">B", BYTE: ">B", DOUBLE: ">d", I16: ">h", I32: ">i", I64: ">q"}
HANDLE = (STRUCT, [(1, (STRING, bytes(range(16)))), (2, (STRING, bytes(range(16, 32))))])
SESSION = (STRUCT, [(1, HANDLE)])
OPERATION = (STRUCT, [(1, HANDLE), (2, (I32, 0)), (3, (BOOL, 1))])
SUCCESS = (STRUCT, [(1, (I32, 0))])

# As in the enum of src/hs2/method.h: the reply target's first byte picks a method.
METHODS = [
    "OpenSession", "CloseSession", "GetInfo", "ExecuteStatement", "GetTypeInfo", "GetCatalogs",
    "GetSchemas", "GetTables", "GetTableTypes", "GetColumns", "GetFunctions", "GetPrimaryKeys",
    "GetCrossReference", "GetOperationStatus", "CancelOperation", "CloseOperation",
    "GetResultSetMetadata", "FetchResults", "GetDelegationToken", "CancelDelegationToken",
    "RenewDelegationToken", "GetQueryId", "SetClientInfo", "UploadData", "DownloadData",
]  # fmt: skip


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack(">i", len(raw)) + raw


def encode(kind: int, value: Any) -> bytes:
    if kind in NUMBERS:
        return struct.pack(NUMBERS[kind], value)
    if kind == STRING:
        return text(value)
    if kind == STRUCT:
        heads = (struct.pack(">Bh", v[0], i) + encode(*v) for i, v in value)
        return b"".join(heads) + b"\0"
    if kind == MAP:
        key, other, entries = value
        pairs = (encode(key, k) + encode(other, v) for k, v in entries.items())
        return struct.pack(">BBi", key, other, len(entries)) + b"".join(pairs)
    element, values = value
    return struct.pack(">Bi", element, len(values)) + b"".join(encode(element, v) for v in values)


def message(kind: int, name: str, fields: Fields, seqid: int = 1, strict: bool = True) -> bytes:
    body = encode(STRUCT, fields)
    if not strict:
        return text(name) + bytes([kind]) + struct.pack(">i", seqid) + body
    return struct.pack(">HBB", 0x8001, 0, kind) + text(name) + struct.pack(">i", seqid) + body


def call(name: str, fields: Fields, **how: Any) -> bytes:
    return message(CALL, name, [(1, (STRUCT, fields))], **how)


def reply(name: str, fields: Fields, **how: Any) -> bytes:
    return message(REPLY, name, [(0, (STRUCT, fields))], **how)


def texts(entries: dict[str, str]) -> Value:
    return (MAP, (STRING, STRING, entries))


def calls() -> dict[str, bytes]:
    fetch_size = {"set:hiveconf:hive.server2.thrift.resultset.default.fetch.size": "1000"}
    fetch = [(1, OPERATION), (2, (I32, 0)), (3, (I64, 1000))]
    direct = (STRUCT, [(1, (I64, 10000)), (2, (I64, 300000000))])
    return {
        "open-beeline": call(
            "OpenSession", [(1, (I32, 9)), (4, texts({**fetch_size, "use:database": "default"}))]
        ),
        "open-pyhive": call(
            "OpenSession", [(1, (I32, 5)), (2, (STRING, "alice")), (4, texts({}))], seqid=0
        ),
        "open-nosasl": call(
            "OpenSession",
            [(1, (I32, 9)), (2, (STRING, "alice")), (3, (STRING, "secret")), (4, texts({}))],
        ),
        "open-databricks": call(
            "OpenSession",
            [
                (4, texts({"ThriftTransport": "1"})),
                (0x501, (LIST, (I32, [17, 18]))),
                (0x502, (I64, 42248)),
                (0x503, texts({"UseNativeQuery": "2"})),
                (0x504, (STRUCT, [(2, (STRING, "default"))])),
                (0x505, (BOOL, 1)),
            ],
        ),
        "open-proxy-user": call(
            "OpenSession", [(1, (I32, 9)), (4, texts({"hive.server2.proxy.user": "bob"}))]
        ),
        "open-system": call(
            "OpenSession", [(1, (I32, 9)), (4, texts({"set:system:user.name": "root"}))]
        ),
        "execute": call(
            "ExecuteStatement",
            [
                (1, SESSION),
                (2, (STRING, "select id, cast(id as string) s from range(3)")),
                (3, texts({})),
                (4, (BOOL, 1)),
                (5, (I64, 0)),
            ],
        ),
        "execute-databricks": call(
            "ExecuteStatement",
            [(1, SESSION), (2, (STRING, "select 1")), (4, (BOOL, 1)), (0x501, direct)],
        ),
        "status": call("GetOperationStatus", [(1, OPERATION), (2, (BOOL, 1))], seqid=7),
        "fetch": call("FetchResults", fetch),
        "fetch-log": call("FetchResults", [*fetch, (4, (I16, 1))], seqid=0),
        "metadata": call("GetResultSetMetadata", [(1, OPERATION)]),
        "info": call("GetInfo", [(1, SESSION), (2, (I32, 17))]),
        "info-unversioned": call("GetInfo", [(1, SESSION), (2, (I32, 18))], strict=False),
        "tables": call(
            "GetTables",
            [
                (1, SESSION),
                (3, (STRING, "default")),
                (4, (STRING, "%")),
                (5, (LIST, (STRING, ["TABLE", "VIEW"]))),
            ],
        ),
        "close-operation": call("CloseOperation", [(1, OPERATION)]),
        "close-session": call("CloseSession", [(1, SESSION)]),
        "cancel": call("CancelOperation", [(1, OPERATION)]),
        "client-info": call("SetClientInfo", [(1, SESSION), (2, texts({"app": "x"}))]),
        "upload": call("UploadData", [(1, SESSION), (2, (STRING, "t")), (4, (STRING, b"\0\1\2"))]),
        "unknown": call("CloseImpalaOperation", [(1, OPERATION)], seqid=0),
        "oneway": message(ONEWAY, "CloseSession", [(1, (STRUCT, [(1, SESSION)]))]),
        "twice": call("CloseSession", [(1, SESSION), (1, SESSION)]),
        "wrong-type": call("CloseSession", [(1, (STRING, "handle"))]),
        "deep": call("X", [(1, nested(30))]),
        "too-deep": call("X", [(1, nested(40))]),
    }


def nested(depth: int) -> Value:
    value: Value = (LIST, (I32, [1]))
    for _ in range(depth):
        value = (STRUCT, [(1, value)])
    return value


def column(member: int, kind: int, values: list[Any]) -> list[tuple[int, Value]]:
    return [(member, (STRUCT, [(1, (LIST, (kind, values))), (2, (STRING, b"\0"))]))]


def replies() -> dict[str, tuple[str, bytes]]:
    columns = [
        column(5, I64, [0, 1, 2]),
        column(7, STRING, ["0", "1", "2"]),
        column(1, BOOL, [0, 1, 0]),
        column(6, DOUBLE, [0.5, -1.0, 1e300]),
    ]
    rows = (STRUCT, [(1, (I64, 0)), (2, (LIST, (STRUCT, []))), (3, (LIST, (STRUCT, columns)))])
    cell = [(7, (STRUCT, [(1, (STRING, "UA"))]))]
    old_rows = (STRUCT, [(1, (I64, 0)), (2, (LIST, (STRUCT, [[(1, (LIST, (STRUCT, [cell])))]])))])
    error = (
        STRUCT,
        [
            (1, (I32, 3)),
            (2, (LIST, (STRING, ["*org.apache.hive.service.cli.HiveSQLException:no table:25:24"]))),
            (3, (STRING, "42S02")),
            (4, (I32, 0)),
            (5, (STRING, "Invalid SessionHandle: SessionHandle [00010203-0405]")),
        ],
    )
    name_type = (
        STRUCT,
        [(1, (LIST, (STRUCT, [[(1, (STRUCT, [(1, (I32, 7)), (2, (STRUCT, []))]))]])))],
    )
    schema = (
        STRUCT,
        [(1, (LIST, (STRUCT, [[(1, (STRING, "s")), (2, name_type), (3, (I32, 0))]])))],
    )
    unknown = [(1, (STRING, "Invalid method name: 'GetLog'")), (2, (I32, 1))]
    made = {
        "open": (
            "OpenSession",
            reply(
                "OpenSession", [(1, SUCCESS), (2, (I32, 9)), (3, SESSION), (4, texts({}))], seqid=0
            ),
        ),
        "execute": (
            "ExecuteStatement",
            reply("ExecuteStatement", [(1, SUCCESS), (2, OPERATION)]),
        ),
        "execute-error": ("ExecuteStatement", reply("ExecuteStatement", [(1, error)])),
        "status": (
            "GetOperationStatus",
            reply(
                "GetOperationStatus",
                [(1, SUCCESS), (2, (I32, 2)), (7, (I64, 1)), (9, (BOOL, 1))],
            ),
        ),
        "status-failed": (
            "GetOperationStatus",
            reply(
                "GetOperationStatus",
                [(1, SUCCESS), (2, (I32, 5)), (3, (STRING, "42703")), (5, (STRING, "at org..."))],
            ),
        ),
        "fetch": (
            "FetchResults",
            reply("FetchResults", [(1, SUCCESS), (2, (BOOL, 0)), (3, rows)]),
        ),
        "fetch-rows": (
            "FetchResults",
            reply("FetchResults", [(1, SUCCESS), (2, (BOOL, 0)), (3, old_rows)]),
        ),
        "metadata": (
            "GetResultSetMetadata",
            reply("GetResultSetMetadata", [(1, SUCCESS), (2, schema)]),
        ),
        "info": (
            "GetInfo",
            reply("GetInfo", [(1, SUCCESS), (2, (STRUCT, [(1, (STRING, "Spark SQL"))]))]),
        ),
        "query-id": ("GetQueryId", reply("GetQueryId", [(1, (STRING, "q-1"))])),
        "close": ("CloseOperation", reply("CloseOperation", [(1, SUCCESS)])),
        "exception": ("GetInfo", message(EXCEPTION, "GetLog", unknown)),
        "nothing": ("GetInfo", message(REPLY, "GetInfo", [])),
    }
    return made


def frame(status: int, payload: bytes) -> bytes:
    return bytes([status]) + struct.pack(">i", len(payload)) + payload


def negotiations() -> dict[str, bytes]:
    start = frame(1, b"PLAIN")
    return {
        "java": start + frame(5, b"\0alice\0secret"),
        "python": start + frame(2, b"\0alice\0x"),
        "node": start + frame(2, b"alice\0alice\0secret"),
        "other-user": start + frame(5, b"bob\0alice\0secret"),
        "gssapi": frame(1, b"GSSAPI"),
        "no-password": start + frame(5, b"\0alice\0"),
        "empty": start + frame(5, b""),
        "failed": frame(3, b"Error validating the login"),
        "success": frame(5, b""),
        "utf-8": start + frame(5, "\0jürgen\0pässword".encode()),
        "plain": b"\0alice\0secret",
        "http": b"POST /cliservice HTTP/1.1\r\n\r\n",
        "thrift": b"\x80\x01\x00\x01\x00\x00\x00\x0bOpenSession",
        "tls": b"\x16\x03\x01\x02\x00\x01\x00",
        "long": b"\x01\x7f\xff\xff\xff",
    }


def head(line: str, *fields: str) -> bytes:
    return "".join(part + "\r\n" for part in (line, *fields, "")).encode("latin-1")


def chunks(*pieces: bytes, trailer: bytes = b"") -> bytes:
    parts = (b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"".join(parts) + b"0\r\n" + trailer + b"\r\n"


def http_requests() -> dict[str, bytes]:
    post, host = "POST /cliservice HTTP/1.1", "Host: 127.0.0.1:10001"
    java = [
        "Content-Type: application/x-thrift",
        "Accept: application/x-thrift",
        "User-Agent: Java/THttpClient/HC",
        "Authorization: Basic YWxpY2U6c2VjcmV0",
        "Content-Length: 5",
        host,
        "Connection: Keep-Alive",
        "Accept-Encoding: gzip,deflate",
        "X-XSRF-HEADER: true",
    ]
    chunked = "Transfer-Encoding: chunked"
    return {
        "jdbc": head(post, *java) + b"hello" + head(post, *java) + b"world",
        "cookie": head(post, host, "Cookie: a=b; hive.server2.auth=cu=alice&rn=1&s=x=", "A:"),
        "python": head(post, host, "Accept-Encoding: identity", "Authorization: Bearer a.b.c"),
        "chunked": head(post, host, chunked) + chunks(b"hello", b"\r\n0\r\n") + head(post, host),
        "continue": head(post, host, "Expect: 100-continue", "Content-Length: 2") + b"ab",
        "query": head("POST http://h:1/a?x=%41&do%41s=b+c%2B HTTP/1.1", host),
        "old": b"\r\n" + head("POST / HTTP/1.0", "Connection: keep-alive") + head("GET / HTTP/1.0"),
        "options": head("OPTIONS * HTTP/1.1", host, "Connection: close"),
        "same-length": head(post, host, "Content-Length: 1", "content-length:1") + b"x",
        "other-length": head(post, host, "Content-Length: 1", "Content-Length: 2"),
        "both": head(post, host, "Content-Length: 4", chunked) + chunks(b"abc"),
        "coding-twice": head(post, host, chunked, chunked),
        "coding-list": head(post, host, "Transfer-Encoding: gzip, chunked"),
        "folded": head(post, host, "A: b", " c"),
        "space": head(post, host, "Content-Length : 5"),
        "bare-lf": head(post, host, "A: b\nContent-Length: 5"),
        "hosts": head(post, host, host),
        "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "tunnel": head("CONNECT h:1 HTTP/1.1", host),
        "forwarded": head(
            post,
            host,
            "X-Forwarded-For: x, 203.0.113.9:1, 10.1.1.1",
            "A: b",
            "x-forwarded-for: [2001:db8::1]:7,,192.0.2.1 ",
        ),
        "forwarded-all": head(post, host, "X-Forwarded-For: 10.0.0.1, 2001:db8::1, 192.0.2.1"),
        "forwarded-bad": head(post, host, "X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: unknown"),
        "odd": head("M-SEARCH /a?b#c HTTP/1.1", "Host: [::1]:1", "X: \x80\t y "),
    }


def http_responses() -> dict[str, bytes]:
    jetty = [
        "Date: Sat, 21 Nov 2026 00:02:28 GMT",
        "Set-Cookie: hive.server2.auth=cu=alice&rn=1&s=x=;Version=0;Max-Age=86400;Secure; HttpOnly",
        "Content-Type: application/x-thrift",
        "Transfer-Encoding: chunked",
        "Server: Jetty(9.4.54.v20240208)",
    ]
    length = "Content-Length: 5"
    return {
        "jetty": head("HTTP/1.1 200 OK", *jetty) + chunks(b"hello", b"world" * 20),
        "refused": head("HTTP/1.1 401 Unauthorized", length) + b"wrong",
        "continue": head("HTTP/1.1 100 Continue") + head("HTTP/1.1 200 OK", length) + b"hello",
        "empty": head("HTTP/1.1 204 No Content", "Content-Length: 0") + head("HTTP/1.1 304 "),
        "until-close": head("HTTP/1.0 200 OK", "Connection: keep-alive") + b"hello",
        "no-reason": head("HTTP/1.1 500", length, "Connection: close") + b"hello",
        "switch": head("HTTP/1.1 101 Switching Protocols", "Upgrade: h2c"),
        "both": head("HTTP/1.1 200 OK", *jetty, length),
    }


def http_bodies() -> dict[str, bytes]:
    return {
        "plain": chunks(b"hello", b"\r\n", b"x" * 300),
        "trailer": chunks(b"a", trailer=b"A: b\r\nContent-Length: 5\r\n"),
        "extension": b'5;a="b c";d\r\nhello\r\n000;e\r\n\r\n',
        "signed": b"+5\r\nhello\r\n0\r\n\r\n",
        "hexadecimal": b"0x5\r\nhello\r\n0\r\n\r\n",
        "bare-lf": b"5;a\nhello\r\n0\r\n\r\n",
        "too-long": b"5\r\nhello!\r\n0\r\n\r\n",
        "huge": b"10000000000\r\nhello",
        "overflow": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        "next": chunks(b"a") + head("GET / HTTP/1.0", "A: b"),
    }


USERS = {
    "two": "# who may log in\nalice:$6$saltsalt$" + "a" * 86 + ":analysts,admins\n\nbob:"
    "$y$j9T$abcdefghijklmnop$" + "b" * 43 + "\n",
    "twice": "alice:$1$salt$" + "c" * 22 + "\nalice:$1$salt$" + "c" * 22 + "\n",
    "foul": "alice\n:x\nbob:plain\ncarol@x:$1$salt$" + "c" * 22 + ":a,,b\n",
    "windows": "\ufeffalice:$5$salt$" + "d" * 43 + ":g\r\n",
}

# a name as it is typed, and a template, filter or DN
COOKIES = {
    "form": "v=1&cu=YWxpY2U&ex=1000003600&s=" + "A" * 43,
    "padded": "v=1&cu=YWxpY2U=&ex=01&s=" + "A" * 44,
}

LDAP = {
    "filter": ("alice", "(&(objectClass=person)(uid={user}))"),
    "members": ("*)(uid=*", "(|(member={dn})(memberUid={user}))"),
    "chain": ("a\\b", "(member:1.2.840.113556.1.4.1941:={dn})"),
    "not": ("(x)", "(!(|(a>=1)(b<=2)(c~=d)(e=f*g)))"),
    "pattern": ("smith, john", "uid={user},ou=people,dc=example,dc=org"),
    "plus": ("a+b=c", "cn=a\\, b+uid={user},dc=x"),
    "upn": (" #alice ", "{user}@example.org"),
    "hive": ("x", "uid=%s,ou=people"),
    "odd": ("\x00\x7f\n\"<>;", "cn=\\23\\00A,dc= X "),
}

CONFIGS = {
    "least": "listeners:\n  - name: thrift\n    bind: 127.0.0.1:10000\n"
    "authentication:\n  chain: [users]\n  users: {file: users.txt}\n"
    'pools:\n  - name: default\n    endpoints: ["127.0.0.1:10001"]\n',
    "service": "workers: 2\nlisteners:\n  - name: a\n    bind: '[::1]:10000'\n    sasl: none\n"
    "  - {name: b, bind: 'unix:/run/hg.sock', transport: binary, sasl: plain}\n"
    "authentication: {chain: [users], users: {file: u}}\n"
    "pools:\n  - name: p\n    discovery: static\n    endpoints: [h:1, '[::1]:2']\n"
    "    login: service\n    user: svc\n    password_file: secret\n",
    "wrong": "workers: two\nlisteners: {}\nworkers: 3\nunknown: [1, {a: b}]\npools:\n  - name: ''\n"
    "    endpoints: ['x', 'h:0']\n    login: me\n",
    "limits": "limits: {connections: 10, memory: 64MiB, login_timeout: 20s}\n"
    "tcp: {clients: {keepalive_idle: 60s}}\nlog: {level: debug, format: json}\n",
    "tricks": "a: &x [*x]\nb: !!str 1\n---\n? {k: v}\n: 1\n<<: *x\n",
    "scalars": 'a: |\n  text\nb: >-\n  folded\nc: "\\u2028\\x1b"\nd: ~\ne: 0x10\n',
    "deep": "[" * 40 + "]" * 40,
}


def proxy_headers() -> dict[str, bytes]:
    """PROXY headers as HAProxy 2.6 and nginx 1.22 send them, and what isn't one."""
    signature = b"\r\n\r\n\0\r\nQUIT\n"
    inet = bytes([192, 0, 2, 1, 198, 51, 100, 1]) + struct.pack(">HH", 56324, 10000)
    inet6 = bytes.fromhex("20010db8" + "00" * 11 + "01") * 2 + struct.pack(">HH", 56324, 10000)

    def v2(command: int, family: int, body: bytes) -> bytes:
        return signature + struct.pack(">BBH", command, family, len(body)) + body

    def tlv(kind: int, value: bytes) -> bytes:
        return struct.pack(">BH", kind, len(value)) + value

    tls = b"\x01" + bytes(4) + tlv(0x21, b"TLSv1.3") + tlv(0x22, b"alice")
    checked = bytearray(v2(0x21, 0x11, inet + tlv(3, bytes(4)) + tlv(4, b"")))
    checked[31:35] = struct.pack(">I", crc32c(bytes(checked)))
    return {
        "v1": b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 10000\r\n\1\0\0\0\5PLAIN",
        "v1-6": b"PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 56324 10000\r\n\x16\3\1",
        "v1-unknown": b"PROXY UNKNOWN\r\n",
        "v1-ignored": b"PROXY UNKNOWN ::1 ::1 1 1\r\nPOST / HTTP/1.1\r\n",
        "v1-bad": b"PROXY TCP4 192.0.2.01 198.51.100.1 056324 70000 \r\n",
        "v1-lf": b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 10000\n",
        "v2": v2(0x21, 0x11, inet) + b"\1\0\0\0\5PLAIN",
        "v2-6": v2(0x21, 0x21, inet6) + b"\x16\3\1",
        "v2-unix": v2(0x21, 0x31, b"/run/client.sock".ljust(216, b"\0")),
        "v2-local": v2(0x20, 0, b""),
        "v2-local-crc": v2(0x20, 0, tlv(3, b"abcd")),
        "v2-unspec": v2(0x21, 0, b"what"),
        "v2-datagram": v2(0x21, 0x12, inet),
        "v2-tls": v2(0x21, 0x11, inet + tlv(0x20, tls) + tlv(5, b"one") + tlv(0x30, b"blue")),
        "v2-crc": bytes(checked),
        "v2-crc-wrong": v2(0x21, 0x11, inet + tlv(3, b"abcd")),
        "v2-short": v2(0x21, 0x21, inet),
        "v2-long": signature + b"\x21\x11\xff\xff" + inet,
        "v2-tlv": v2(0x21, 0x11, inet + b"\1\0\7h2"),
        "none": b"\1\0\0\0\5PLAIN",
    }


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


PEERS = [
    "192.0.2.1", "192.0.2.1:443", "2001:db8::1", "[2001:db8::1]:443", "::ffff:192.0.2.1", "::",
    "unix", "10.0.0.0/8", "192.0.2.7/31", "2001:db8::/32", "::ffff:10.0.0.0/104", "0.0.0.0/0",
    "fe80::1%lo", "01.2.3.4", "1.2.3.4:070", "unknown",
]  # fmt: skip


def write(root: pathlib.Path, target: str, name: str, seed: bytes) -> None:
    folder = root / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(seed)


CLAIMS = {
    "sub": "alice",
    "iss": "https://login.example.org",
    "aud": ["hive", "x"],
    "exp": 1700000600,
    "nbf": 1699999999.5,
    "iat": 1699999999,
    "scope": "openid sql",
    "groups": ["analysts", "/a/b"],
    "a": {"b": "x"},
    "d": {"0": [1, True, "sales"]},
    "https://s.t/u": 1.5,
}
HEADERS: dict[str, dict[str, Any]] = {
    "rs256": {"alg": "RS256", "kid": "r", "typ": "JWT"},
    "es256": {"alg": "ES256", "kid": "e", "typ": "at+jwt"},
    "no-kid": {"alg": "PS512"},
    "none": {"alg": "none"},
    "hs256": {"alg": "HS256", "kid": "r"},
    "crit": {"alg": "RS256", "crit": ["b64"], "b64": False},
    "own-key": {"alg": "RS256", "jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}},
}


def tokens() -> dict[str, bytes]:
    made = {}
    for name, header in HEADERS.items():
        parts = [json.dumps(part).encode() for part in (header, CLAIMS)]
        texts = [base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts]
        made[name + "-json"] = b"\1" + struct.pack(">H", len(parts[0])) + b"".join(parts)
        made[name + "-text"] = b"\0" + b".".join([*texts, b"AAAA"])
    return made


def key_sets() -> dict[str, bytes]:
    number = base64.urlsafe_b64encode(b"\xc1" * 256).rstrip(b"=").decode()
    # the base point of P-256
    point = {
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
        "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    }
    rsa = {"kty": "RSA", "kid": "r", "use": "sig", "alg": "RS256", "n": number, "e": "AQAB"}
    ec = {"kty": "EC", "kid": "e", "crv": "P-256", "key_ops": ["verify"], **point}
    secret = {"kty": "oct", "k": "c2VjcmV0"}
    sets = {"rsa": [rsa], "ec": [ec], "all": [rsa, ec, secret, {}], "none": [], "secret": [secret]}
    return {name: json.dumps({"keys": keys}).encode() for name, keys in sets.items()}


def statements() -> dict[str, bytes]:
    """The SQL of tests/sql/golden, one seed each."""
    folder = pathlib.Path(__file__).resolve().parents[1] / "sql" / "golden"
    found = {}
    for path in sorted(folder.glob("*.txt")):
        for number, block in enumerate(path.read_text().split("\n== ")[1:]):
            found[f"{path.stem}-{number}"] = block.partition("\n")[2].strip().encode()
    return found


def audit_events() -> dict[str, bytes]:
    """An event's texts, its JSON, its row, a record without a checksum, and an anchor."""
    event = (
        b'{"id":"019aa5dd-b67b-7000-8000-0000000000ff","kind":"gap",'
        b'"at":"2025-11-21T09:20:00.120000Z","principal":"a\\u00e9\\ud83d\\udc1d\\n",'
        b'"tables_read":["x.y","a \\"b\\"",""],"rows_returned":12}'
    )
    row = b"\t".join([b"2025-11-21", *[b"x"] * 2, b"7", b"\\\\x" + b"0a" * 32, *[b"\\N"] * 17])
    record = b"HGR1\0\0\0\0" + len(event).to_bytes(4, "little") + b"\x11" + bytes(75) + event
    anchor = (
        b'{"anchor":1,"spool":"019aa5dd-b67b-7000-8000-0000000000ff","sequence":81,"hash":"'
        + b"0a" * 32 + b'","at":"2026-11-21T10:00:00.000001Z","key":"21fe31dfa154a261",'
        b'"signature":"' + b"AAAA" * 21 + b'AA=="}'
    )
    identity = b"019aa5dd-b67b-7000-8000-0000000000ff"
    line = b'{"spool":"' + identity + b'","sequence":7,"hash":"' + b"0a" * 32 + b'","event":{}}'
    manifest = (
        b'{"hivegate_archive":1,"day":"2026-11-21","file":"x","sha256":"' + b"0a" * 32
        + b'","size":9,"events":2,"runs":["' + identity + b" 1 2 " + b"0a" * 32 + b" " + b"0b" * 32
        + b'"]}'
    )
    return {
        "line": b"\5" + line,
        "manifest": b"\5" + manifest,
        "anchor": b"\4" + anchor,
        "texts": b"\0\x06\1\2\3\4\7\0\0\0\5\5alice\x03a.bselect 'x' -- \\\n",
        "json": b"\1" + event,
        "record": b"\2" + record,
        "row": b"\3" + row + b"\t" + event.replace(b"\\", b"\\\\"),
    }


def found_endpoints() -> dict[str, bytes]:
    """What sources of discovery read; the first byte chooses the reader."""
    question = b"\x12\x34\x81\x80\0\1\0\2\0\0\0\0\3web\4pool\4test\0\0\1\0\1"

    def record(kind: int, data: bytes) -> bytes:
        return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 30, len(data)) + data

    alias = record(5, b"\4real\xc0\x10")
    slices = [
        {
            "kind": "EndpointSlice",
            "metadata": {"name": family, "resourceVersion": "5"},
            "addressType": family,
            "endpoints": [
                {
                    "addresses": [address],
                    "conditions": {"ready": True, "serving": None, "terminating": False},
                    "targetRef": {"kind": "Pod", "uid": "u"},
                    "nodeName": "n",
                    "zone": "z",
                }
            ],
            "ports": [{"name": "thrift", "port": 10000, "protocol": "TCP"}],
        }
        for family, address in (("IPv4", "10.1.0.5"), ("IPv6", "fd00::5"))
    ]
    node = b"serverUri=a.example:10000;version=3.1.3;sequence=0000000001"
    settings = (
        b"hive.server2.thrift.bind.host=a.example;hive.server2.transport.mode=http;"
        b"hive.server2.thrift.http.port=10001;hive.server2.thrift.port=10000"
    )
    return {
        "a": b"\0" + question + alias + record(1, b"\x0a\1\0\5"),
        "aaaa": b"\1" + question + alias + record(28, b"\xfd" + bytes(15)),
        "srv": b"\2" + question + record(33, b"\0\0\0\1\x27\x10\1s\xc0\x10") * 2,
        "slices": b"\3" + json.dumps(slices).encode(),
        "node": b"\4" + bytes([len(node)]) + node + settings,
        "plain-node": b"\4" + bytes([len(node)]) + node + b"a.example:10000",
    }


def policy_inputs() -> dict[str, bytes]:
    """The statements of tests/policy, alone and behind the policies that they are judged by."""
    folder = pathlib.Path(__file__).resolve().parents[1] / "policy"
    found = {}
    for name in ("queries", "attacks"):
        blocks = (folder / f"{name}.sql").read_text().split("\n\n")
        for number, block in enumerate(blocks):
            found[f"{name}-{number}"] = block.replace("@", "hr").encode()
    for path in folder.glob("*.yaml"):
        found[path.stem] = path.read_bytes() + b"\0SELECT ssn FROM emp, orders WHERE id = 1"
    return found


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    for name, seed in calls().items():
        write(root, "walk", "call-" + name, b"\0\1" + seed)
        write(root, "request", name, b"\0\x20" + seed)
        if name.startswith("open"):
            write(root, "open", name, b"\0" + seed)
            write(root, "open", name + "-service", b"\2" + seed)
    for name, (method, seed) in replies().items():
        write(root, "walk", "reply-" + name, b"\0\2" + seed)
        write(root, "reply", name, bytes([METHODS.index(method)]) + b"\0\x30" + seed)
    write(root, "walk", "two", b"\0\3" + calls()["status"] + calls()["fetch"])
    for name, seed in negotiations().items():
        write(root, "sasl", name, seed)
    for number, seeds in enumerate((http_requests(), http_responses(), http_bodies())):
        for name, seed in seeds.items():
            write(root, "http", f"{number}-{name}", bytes([number, len(seed) % 256]) + seed)
    for name, seed in proxy_headers().items():
        write(root, "proxy", name, b"\0" + seed)
        write(root, "proxy", "program-" + name, b"\1" + seed)
    for number, peer in enumerate(PEERS):
        write(root, "proxy", f"peer-{number}", b"\2" + peer.encode())
    for name, words in USERS.items():
        write(root, "users", name, words.encode())
    for number, user in enumerate(("alice", "jürgen w.", "a" * 256)):
        write(root, "cookie", f"change-{number}", b"\1\0\7\1" + user.encode())
        write(root, "cookie", f"good-{number}", b"\1\0\0\0" + user.encode())
    for name, value in COOKIES.items():
        write(root, "cookie", name, b"\0" + value.encode())
    for name, (typed, template) in LDAP.items():
        seed = bytes([len(typed)]) + typed.encode() + template.encode()
        write(root, "ldap", name, seed)
    for name, seed in tokens().items():
        write(root, "jwt", name, seed)
    for name, seed in key_sets().items():
        write(root, "jwks", name, seed)
    for name, seed in audit_events().items():
        write(root, "audit", name, seed)
    for name, seed in found_endpoints().items():
        write(root, "discovery", name, seed)
    for name, words in CONFIGS.items():
        write(root, "config", name, words.encode())
    for name, seed in policy_inputs().items():
        write(root, "policy", name, seed)
    for name, words in statements().items():
        write(root, "parse", name, words)
        write(root, "tokens", name, words)
    for number in range(8):  # programs: any bytes will do
        program = bytes((number * 37 + i * (number + 3)) % 256 for i in range(60 * (number + 1)))
        write(root, "build", f"program-{number}", program)
        write(root, "open", f"program-{number}", bytes([1 | number % 2 << 1]) + program)


if __name__ == "__main__":
    main()

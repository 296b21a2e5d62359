/* Tests of wire/http and wire/http_scan: heads as real clients and a real server send them, each
 * refusal with the byte at which it is certain, caps, and how fields are looked up. */
#include "bytes.h"
#include "suites.h"
#include "wire/http.h"

#define HOST "Host: h\r\n"
#define POST "POST /cliservice HTTP/1.1\r\n"
#define OK   "HTTP/1.1 200 OK\r\n"
#define END  "\r\n"

/* Reads a head of either kind from bytes in memory of just their size. */
static HgWireStatus read_head(gboolean response, HgHttpScan *scan, const GByteArray *bytes,
                              gsize size, const char **why)
{
    HgHttpRequest request = {.head = {.size = 12345}};
    HgHttpResponse reply = {.head = {.size = 12345}};
    HgSlice cut = tight_copy(bytes, size);
    HgWireStatus status = response ? hg_http_read_response(scan, cut, &reply, why)
                                   : hg_http_read_request(scan, cut, &request, why);
    gsize head = response ? reply.head.size : request.head.size;
    HOLDS(status == HG_WIRE_OK ? head <= size : head == 12345);
    g_free((guint8 *)cut.data);
    return status;
}

static void put_bytes(GByteArray *out, const char *bytes, gsize size)
{
    g_byte_array_append(out, (const guint8 *)bytes, (guint)size);
}

static void put_string(GByteArray *out, const char *text)
{
    put_bytes(out, text, strlen(text));
}

/* A head that is sound is SHORT at each cut, whether scanned anew or on, and OK with its last byte,
 * whatever follows. */
static void check_sound(gboolean response, const GByteArray *bytes)
{
    const char *why = NULL;
    HgHttpScan scan = {.size = 0};
    for (gsize size = 0; size < bytes->len; size++) {
        HgWireStatus anew = read_head(response, NULL, bytes, size, &why);
        HgWireStatus on = read_head(response, &scan, bytes, size, &why);
        if (anew != HG_WIRE_SHORT || on != HG_WIRE_SHORT)
            ck_abort_msg("%s\nis %d and %d at %zu: %s", bytes->data, anew, on, size, why);
        HOLDS(scan.size == size);
    }
    HgWireStatus anew = read_head(response, NULL, bytes, bytes->len, &why);
    HgWireStatus on = read_head(response, &scan, bytes, bytes->len, &why);
    if (anew != HG_WIRE_OK || on != HG_WIRE_OK)
        ck_abort_msg("%.*s\nis %d and %d: %s", (int)bytes->len, bytes->data, anew, on, why);
    HOLDS(scan.size == 0); /* ready for the next head */
    AUTO_BYTES(longer);
    put_bytes(longer, (const char *)bytes->data, bytes->len);
    put_string(longer, "\n \rbody");
    HOLDS(read_head(response, NULL, longer, longer->len, &why) == HG_WIRE_OK);
}

/* A head that is foul is SHORT up to its last byte and BAD from there on, with a text that has
 * `word`, however it is cut. */
static void check_foul(gboolean response, const char *foul, gsize foul_size, const char *word)
{
    AUTO_BYTES(bytes);
    put_bytes(bytes, foul, foul_size);
    put_string(bytes, "\r\nHost: h\r\n\r\n more");
    HgHttpScan scan = {.size = 0};
    for (gsize size = 0; size <= bytes->len; size++) {
        HgWireStatus expected = size < foul_size ? HG_WIRE_SHORT : HG_WIRE_BAD;
        for (guint turn = 0; turn < 2; turn++) {
            const char *why = NULL;
            HgWireStatus status = read_head(response, turn == 0 ? NULL : &scan, bytes, size, &why);
            if (status != expected)
                ck_abort_msg("%s\nis %d at %zu, not %d: %s", foul, status, size, expected, why);
            if (status == HG_WIRE_BAD && (why == NULL || strstr(why, word) == NULL))
                ck_abort_msg("%s\nsays at %zu: %s", foul, size, why);
        }
    }
}

typedef struct {
    const char *head; /* its last byte is the one that settles it */
    gsize size;
    const char *word; /* that the text must have */
} Foul;

#define ROW(head, word)                                                                            \
    {                                                                                              \
        head, sizeof(head) - 1, word                                                               \
    }

static const Foul foul_requests[] = {
    /* what comes first */
    ROW("\n", "LF without CR"),
    ROW("\r\n\r", "more than one empty line"),
    ROW("\r\n\n", "LF without CR"),
    ROW("\rP", "isn't followed by LF"),
    ROW("\r\r", "isn't followed by LF"),
    ROW(" ", "doesn't begin with a method"),
    ROW("\r\n ", "doesn't begin with a method"),
    ROW("\x16", "TLS"),
    ROW("\x80", "without HTTP"),
    ROW("\0", "without HTTP"),
    ROW("\x01", "without HTTP"),
    ROW("\xff", "doesn't begin with a method"),
    ROW("PRI * ", "HTTP/2"),
    /* the method */
    ROW("PO(", "method has a character"),
    ROW("POST\t", "control"),
    ROW("POST\r", "method has a character"),
    ROW("POST\n", "LF without CR"),
    ROW("PO\0", "NUL"),
    ROW("P\xc3", "method has a character"),
    ROW("CONNECT h:1 ", "tunnel"),
    /* the target */
    ROW("POST  ", "target is missing"),
    ROW("POST \r", "target is missing"),
    ROW("POST \n", "LF without CR"),
    ROW("POST /\r", "HTTP/0.9"),
    ROW("POST /\n", "LF without CR"),
    ROW("POST /a\t", "control"),
    ROW("POST /a\0", "NUL"),
    ROW("POST /a\x7f", "control"),
    ROW("POST /a\x80", "percent-encoded"),
    ROW("POST /\xc3", "percent-encoded"),
    ROW("POST /a#", "percent-encoded"),
    ROW("POST /a\"", "percent-encoded"),
    ROW("POST /a\\", "percent-encoded"),
    ROW("POST /a b", "isn't HTTP/1.0 or HTTP/1.1"),
    ROW("POST * ", "OPTIONS alone"),
    ROW("POST ** ", "neither a path nor a URL"),
    ROW("OPTIONS ** ", "neither a path nor a URL"),
    ROW("POST h:80 ", "neither a path nor a URL"),
    ROW("POST cliservice ", "neither a path nor a URL"),
    ROW("POST ftp://h/ ", "neither a path nor a URL"),
    ROW("POST http:/h/ ", "neither a path nor a URL"),
    ROW("POST http:// ", "without a sound host"),
    ROW("POST http:///x ", "without a sound host"),
    ROW("POST http://?x ", "without a sound host"),
    ROW("POST http://:80/ ", "without a sound host"),
    ROW("POST http://a@h/ ", "without a sound host"),
    ROW("POST https://a,b/ ", "without a sound host"),
    /* the version */
    ROW("POST / \r", "isn't HTTP/1.0 or HTTP/1.1"),
    ROW("POST /  ", "isn't HTTP/1.0 or HTTP/1.1"),
    ROW("POST / h", "isn't HTTP/1.0 or HTTP/1.1"),
    ROW("POST / HTTP/2", "HTTP/2"),
    ROW("POST / HTTP/3", "HTTP/2 or HTTP/3"),
    ROW("POST / HTTP/0", "isn't HTTP/1.0 or HTTP/1.1"),
    ROW("POST / HTTP/11", "isn't HTTP/1.0 or HTTP/1.1"),
    ROW("POST / HTTP/1.2", "isn't HTTP/1.0 or HTTP/1.1"),
    ROW("POST / HTTP/1.\r", "isn't HTTP/1.0 or HTTP/1.1"),
    ROW("POST / HTTP/1.\0", "isn't HTTP/1.0 or HTTP/1.1"),
    ROW("POST / HTTP/1.11", "goes on behind the version"),
    ROW("POST / HTTP/1.1 ", "goes on behind the version"),
    ROW("POST / HTTP/1.1\n", "LF without CR"),
    ROW("POST / HTTP/1.1\rH", "isn't followed by LF"),
    /* field lines */
    ROW(POST " ", "folded"),
    ROW(POST "\t", "folded"),
    ROW(POST HOST "A: b\r\n ", "folded"),
    ROW(POST HOST "A: b\r\n\t", "folded"),
    ROW(POST ":", "no name"),
    ROW(POST "\n", "LF without CR"),
    ROW(POST HOST "\n", "LF without CR"),
    ROW(POST HOST "\rX", "isn't followed by LF"),
    ROW(POST "Host ", "between a header's name and its colon"),
    ROW(POST "Host\t", "between a header's name and its colon"),
    ROW(POST HOST "Content-Length ", "between a header's name and its colon"),
    ROW(POST HOST "Transfer-Encoding\t", "between a header's name and its colon"),
    ROW(POST "Host\r", "no colon"),
    ROW(POST "Host\n", "LF without CR"),
    ROW(POST "Ho\0", "NUL"),
    ROW(POST "Ho\x01", "control"),
    ROW(POST "Ho\x80", "no name may have"),
    ROW(POST "Ho(", "no name may have"),
    ROW(POST "Ho/", "no name may have"),
    ROW(POST "(", "no name may have"),
    ROW(POST "\x80", "no name may have"),
    ROW(POST "\0", "NUL"),
    ROW(POST "Host: h\n", "LF without CR"),
    ROW(POST "Host: h\rA", "isn't followed by LF"),
    ROW(POST "Host: h\r\r", "isn't followed by LF"),
    ROW(POST HOST "A: b\0", "NUL"),
    ROW(POST HOST "A: b\x01", "control"),
    ROW(POST HOST "A: b\x0b", "control"),
    ROW(POST HOST "A: b\x1b", "control"),
    ROW(POST HOST "A: b\x7f", "control"),
    ROW(POST HOST "A: b\n", "LF without CR"), /* and behind it Transfer-Encoding, say */
    /* Host */
    ROW(POST END, "no Host"),
    ROW(POST "Content-Length: 0\r\n" END, "no Host"),
    ROW(POST "X-Host: h\r\n" END, "no Host"),
    ROW(POST HOST HOST END, "several Host"),
    ROW(POST HOST "hOST: other\r\n" END, "several Host"),
    ROW("POST / HTTP/1.0\r\n" HOST HOST END, "several Host"),
    ROW(POST "Host: a b\r\n" END, "isn't a host"),
    ROW(POST "Host: a,b\r\n" END, "isn't a host"),
    ROW(POST "Host: a/b\r\n" END, "isn't a host"),
    ROW(POST "Host: u@h\r\n" END, "isn't a host"),
    ROW(POST "Host: h\xc3\xa9\r\n" END, "isn't a host"),
    /* Content-Length */
    ROW(POST HOST "Content-Length:\r\n" END, "is empty"),
    ROW(POST HOST "Content-Length: \t \r\n" END, "is empty"),
    ROW(POST HOST "Content-Length: +5\r\n" END, "digits alone"),
    ROW(POST HOST "Content-Length: -5\r\n" END, "digits alone"),
    ROW(POST HOST "Content-Length: -0\r\n" END, "digits alone"),
    ROW(POST HOST "Content-Length: 5 5\r\n" END, "digits alone"),
    ROW(POST HOST "Content-Length: 5, 5\r\n" END, "digits alone"),
    ROW(POST HOST "Content-Length: 5,5\r\n" END, "digits alone"),
    ROW(POST HOST "Content-Length: 5,\r\n" END, "digits alone"),
    ROW(POST HOST "Content-Length: 5;\r\n" END, "digits alone"),
    ROW(POST HOST "Content-Length: 0x5\r\n" END, "digits alone"),
    ROW(POST HOST "Content-Length: 5.0\r\n" END, "digits alone"),
    ROW(POST HOST "Content-Length: 5e1\r\n" END, "digits alone"),
    ROW(POST HOST "Content-Length: \"5\"\r\n" END, "digits alone"),
    ROW(POST HOST "Content-Length: \xd9\xa5\r\n" END, "digits alone"), /* an Arabic five */
    ROW(POST HOST "Content-Length: 1099511627777\r\n" END, "1 TiB"),   /* 2^40 + 1 */
    ROW(POST HOST "Content-Length: 18446744073709551615\r\n" END, "1 TiB"),
    ROW(POST HOST "Content-Length: 18446744073709551616\r\n" END, "1 TiB"), /* 2^64 */
    ROW(POST HOST "Content-Length: 18446744073709551621\r\n" END, "1 TiB"), /* 2^64 + 5 */
    ROW(POST HOST "Content-Length: 99999999999999999999999999999999\r\n" END, "1 TiB"),
    ROW(POST HOST "Content-Length: 5\r\nContent-Length: 6\r\n" END, "differ"),
    ROW(POST HOST "Content-Length: 5\r\nA: b\r\ncontent-length: 05\r\n" END, "differ"),
    ROW(POST HOST "Content-Length: 5\r\nContent-Length: 5\r\nContent-Length:\r\n" END, "differ"),
    ROW(POST HOST "Content-Length: 5, 5\r\nContent-Length: 5, 5\r\n" END, "digits alone"),
    /* Transfer-Encoding */
    ROW(POST HOST "Transfer-Encoding: gzip\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding: gzip, chunked\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding: chunked, gzip\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding: chunked, chunked\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding: chunked,\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding: ,chunked\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding: chunked;q=1\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding: \"chunked\"\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding: xchunked\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding: chunkedx\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding: chun\tked\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding: identity\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding:\r\n" END, "isn't chunked"),
    ROW(POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END, "several"),
    ROW(POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" END, "several"),
    ROW(POST HOST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n" END,
        "isn't chunked"),
    ROW("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n" END, "HTTP/1.0 doesn't have"),
    /* both */
    ROW(POST HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END, "both"),
    ROW(POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END, "both"),
    ROW(POST HOST "transfer-encoding: CHUNKED\r\nContent-Length: 0\r\n" END, "both"),
    ROW("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n" END, "both"),
};

START_TEST(test_foul_requests)
{
    for (guint i = 0; i < G_N_ELEMENTS(foul_requests); i++) {
        const Foul *row = &foul_requests[i];
        check_foul(FALSE, row->head, row->size, row->word);
    }
}
END_TEST

static const Foul foul_responses[] = {
    ROW("\r", "doesn't begin with HTTP/1"),
    ROW(" ", "doesn't begin with HTTP/1"),
    ROW("h", "doesn't begin with HTTP/1"),
    ROW("\x80", "doesn't begin with HTTP/1"),
    ROW("\x15", "doesn't begin with HTTP/1"),
    ROW("HTTX", "isn't HTTP/1.0 or HTTP/1.1"),
    ROW("HTTP/2", "HTTP/2"),
    ROW("HTTP/1.2", "isn't HTTP/1.0 or HTTP/1.1"),
    ROW("HTTP/1.1\r", "no status code"),
    ROW("HTTP/1.1\t", "no status code"),
    ROW("HTTP/1.10", "no status code"),
    ROW("HTTP/1.1  ", "100 to 599"),
    ROW("HTTP/1.1 \r", "100 to 599"),
    ROW("HTTP/1.1 0", "100 to 599"),
    ROW("HTTP/1.1 6", "100 to 599"),
    ROW("HTTP/1.1 -", "100 to 599"),
    ROW("HTTP/1.1 20 ", "100 to 599"),
    ROW("HTTP/1.1 2000", "100 to 599"),
    ROW("HTTP/1.1 200\n", "100 to 599"),
    ROW("HTTP/1.1 200 O\n", "LF without CR"),
    ROW("HTTP/1.1 200 O\0", "NUL"),
    ROW("HTTP/1.1 200 O\x1b", "control"),
    ROW("HTTP/1.1 200 OK\rA", "isn't followed by LF"),
    ROW(OK " ", "folded"),
    ROW(OK "A: b\r\n ", "folded"),
    ROW(OK ":", "no name"),
    ROW(OK "A ", "its colon"),
    ROW(OK "A\r", "no colon"),
    ROW(OK "A: b\n", "LF without CR"),
    ROW(OK "\n", "LF without CR"),
    ROW(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END, "both"),
    ROW(OK "Content-Length: 5\r\nContent-Length: 6\r\n" END, "differ"),
    ROW(OK "Content-Length: 5, 5\r\n" END, "digits alone"),
    ROW(OK "Content-Length: -1\r\n" END, "digits alone"),
    ROW(OK "Content-Length: 1099511627777\r\n" END, "1 TiB"),
    ROW(OK "Transfer-Encoding: gzip, chunked\r\n" END, "isn't chunked"),
    ROW(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END, "several"),
    ROW("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n" END, "HTTP/1.0 doesn't have"),
    ROW("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n" END, "switches"),
    ROW("HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n" END, "rules out"),
    ROW("HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n" END, "rules out"),
    ROW("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n" END, "rules out"),
    ROW("HTTP/1.1 304 Not Modified\r\nContent-Length: x\r\n" END, "digits alone"),
};

START_TEST(test_foul_responses)
{
    for (guint i = 0; i < G_N_ELEMENTS(foul_responses); i++)
        check_foul(TRUE, foul_responses[i].head, foul_responses[i].size, foul_responses[i].word);
}
END_TEST

#define SENT_BY_HIVE_JDBC                                                                          \
    "POST /cliservice HTTP/1.1\r\nContent-Type: application/x-thrift\r\n"                          \
    "Accept: application/x-thrift\r\nUser-Agent: Java/THttpClient/HC\r\n"                          \
    "Authorization: Basic YWxpY2U6c2VjcmV0\r\nX-Foo: bar\r\nContent-Length: 178\r\n"               \
    "Host: 127.0.0.1:11031\r\nConnection: Keep-Alive\r\nAccept-Encoding: gzip,deflate\r\n"         \
    "X-XSRF-HEADER: true\r\n\r\n"
#define SENT_BY_SIMBA                                                                              \
    "POST /cliservice HTTP/1.1\r\nContent-Type: application/x-thrift\r\n"                          \
    "Accept: application/x-thrift\r\n"                                                             \
    "User-Agent: DatabricksDatabricksJDBCDriver/2.06.40 Java/THttpClient/HC \r\n"                  \
    "Authorization: Basic YWxpY2U6c2VjcmV0\r\n"                                                    \
    "X-Thriftserver-Session-Tag: 8259b1a9-7504-45bd-a897-10963a7d322c\r\nContent-Length: 126\r\n"  \
    "Host: 127.0.0.1:11034\r\nConnection: Keep-Alive\r\nAccept-Encoding: gzip,deflate\r\n\r\n"
#define SENT_BY_PYTHON                                                                             \
    "POST /cliservice HTTP/1.1\r\nHost: 127.0.0.1:11054\r\nAccept-Encoding: identity\r\n"          \
    "Content-Type: application/x-thrift\r\nContent-Length: 118\r\n"                                \
    "User-Agent: PyDatabricksSqlConnector/4.9.0\r\nAuthorization: Bearer dapiXYZ\r\n\r\n"

typedef struct {
    const char *bytes;
    const char *method;
    const char *path;
    const char *query;
    HgHttpBody body;
    guint64 length;
    guint minor;
    gboolean keep_alive;
    gboolean expects;
} Request;

#define LENGTH  HG_HTTP_BODY_LENGTH
#define CHUNKED HG_HTTP_BODY_CHUNKED
#define NONE    HG_HTTP_BODY_NONE
#define CLOSE   HG_HTTP_BODY_UNTIL_CLOSE

static const Request sound_requests[] = {
    {SENT_BY_HIVE_JDBC, "POST", "/cliservice", "", LENGTH, 178, 1, TRUE, FALSE},
    {SENT_BY_SIMBA, "POST", "/cliservice", "", LENGTH, 126, 1, TRUE, FALSE},
    {SENT_BY_PYTHON, "POST", "/cliservice", "", LENGTH, 118, 1, TRUE, FALSE},
    {POST HOST END, "POST", "/cliservice", "", NONE, 0, 1, TRUE, FALSE},
    {END POST HOST END, "POST", "/cliservice", "", NONE, 0, 1, TRUE, FALSE},
    {"POST / HTTP/1.0\r\n\r\n", "POST", "/", "", NONE, 0, 0, FALSE, FALSE},
    {"POST / HTTP/1.0\r\n" HOST END, "POST", "/", "", NONE, 0, 0, FALSE, FALSE},
    {POST "Host:\r\n" END, "POST", "/cliservice", "", NONE, 0, 1, TRUE, FALSE},
    {POST "Host: [::1]:10001\r\n" END, "POST", "/cliservice", "", NONE, 0, 1, TRUE, FALSE},
    /* targets */
    {"GET /a/b?c=d&e=f?g HTTP/1.1\r\n" HOST END, "GET", "/a/b", "c=d&e=f?g", NONE, 0, 1, TRUE,
     FALSE},
    {"POST /? HTTP/1.1\r\n" HOST END, "POST", "/", "", NONE, 0, 1, TRUE, FALSE},
    {"POST /%63li?doAs=bob HTTP/1.1\r\n" HOST END, "POST", "/%63li", "doAs=bob", NONE, 0, 1, TRUE,
     FALSE},
    {"POST //h/x HTTP/1.1\r\n" HOST END, "POST", "//h/x", "", NONE, 0, 1, TRUE, FALSE},
    {"POST /:@!$&'()*+,;=[]~ HTTP/1.1\r\n" HOST END, "POST", "/:@!$&'()*+,;=[]~", "", NONE, 0, 1,
     TRUE, FALSE},
    {"POST http://h:1/cliservice?x=/ HTTP/1.1\r\n" HOST END, "POST", "/cliservice", "x=/", NONE, 0,
     1, TRUE, FALSE},
    {"POST HTTPS://[::1] HTTP/1.1\r\n" HOST END, "POST", "", "", NONE, 0, 1, TRUE, FALSE},
    {"POST http://h?x HTTP/1.1\r\n" HOST END, "POST", "", "x", NONE, 0, 1, TRUE, FALSE},
    {"OPTIONS * HTTP/1.1\r\n" HOST END, "OPTIONS", "*", "", NONE, 0, 1, TRUE, FALSE},
    {"post /a HTTP/1.1\r\n" HOST END, "post", "/a", "", NONE, 0, 1, TRUE, FALSE},
    /* bodies */
    {POST HOST "Content-Length: 0\r\n" END, "POST", "/cliservice", "", LENGTH, 0, 1, TRUE, FALSE},
    {POST HOST "content-LENGTH:\t 5 \t\r\n" END, "POST", "/cliservice", "", LENGTH, 5, 1, TRUE,
     FALSE},
    {POST HOST "Content-Length: 5\r\nA: b\r\nContent-Length:5\r\n" END, "POST", "/cliservice", "",
     LENGTH, 5, 1, TRUE, FALSE},
    {POST HOST "Content-Length: 1099511627776\r\n" END, "POST", "/cliservice", "", LENGTH,
     HG_HTTP_SIZE_MAX, 1, TRUE, FALSE},
    {POST HOST "Content-Length: 000000000000000000000000000005\r\n" END, "POST", "/cliservice", "",
     LENGTH, 5, 1, TRUE, FALSE},
    {"POST / HTTP/1.0\r\nContent-Length: 7\r\n" END, "POST", "/", "", LENGTH, 7, 0, FALSE, FALSE},
    {POST HOST "Transfer-Encoding: chunked\r\n" END, "POST", "/cliservice", "", CHUNKED, 0, 1, TRUE,
     FALSE},
    {POST HOST "transfer-encoding:\tChunKED\t\r\n" END, "POST", "/cliservice", "", CHUNKED, 0, 1,
     TRUE, FALSE},
    /* that only look like framing */
    {POST HOST "X-Content-Length: 5\r\nContent_Length: 6\r\nTransfer_Encoding: chunked\r\n"
               "Content-Lengt: 7\r\nContent-Lengthy: 8\r\n" END,
     "POST", "/cliservice", "", NONE, 0, 1, TRUE, FALSE},
    {POST HOST "A: Content-Length: 5\r\nB: \"\xc3\xa9\" \x80\xff\r\n" END, "POST", "/cliservice",
     "", NONE, 0, 1, TRUE, FALSE},
    /* connections */
    {POST HOST "Connection: close\r\n" END, "POST", "/cliservice", "", NONE, 0, 1, FALSE, FALSE},
    {POST HOST "Connection: TE , CLOSE,\r\n" END, "POST", "/cliservice", "", NONE, 0, 1, FALSE,
     FALSE},
    {POST HOST "Connection: closed, x-close\r\n" END, "POST", "/cliservice", "", NONE, 0, 1, TRUE,
     FALSE},
    {POST HOST "Connection: keep-alive\r\nConnection: close\r\n" END, "POST", "/cliservice", "",
     NONE, 0, 1, FALSE, FALSE},
    {"POST / HTTP/1.0\r\nConnection: Keep-Alive\r\n" END, "POST", "/", "", NONE, 0, 0, TRUE, FALSE},
    {"POST / HTTP/1.0\r\nConnection: keep-alive, close\r\n" END, "POST", "/", "", NONE, 0, 0, FALSE,
     FALSE},
    /* expectations: of a body that is there, and not in HTTP/1.0 (RFC 9110, 10.1.1) */
    {POST HOST "Expect: 100-continue\r\nContent-Length: 5\r\n" END, "POST", "/cliservice", "",
     LENGTH, 5, 1, TRUE, TRUE},
    {POST HOST "Transfer-Encoding: chunked\r\nexpect: 100-CONTINUE\r\n" END, "POST", "/cliservice",
     "", CHUNKED, 0, 1, TRUE, TRUE},
    {POST HOST "Expect: 100-continue\r\nContent-Length: 0\r\n" END, "POST", "/cliservice", "",
     LENGTH, 0, 1, TRUE, FALSE},
    {POST HOST "Expect: 100-continue\r\n" END, "POST", "/cliservice", "", NONE, 0, 1, TRUE, FALSE},
    {POST HOST "Expect: 200-ok\r\nContent-Length: 5\r\n" END, "POST", "/cliservice", "", LENGTH, 5,
     1, TRUE, FALSE},
    {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" END, "POST", "/", "",
     LENGTH, 5, 0, FALSE, FALSE},
};

START_TEST(test_sound_requests)
{
    for (guint i = 0; i < G_N_ELEMENTS(sound_requests); i++) {
        const Request *row = &sound_requests[i];
        AUTO_BYTES(bytes);
        put_string(bytes, row->bytes);
        check_sound(FALSE, bytes);
        HgHttpRequest request;
        const char *why = NULL;
        HgSlice all = hg_slice_from_string(row->bytes);
        ck_assert_int_eq(hg_http_read_request(NULL, all, &request, &why), HG_WIRE_OK);
        ck_assert_ptr_null(why);
        ck_assert(hg_slice_equal_string(request.method, row->method));
        ck_assert_msg(hg_slice_equal_string(request.path, row->path), "%s", row->bytes);
        ck_assert_msg(hg_slice_equal_string(request.query, row->query), "%s", row->bytes);
        ck_assert_uint_eq(request.head.size, all.size);
        ck_assert_uint_eq(request.head.minor, row->minor);
        ck_assert_msg(request.head.body == row->body, "%s", row->bytes);
        ck_assert_uint_eq(request.head.length, row->length);
        ck_assert_msg(request.head.keep_alive == row->keep_alive, "%s", row->bytes);
        ck_assert_msg(request.expect_continue == row->expects, "%s", row->bytes);
    }
}
END_TEST

#define SENT_BY_JETTY                                                                              \
    "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 00:02:28 GMT\r\n"                                   \
    "Set-Cookie: hive.server2.auth=cu=alice&rn=533550406075058863&s=ToCPK+fgucK+MOkWiG4N9zKVzUsJ"  \
    "VFwwgUDAZTB+sFw=;Version=0;Max-Age=86400;Secure; HttpOnly\r\n"                                \
    "Content-Type: application/x-thrift\r\nTransfer-Encoding: chunked\r\n"                         \
    "Server: Jetty(9.4.54.v20240208)\r\n\r\n"
#define REFUSED_BY_JETTY                                                                           \
    "HTTP/1.1 401 Unauthorized\r\nDate: Sat, 21 Nov 2026 00:01:16 GMT\r\nContent-Length: 99\r\n"   \
    "Server: Jetty(9.4.54.v20240208)\r\n\r\n"

typedef struct {
    const char *bytes;
    guint status;
    const char *reason;
    HgHttpBody body;
    guint64 length;
    guint minor;
    gboolean keep_alive;
} Response;

static const Response sound_responses[] = {
    {SENT_BY_JETTY, 200, "OK", CHUNKED, 0, 1, TRUE},
    {REFUSED_BY_JETTY, 401, "Unauthorized", LENGTH, 99, 1, TRUE},
    {OK END, 200, "OK", CLOSE, 0, 1, FALSE},
    {OK "Connection: keep-alive\r\n" END, 200, "OK", CLOSE, 0, 1, FALSE},
    {OK "Content-Length: 5\r\nConnection: close\r\n" END, 200, "OK", LENGTH, 5, 1, FALSE},
    {OK "Host: a\r\nHost: b\r\nContent-Length: 0\r\n" END, 200, "OK", LENGTH, 0, 1, TRUE},
    {"HTTP/1.1 200 \r\nContent-Length: 0\r\n" END, 200, "", LENGTH, 0, 1, TRUE},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n" END, 200, "", LENGTH, 0, 1, TRUE},
    {"HTTP/1.1 500 In\tternal \x80\xff\r\nContent-Length: 0\r\n" END, 500, "In\tternal \x80\xff",
     LENGTH, 0, 1, TRUE},
    {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n" END, 200, "OK", LENGTH, 5, 0, FALSE},
    {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n" END, 200, "OK", LENGTH, 5,
     0, TRUE},
    {"HTTP/1.1 100 Continue\r\n\r\n", 100, "Continue", NONE, 0, 1, TRUE},
    {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 103, "Early Hints", NONE, 0, 1, TRUE},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n" END, 204, "No Content", NONE, 0, 1, TRUE},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n" END, 304, "Not Modified", NONE, 0, 1,
     TRUE},
    {"HTTP/1.1 599 x\r\nContent-Length: 0\r\n" END, 599, "x", LENGTH, 0, 1, TRUE},
};

START_TEST(test_sound_responses)
{
    for (guint i = 0; i < G_N_ELEMENTS(sound_responses); i++) {
        const Response *row = &sound_responses[i];
        AUTO_BYTES(bytes);
        put_string(bytes, row->bytes);
        check_sound(TRUE, bytes);
        HgHttpResponse response;
        const char *why = NULL;
        HgSlice all = hg_slice_from_string(row->bytes);
        ck_assert_int_eq(hg_http_read_response(NULL, all, &response, &why), HG_WIRE_OK);
        ck_assert_uint_eq(response.status, row->status);
        ck_assert_msg(hg_slice_equal_string(response.reason, row->reason), "%s", row->bytes);
        ck_assert_uint_eq(response.head.size, all.size);
        ck_assert_uint_eq(response.head.minor, row->minor);
        ck_assert_msg(response.head.body == row->body, "%s", row->bytes);
        ck_assert_uint_eq(response.head.length, row->length);
        ck_assert_msg(response.head.keep_alive == row->keep_alive, "%s", row->bytes);
    }
}
END_TEST

/* Each byte at each place of a head: never OK where a line is broken, and the same however cut. */
START_TEST(test_every_byte_in_every_place)
{
    static const char head[] = "POST /a HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
    guint sound = 0;
    for (gsize at = 0; at + 1 < sizeof head; at++) {
        for (guint byte = 0; byte < 256; byte++) {
            AUTO_BYTES(bytes);
            put_string(bytes, head);
            bytes->data[at] = (guint8)byte;
            const char *whole_why = NULL;
            const char *why = NULL;
            HgWireStatus whole = read_head(FALSE, NULL, bytes, bytes->len, &whole_why);
            HgWireStatus status = HG_WIRE_SHORT;
            HgHttpScan scan = {.size = 0};
            for (gsize size = 0; size <= bytes->len && status == HG_WIRE_SHORT; size++)
                status = read_head(FALSE, &scan, bytes, size, &why);
            HOLDS(status == whole && why == whole_why);
            if (whole == HG_WIRE_OK && (head[at] == '\r' || head[at] == '\n' || byte < ' '))
                HOLDS(byte == (guint8)head[at] || byte == '\t');
            sound += whole == HG_WIRE_OK;
        }
    }
    ck_assert_uint_gt(sound, 900); /* letters for letters */
}
END_TEST

/* A request whose head has `size` bytes, in one field or in `fields` more. */
static void put_big_head(GByteArray *out, gsize size, guint fields)
{
    put_string(out, POST HOST);
    for (guint i = 0; i < fields; i++)
        put_string(out, "F:\r\n");
    put_string(out, "Big:");
    while (out->len < size - 4)
        put_u8(out, 'b');
    put_string(out, "\r\n\r\n");
}

START_TEST(test_the_longest_head)
{
    AUTO_BYTES(most);
    put_big_head(most, HG_HTTP_HEAD_MAX, 0);
    ck_assert_uint_eq(most->len, HG_HTTP_HEAD_MAX);
    const char *why = NULL;
    ck_assert_int_eq(read_head(FALSE, NULL, most, most->len, &why), HG_WIRE_OK);
    ck_assert_int_eq(read_head(FALSE, NULL, most, most->len - 1, &why), HG_WIRE_SHORT);
    AUTO_BYTES(more);
    put_big_head(more, HG_HTTP_HEAD_MAX + 1, 0);
    ck_assert_int_eq(read_head(FALSE, NULL, more, HG_HTTP_HEAD_MAX - 1, &why), HG_WIRE_SHORT);
    ck_assert_int_eq(read_head(FALSE, NULL, more, HG_HTTP_HEAD_MAX, &why), HG_WIRE_BAD);
    ck_assert_ptr_nonnull(strstr(why, "32 KiB"));
    ck_assert_int_eq(read_head(FALSE, NULL, more, more->len, &why), HG_WIRE_BAD);
    AUTO_BYTES(target); /* a line without an end */
    put_string(target, "GET /");
    while (target->len < HG_HTTP_HEAD_MAX)
        put_u8(target, 'x');
    ck_assert_int_eq(read_head(FALSE, NULL, target, target->len - 1, &why), HG_WIRE_SHORT);
    ck_assert_int_eq(read_head(FALSE, NULL, target, target->len, &why), HG_WIRE_BAD);
    ck_assert_ptr_nonnull(strstr(why, "32 KiB"));
}
END_TEST

START_TEST(test_the_most_fields)
{
    const char *why = NULL;
    AUTO_BYTES(most);
    put_big_head(most, 1000, HG_HTTP_FIELDS_MAX - 2);
    ck_assert_int_eq(read_head(FALSE, NULL, most, most->len, &why), HG_WIRE_OK);
    AUTO_BYTES(more);
    put_big_head(more, 1000, HG_HTTP_FIELDS_MAX - 1);
    gsize certain = strlen(POST HOST) + (HG_HTTP_FIELDS_MAX - 1) * strlen("F:\r\n") + 1;
    ck_assert_int_eq(read_head(FALSE, NULL, more, certain - 1, &why), HG_WIRE_SHORT);
    ck_assert_int_eq(read_head(FALSE, NULL, more, certain, &why), HG_WIRE_BAD);
    ck_assert_ptr_nonnull(strstr(why, "more than 100"));
}
END_TEST

/* Bytes that came may move between calls: the scan keeps no pointer into them. */
START_TEST(test_requests_one_behind_the_other)
{
    AUTO_BYTES(bytes);
    put_string(bytes, SENT_BY_PYTHON);
    gsize first = bytes->len;
    put_string(bytes, "\r\nGET /second HTTP/1.0\r\n\r\n");
    HgHttpScan scan = {.size = 0};
    const char *why = NULL;
    HgHttpRequest request;
    for (gsize size = 0; size < first; size += 7) {
        HgSlice cut = tight_copy(bytes, size);
        ck_assert_int_eq(hg_http_read_request(&scan, cut, &request, &why), HG_WIRE_SHORT);
        g_free((guint8 *)cut.data);
    }
    HgSlice all = hg_slice(bytes->data, bytes->len);
    ck_assert_int_eq(hg_http_read_request(&scan, all, &request, &why), HG_WIRE_OK);
    ck_assert_uint_eq(request.head.size, first);
    HgSlice rest = hg_slice(all.data + first, all.size - first);
    ck_assert_int_eq(hg_http_read_request(&scan, rest, &request, &why), HG_WIRE_OK);
    ck_assert_uint_eq(request.head.size, rest.size);
    ck_assert(hg_slice_equal_string(request.target, "/second"));
}
END_TEST

/* A caller that forgets to pass the bytes it passed before gets no answer, and nothing is read. */
START_TEST(test_fewer_bytes_than_before)
{
    AUTO_BYTES(bytes);
    put_string(bytes, SENT_BY_PYTHON);
    HgHttpScan scan = {.size = 0};
    const char *why = NULL;
    ck_assert_int_eq(read_head(FALSE, &scan, bytes, 60, &why), HG_WIRE_SHORT);
    ck_assert_int_eq(read_head(FALSE, &scan, bytes, 10, &why), HG_WIRE_SHORT);
    ck_assert_int_eq(read_head(FALSE, &scan, bytes, 0, &why), HG_WIRE_SHORT);
    ck_assert_int_eq(read_head(FALSE, &scan, bytes, bytes->len, &why), HG_WIRE_OK);
}
END_TEST

START_TEST(test_fields_are_found)
{
    HgHttpRequest request;
    const char *why = NULL;
    HgSlice all = hg_slice_from_string(POST "Host: h\r\nempty:\r\nA:1\r\nblank: \t \r\n"
                                            "a: \t 2: 3 \t\r\nC: x y\r\n\r\n");
    ck_assert_int_eq(hg_http_read_request(NULL, all, &request, &why), HG_WIRE_OK);
    HgSlice value = hg_slice_from_string("as it was");
    ck_assert_uint_eq(hg_http_find_field(request.head.fields, "b", &value), 0);
    ck_assert_uint_eq(hg_http_find_field(request.head.fields, "", &value), 0);
    ck_assert(hg_slice_equal_string(value, "as it was"));
    ck_assert_uint_eq(hg_http_find_field(request.head.fields, "HOST", &value), 1);
    ck_assert(hg_slice_equal_string(value, "h"));
    ck_assert_uint_eq(hg_http_find_field(request.head.fields, "a", &value), 2);
    ck_assert(hg_slice_equal_string(value, "1"));
    ck_assert_uint_eq(hg_http_find_field(request.head.fields, "Empty", &value), 1);
    ck_assert_uint_eq(value.size, 0);
    ck_assert_uint_eq(hg_http_find_field(request.head.fields, "Blank", &value), 1);
    ck_assert_uint_eq(value.size, 0);

    static const char *const expected[] = {"Host",  "h", "empty", "",     "A", "1",
                                           "blank", "",  "a",     "2: 3", "C", "x y"};
    HgSlice rest = request.head.fields;
    HgHttpField field;
    for (guint i = 0; i < G_N_ELEMENTS(expected); i += 2) {
        ck_assert(hg_http_next_field(&rest, &field));
        ck_assert(hg_slice_equal_string(field.name, expected[i]));
        ck_assert(hg_slice_equal_string(field.value, expected[i + 1]));
    }
    ck_assert(!hg_http_next_field(&rest, &field));
    ck_assert(!hg_http_next_field(&rest, &field));
}
END_TEST

START_TEST(test_fields_that_were_never_read)
{
    static const char *const texts[] = {"", "A", "A:", "A:b", "A:b\r", ":", "\r\n", "\r\nA:"};
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        AUTO_BYTES(bytes);
        put_string(bytes, texts[i]);
        HgSlice copy = tight_copy(bytes, bytes->len);
        HgSlice rest = copy;
        HgHttpField field;
        ck_assert_msg(!hg_http_next_field(&rest, &field), "%s", texts[i]);
        g_free((guint8 *)copy.data);
    }
}
END_TEST

/* The classes of characters, written down a second time as the RFCs have them. */
START_TEST(test_characters)
{
    for (guint byte = 0; byte < 256; byte++) {
        char text[2] = {(char)byte, '\0'};
        gboolean alnum = g_ascii_isalnum((char)byte);
        gboolean token = alnum || (byte > 0 && strchr("!#$%&'*+-.^_`|~", (int)byte) != NULL);
        gboolean host = alnum || (byte > 0 && strchr("-._~%!$&'()*+;=:[]", (int)byte) != NULL);
        HOLDS(hg_http_is_token(hg_slice(text, 1)) == token);
        HOLDS(hg_http_is_host(hg_slice(text, 1)) == host);
        AUTO_BYTES(bytes);
        put_string(bytes, POST HOST "A: ");
        put_u8(bytes, byte);
        const char *why = NULL;
        HgWireStatus status = read_head(FALSE, NULL, bytes, bytes->len, &why);
        gboolean value = byte == '\t' || byte == '\r' || (byte >= ' ' && byte != 0x7f);
        HOLDS(status == (value ? HG_WIRE_SHORT : HG_WIRE_BAD));
    }
    ck_assert(!hg_http_is_token(hg_slice(NULL, 0)));
    ck_assert(hg_http_is_host(hg_slice(NULL, 0)));
}
END_TEST

Suite *http_suite(void)
{
    Suite *suite = suite_create("wire/http");
    TCase *requests = tcase_create("requests");
    tcase_add_test(requests, test_foul_requests);
    tcase_add_test(requests, test_sound_requests);
    tcase_add_test(requests, test_every_byte_in_every_place);
    tcase_add_test(requests, test_requests_one_behind_the_other);
    tcase_add_test(requests, test_fewer_bytes_than_before);
    tcase_add_test(requests, test_the_longest_head);
    tcase_add_test(requests, test_the_most_fields);
    suite_add_tcase(suite, requests);
    TCase *responses = tcase_create("responses");
    tcase_add_test(responses, test_foul_responses);
    tcase_add_test(responses, test_sound_responses);
    suite_add_tcase(suite, responses);
    TCase *fields = tcase_create("fields");
    tcase_add_test(fields, test_fields_are_found);
    tcase_add_test(fields, test_fields_that_were_never_read);
    tcase_add_test(fields, test_characters);
    suite_add_tcase(suite, fields);
    return suite;
}

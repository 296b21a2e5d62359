/* Tests of TLS: settings from files, two streams that speak it to each other, who may be whom,
 * peers that don't speak it, and files that change. */
#include "base/error.h"
#include "harness/certificates.h"
#include "harness/loops.h"
#include "harness/sockets.h"
#include "harness/tap.h"
#include "net/stream.h"
#include "suites.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static HgLoop *loop;
static char *folder;
static Authority *ca, *other_ca;

static char *path_of(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static void setup(void)
{
    loop = hg_loop_new(NULL);
    folder = g_dir_make_tmp("hivegate-tls-XXXXXX", NULL);
    ca = authority_new(folder, "ca");
    other_ca = authority_new(folder, "other-ca");
    authority_issue(ca, "server", "gate", "DNS:gate.example,IP:127.0.0.1", 10);
    authority_issue(ca, "second", "second", "DNS:second.example,DNS:*.third.example", 20);
    authority_issue(ca, "alice", "alice", "email:alice@example.org,URI:spiffe://example/alice", 10);
    authority_issue(ca, "expired", "old", "DNS:gate.example", -1);
    authority_issue(other_ca, "stranger", "alice", NULL, 10);
}

static void teardown(void)
{
    authority_free(ca);
    authority_free(other_ca);
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name = g_dir_read_name(dir); name != NULL; name = g_dir_read_name(dir)) {
        g_autofree char *path = path_of(name);
        g_unlink(path);
    }
    g_dir_close(dir);
    g_rmdir(folder);
    g_free(folder);
    hg_loop_free(loop);
}

/* ---- settings ---- */

static HgTls *try_server(const char *name, HgTlsClientCertificate client, const char *client_ca,
                         GError **error)
{
    g_autofree char *certificate = g_strdup_printf("%s/%s.pem", folder, name);
    g_autofree char *key = g_strdup_printf("%s/%s.key", folder, name);
    g_autofree char *second_certificate = path_of("second.pem");
    g_autofree char *second_key = path_of("second.key");
    g_autofree char *authority = client_ca != NULL ? path_of(client_ca) : NULL;
    HgTlsPair pairs[] = {{certificate, key}, {second_certificate, second_key}};
    HgTlsOptions options = {
        .pairs = pairs, .n_pairs = 2, .ca_file = authority, .client_certificate = client};
    return hg_tls_new_server(&options, error);
}

static HgTls *server_tls(const char *name)
{
    g_autoptr(GError) error = NULL;
    HgTls *tls = try_server(name, HG_TLS_CLIENT_NONE, NULL, &error);
    ck_assert_msg(tls != NULL, "%s", error != NULL ? error->message : "");
    return tls;
}

static HgTls *client_tls(const char *name, const char *authority, HgTlsVerify verify)
{
    g_autofree char *certificate = g_strdup_printf("%s/%s.pem", folder, name != NULL ? name : "");
    g_autofree char *key = g_strdup_printf("%s/%s.key", folder, name != NULL ? name : "");
    g_autofree char *ca_file = path_of(authority);
    HgTlsPair pair = {certificate, key};
    HgTlsOptions options = {
        .pairs = &pair, .n_pairs = name != NULL ? 1 : 0, .ca_file = ca_file, .verify = verify};
    g_autoptr(GError) error = NULL;
    HgTls *tls = hg_tls_new_client(&options, &error);
    ck_assert_msg(tls != NULL, "%s", error != NULL ? error->message : "");
    return tls;
}

/* ---- two ends ---- */

typedef struct {
    HgStream *stream;
    GByteArray *got;
    GByteArray *unsent;
    HgIo last;         /* of reading */
    gsize read_size;   /* bytes asked for at a time */
    const gsize *cuts; /* sizes of the parts that are written at a time; NULL: in one */
    gboolean failed;   /* reading or writing ended in an error */
    gboolean slow;     /* one read a callback */
} End;

static void want(End *end)
{
    hg_stream_want(end->stream, end->failed
                                    ? HG_WANT_NOTHING
                                    : HG_WANT_READ | (end->unsent->len > 0 ? HG_WANT_WRITE : 0));
}

static HgIo write_unsent(End *end, gsize *done)
{
    HgSlice parts[HG_STREAM_PARTS];
    HgSlice rest = hg_slice(end->unsent->data, end->unsent->len);
    if (end->cuts == NULL)
        return hg_stream_write(end->stream, rest, done);
    for (guint i = 0; i < HG_STREAM_PARTS; i++) {
        parts[i] = hg_slice(rest.data, MIN(end->cuts[i], rest.size));
        rest = hg_slice(rest.data + parts[i].size, rest.size - parts[i].size);
    }
    return hg_stream_write_parts(end->stream, parts, HG_STREAM_PARTS, done);
}

static void on_ready(void *owner, HgWant ready)
{
    End *end = owner;
    gsize done = 0;
    g_autofree guint8 *bytes = g_malloc(end->read_size);
    while ((ready & HG_WANT_WRITE) != 0 && end->unsent->len > 0) {
        HgIo io = write_unsent(end, &done);
        end->failed |= io == HG_IO_ERROR;
        if (io != HG_IO_OK)
            break;
        g_byte_array_remove_range(end->unsent, 0, (guint)done);
    }
    while ((ready & HG_WANT_READ) != 0) {
        end->last = hg_stream_read(end->stream, bytes, end->read_size, &done);
        end->failed |= end->last == HG_IO_ERROR || end->last == HG_IO_END;
        if (end->last != HG_IO_OK)
            break;
        g_byte_array_append(end->got, bytes, (guint)done);
        if (end->slow || done < end->read_size)
            break;
    }
    want(end);
}

static End make_end(int fd, HgTls *tls, const char *host, End *at)
{
    End end = {.got = g_byte_array_new(), .unsent = g_byte_array_new(), .read_size = 64 * 1024};
    g_autoptr(GError) error = NULL;
    end.stream = hg_stream_new(loop, fd, tls, host, on_ready, at, &error);
    ck_assert_msg(end.stream != NULL, "%s", error != NULL ? error->message : "");
    return end;
}

static void make_ends(HgTls *server, HgTls *client, const char *host, End *accepting,
                      End *connecting)
{
    int a, b;
    make_pair(TRUE, &a, &b);
    *accepting = make_end(a, server, NULL, accepting);
    *connecting = make_end(b, client, host, connecting);
    want(accepting);
    want(connecting);
}

static void send_text(End *end, const char *text)
{
    g_byte_array_append(end->unsent, (const guint8 *)text, (guint)strlen(text));
    want(end);
}

static void close_end(End *end)
{
    hg_stream_close(end->stream);
    g_byte_array_unref(end->got);
    g_byte_array_unref(end->unsent);
}

static gboolean got_text(const End *end, const char *text)
{
    return hg_slice_equal_string(hg_slice(end->got->data, end->got->len), text);
}

START_TEST(test_both_ways)
{
    g_autoptr(HgTls) server = server_tls("server");
    g_autoptr(HgTls) client = client_tls(NULL, "ca.pem", HG_TLS_VERIFY_FULL);
    const char *host = _i == 0 ? "gate.example" : "127.0.0.1";
    End accepting, connecting;
    make_ends(server, client, host, &accepting, &connecting);
    send_text(&connecting, "select 1");
    TURN_UNTIL(loop, got_text(&accepting, "select 1"));
    ck_assert_ptr_null(hg_stream_tls_peer(accepting.stream));
    send_text(&accepting, "one row");
    TURN_UNTIL(loop, got_text(&connecting, "one row"));
    hg_stream_end_writing(connecting.stream);
    TURN_UNTIL(loop, accepting.last == HG_IO_END);
    close_end(&accepting);
    close_end(&connecting);
}
END_TEST

/* TLS may begin behind bytes in clear, whether they come with its first ones or not. */
START_TEST(test_behind_bytes_in_clear)
{
    static const char clear[] = "PROXY UNKNOWN\r\n";
    g_autoptr(HgTls) server = server_tls("server");
    g_autoptr(HgTls) client = client_tls(NULL, "ca.pem", HG_TLS_VERIFY_FULL);
    int a, b;
    make_pair(TRUE, &a, &b);
    End accepting, connecting;
    accepting = make_end(a, NULL, NULL, &accepting);
    write_all(b, hg_slice_from_string(clear));
    connecting = make_end(b, client, "gate.example", &connecting);
    if (_i == 1) {
        want(&connecting);
        turn_for(loop, 20); /* its hello has come, too */
    }
    guint8 bytes[sizeof clear - 1];
    gsize done = 0;
    TURN_UNTIL(loop, hg_stream_read(accepting.stream, bytes, sizeof bytes, &done) == HG_IO_OK);
    ck_assert_uint_eq(done, sizeof bytes);
    ck_assert(hg_stream_begin_tls(accepting.stream, server, NULL));
    want(&accepting);
    want(&connecting);
    send_text(&connecting, "select 1");
    TURN_UNTIL(loop, got_text(&accepting, "select 1"));
    send_text(&accepting, "one row");
    TURN_UNTIL(loop, got_text(&connecting, "one row"));
    close_end(&accepting);
    close_end(&connecting);
}
END_TEST

/* More than a record, and than a socket takes, read in sizes that leave some behind in OpenSSL. */
START_TEST(test_much)
{
    g_autoptr(HgTls) server = server_tls("server");
    g_autoptr(HgTls) client = client_tls(NULL, "ca.pem", HG_TLS_VERIFY_FULL);
    End accepting, connecting;
    make_ends(server, client, "gate.example", &accepting, &connecting);
    static const gsize sizes[] = {1000, 16 * 1024, 256 * 1024};
    connecting.read_size = sizes[_i % 3];
    connecting.slow = _i >= 3;
    g_byte_array_set_size(accepting.unsent, 3 * 1024 * 1024 + 17);
    for (guint i = 0; i < accepting.unsent->len; i++)
        accepting.unsent->data[i] = (guint8)(i * 31 + i / 256);
    g_autoptr(GByteArray) sent = g_byte_array_new();
    g_byte_array_append(sent, accepting.unsent->data, accepting.unsent->len);
    want(&accepting);
    TURN_UNTIL(loop, connecting.got->len >= sent->len);
    ck_assert_uint_eq(connecting.got->len, sent->len);
    ck_assert_mem_eq(connecting.got->data, sent->data, sent->len);
    close_end(&accepting);
    close_end(&connecting);
}
END_TEST

static const gsize part_sizes[][HG_STREAM_PARTS] = {
    {150, 100000, 0, 0}, {150, 8, 32768, 7},           {0, 16384, 0, 2}, {16385, 1, 16383, 1},
    {5, 3, 7, 1},        {16384, 16384, 16384, 16384}, {1, 0, 0, 0},     {100, 16284, 16384, 10},
};

/* Parts come out as one, record by record, also over a socket that takes only some bytes at a time,
 * or now and then none. */
START_TEST(test_parts)
{
    g_autoptr(HgTls) server = server_tls("server");
    g_autoptr(HgTls) client = client_tls(NULL, "ca.pem", HG_TLS_VERIFY_FULL);
    End accepting, connecting;
    make_ends(server, client, "gate.example", &accepting, &connecting);
    const gsize *cuts = part_sizes[_i % G_N_ELEMENTS(part_sizes)];
    gsize round = cuts[0] + cuts[1] + cuts[2] + cuts[3];
    accepting.cuts = cuts;
    send_text(&connecting, "begin");
    TURN_UNTIL(loop, got_text(&accepting, "begin"));
    gboolean troubled = _i >= (int)G_N_ELEMENTS(part_sizes);
    tap_cap(TAP_SEND, troubled ? 5000 : 0);
    tap_again_every(TAP_SEND, troubled ? 3 : 0);
    g_byte_array_set_size(accepting.unsent, (guint)MIN(10 * round, (gsize)300000));
    for (guint i = 0; i < accepting.unsent->len; i++)
        accepting.unsent->data[i] = (guint8)(i * 37 + i / 256);
    g_autoptr(GByteArray) sent = g_byte_array_new();
    g_byte_array_append(sent, accepting.unsent->data, accepting.unsent->len);
    want(&accepting);
    TURN_UNTIL(loop, connecting.got->len >= sent->len);
    tap_reset();
    ck_assert_uint_eq(connecting.got->len, sent->len);
    ck_assert_mem_eq(connecting.got->data, sent->data, sent->len);
    close_end(&accepting);
    close_end(&connecting);
}
END_TEST

/* What is short goes into one record, and records that follow each other wait for the last. */
START_TEST(test_parts_share_records)
{
    static guint8 large[3 * 16384];
    g_autoptr(HgTls) server = server_tls("server");
    g_autoptr(HgTls) client = client_tls(NULL, "ca.pem", HG_TLS_VERIFY_FULL);
    End accepting, connecting;
    make_ends(server, client, "gate.example", &accepting, &connecting);
    send_text(&connecting, "begin");
    TURN_UNTIL(loop, got_text(&accepting, "begin"));
    HgSlice few[] = {hg_slice_from_string("head"), hg_slice_from_string("body"),
                     hg_slice_from_string("end")};
    HgSlice many[] = {hg_slice_from_string("head"), hg_slice(large, sizeof large - 4)};
    gsize done = 0;
    tap_reset();
    ck_assert_int_eq(hg_stream_write_parts(accepting.stream, few, 3, &done), HG_IO_OK);
    ck_assert_uint_eq(done, 11);
    ck_assert_uint_eq(tap_count(TAP_SEND), 1);
    ck_assert_int_eq(hg_stream_write_parts(accepting.stream, many, 2, &done), HG_IO_OK);
    ck_assert_uint_eq(done, sizeof large);
    ck_assert_uint_eq(tap_count(TAP_SEND), 4);
    TURN_UNTIL(loop, connecting.got->len == 11 + sizeof large);
    ck_assert_mem_eq(connecting.got->data, "headbodyendhead", 15);
    close_end(&accepting);
    close_end(&connecting);
}
END_TEST

/* Reading stops with bytes left inside OpenSSL; whoever wants to read again hears of them. */
START_TEST(test_held_input_is_told_of)
{
    g_autoptr(HgTls) server = server_tls("server");
    g_autoptr(HgTls) client = client_tls(NULL, "ca.pem", HG_TLS_VERIFY_FULL);
    End accepting, connecting;
    make_ends(server, client, "gate.example", &accepting, &connecting);
    accepting.read_size = 3;
    accepting.slow = TRUE;
    send_text(&connecting, "0123456789");
    TURN_UNTIL(loop, accepting.got->len == 3);
    hg_stream_want(accepting.stream, HG_WANT_NOTHING);
    turn_for(loop, 20);
    ck_assert_uint_eq(accepting.got->len, 3);
    want(&accepting);
    TURN_UNTIL(loop, got_text(&accepting, "0123456789"));
    close_end(&accepting); /* also with a task on its way */
    close_end(&connecting);
}
END_TEST

/* ---- who is who ---- */

typedef struct {
    const char *server;
    const char *ca;
    const char *host;
    HgTlsVerify verify;
    const char *problem; /* NULL: it works */
} ServerCase;

static const ServerCase server_cases[] = {
    {"server", "ca.pem", "gate.example", HG_TLS_VERIFY_FULL, NULL},
    {"server", "ca.pem", "10.1.1.1", HG_TLS_VERIFY_FULL, "IP address mismatch"},
    {"server", "ca.pem", "elsewhere.example", HG_TLS_VERIFY_FULL, "hostname mismatch"},
    {"server", "ca.pem", "elsewhere.example", HG_TLS_VERIFY_CHAIN, NULL},
    {"server", "other-ca.pem", "gate.example", HG_TLS_VERIFY_CHAIN, "unable to get local issuer"},
    {"server", "other-ca.pem", "gate.example", HG_TLS_VERIFY_NONE, NULL},
    {"expired", "ca.pem", "gate.example", HG_TLS_VERIFY_FULL, "has expired"},
    /* by SNI */
    {"server", "ca.pem", "second.example", HG_TLS_VERIFY_FULL, NULL},
    {"server", "ca.pem", "a.third.example", HG_TLS_VERIFY_FULL, NULL},
    {"server", "ca.pem", "a.b.third.example", HG_TLS_VERIFY_FULL, "hostname mismatch"},
};

START_TEST(test_which_servers_are_believed)
{
    const ServerCase *row = &server_cases[_i];
    g_autoptr(HgTls) server = server_tls(row->server);
    g_autoptr(HgTls) client = client_tls(NULL, row->ca, row->verify);
    End accepting, connecting;
    make_ends(server, client, row->host, &accepting, &connecting);
    send_text(&connecting, "hello");
    if (row->problem == NULL) {
        TURN_UNTIL(loop, got_text(&accepting, "hello"));
    } else {
        TURN_UNTIL(loop, connecting.failed && accepting.failed);
        const char *problem = hg_stream_problem(connecting.stream);
        ck_assert_msg(strstr(problem, row->problem) != NULL, "%s", problem);
        ck_assert_uint_eq(accepting.got->len, 0);
        ck_assert_msg(strstr(hg_stream_problem(accepting.stream), "TLS: ") != NULL, "%s",
                      hg_stream_problem(accepting.stream));
    }
    close_end(&accepting);
    close_end(&connecting);
}
END_TEST

typedef struct {
    const char *client;
    HgTlsClientCertificate demand;
    const char *problem; /* of the server; NULL: it works */
    gboolean known;      /* the server knows who it is */
} ClientCase;

static const ClientCase client_cases[] = {
    {"alice", HG_TLS_CLIENT_NONE, NULL, FALSE},
    {"alice", HG_TLS_CLIENT_OPTIONAL, NULL, TRUE},
    {"alice", HG_TLS_CLIENT_REQUIRED, NULL, TRUE},
    {NULL, HG_TLS_CLIENT_OPTIONAL, NULL, FALSE},
    {NULL, HG_TLS_CLIENT_REQUIRED, "peer did not return a certificate", FALSE},
    {"stranger", HG_TLS_CLIENT_OPTIONAL, "unable to get local issuer", FALSE},
    {"stranger", HG_TLS_CLIENT_REQUIRED, "unable to get local issuer", FALSE},
};

START_TEST(test_which_clients_are_believed)
{
    const ClientCase *row = &client_cases[_i];
    g_autoptr(HgTls) server = try_server("server", row->demand, "ca.pem", NULL);
    g_autoptr(HgTls) client = client_tls(row->client, "ca.pem", HG_TLS_VERIFY_FULL);
    End accepting, connecting;
    make_ends(server, client, "gate.example", &accepting, &connecting);
    send_text(&connecting, "hello");
    if (row->problem != NULL) {
        TURN_UNTIL(loop, accepting.failed);
        const char *problem = hg_stream_problem(accepting.stream);
        ck_assert_msg(strstr(problem, row->problem) != NULL, "%s", problem);
        ck_assert_uint_eq(accepting.got->len, 0);
        ck_assert_ptr_null(hg_stream_tls_peer(accepting.stream));
    } else {
        TURN_UNTIL(loop, got_text(&accepting, "hello"));
        g_autoptr(HgTlsPeer) peer = hg_stream_tls_peer(accepting.stream);
        ck_assert_int_eq(peer != NULL, row->known);
        if (peer != NULL) {
            ck_assert_str_eq(peer->common_name, "alice");
            ck_assert_str_eq(peer->subject, "CN=alice");
            ck_assert_str_eq(peer->emails[0], "alice@example.org");
            ck_assert_ptr_null(peer->emails[1]);
            ck_assert_str_eq(peer->uris[0], "spiffe://example/alice");
            ck_assert_ptr_null(peer->dns_names[0]);
        }
    }
    close_end(&accepting);
    close_end(&connecting);
}
END_TEST

/* Puts the contents of two files into the first of them. */
static void append_file(const char *to, const char *more)
{
    g_autofree char *to_path = path_of(to), *more_path = path_of(more);
    g_autofree char *first = NULL, *second = NULL;
    ck_assert(g_file_get_contents(to_path, &first, NULL, NULL));
    ck_assert(g_file_get_contents(more_path, &second, NULL, NULL));
    g_autofree char *both = g_strconcat(first, second, NULL);
    ck_assert(g_file_set_contents(to_path, both, -1, NULL));
}

typedef struct {
    gboolean in_file; /* the authority in the middle is in the certificate's file */
    const char *ca;   /* of the server */
    const char *problem;
} ChainCase;

static const ChainCase chain_cases[] = {
    {TRUE, NULL, NULL},
    {TRUE, "middle.pem", NULL},
    {FALSE, "middle.pem", NULL}, /* found among the authorities */
    {FALSE, "ca.pem", "unable to get local issuer"},
    {FALSE, NULL, "unable to get local issuer"},
};

/* The client knows the root alone: the server has to show what is in between. */
START_TEST(test_chains)
{
    const ChainCase *row = &chain_cases[_i];
    Authority *middle = authority_new_below(ca, "middle");
    authority_issue(middle, "server", "gate", "DNS:gate.example", 10);
    if (row->in_file)
        append_file("server.pem", "middle.pem");
    g_autoptr(HgTls) server = try_server(
        "server", row->ca != NULL ? HG_TLS_CLIENT_OPTIONAL : HG_TLS_CLIENT_NONE, row->ca, NULL);
    g_autoptr(HgTls) client = client_tls(NULL, "ca.pem", HG_TLS_VERIFY_FULL);
    End accepting, connecting;
    make_ends(server, client, "gate.example", &accepting, &connecting);
    send_text(&connecting, "hello");
    if (row->problem == NULL) {
        TURN_UNTIL(loop, got_text(&accepting, "hello"));
    } else {
        TURN_UNTIL(loop, connecting.failed);
        const char *problem = hg_stream_problem(connecting.stream);
        ck_assert_msg(strstr(problem, row->problem) != NULL, "%s", problem);
    }
    close_end(&accepting);
    close_end(&connecting);
    authority_free(middle);
}
END_TEST

/* ---- peers without TLS ---- */

START_TEST(test_a_peer_without_tls)
{
    g_autoptr(HgTls) server = server_tls("server");
    int ours, theirs;
    make_pair(TRUE, &ours, &theirs);
    End accepting = make_end(ours, server, NULL, &accepting);
    want(&accepting);
    turn_for(loop, 10);
    ck_assert(!accepting.failed);
    write_all(theirs, hg_slice_from_string("GET / HTTP/1.0\r\n"));
    TURN_UNTIL(loop, accepting.failed);
    ck_assert_str_eq(hg_stream_problem(accepting.stream), "the peer doesn't speak TLS");
    ck_assert(hg_stream_drop_tls(accepting.stream));
    accepting.failed = FALSE;
    want(&accepting);
    TURN_UNTIL(loop, got_text(&accepting, "GET / HTTP/1.0\r\n"));
    ck_assert(!hg_stream_drop_tls(accepting.stream));
    close_end(&accepting);
    close(theirs);
}
END_TEST

/* A balancer's check: connects and leaves. */
START_TEST(test_a_peer_that_says_nothing)
{
    g_autoptr(HgTls) server = server_tls("server");
    int ours, theirs;
    make_pair(TRUE, &ours, &theirs);
    End accepting = make_end(ours, server, NULL, &accepting);
    want(&accepting);
    close(theirs);
    TURN_UNTIL(loop, accepting.failed);
    ck_assert_int_eq(accepting.last, HG_IO_END);
    close_end(&accepting);
}
END_TEST

START_TEST(test_garbage_that_begins_like_tls)
{
    g_autoptr(HgTls) server = server_tls("server");
    int ours, theirs;
    make_pair(TRUE, &ours, &theirs);
    End accepting = make_end(ours, server, NULL, &accepting);
    want(&accepting);
    static const char garbage[] = "\x16\x03\x01\x00\x05nonsense";
    write_all(theirs, hg_slice(garbage, sizeof garbage - 1));
    TURN_UNTIL(loop, accepting.failed);
    ck_assert_msg(g_str_has_prefix(hg_stream_problem(accepting.stream), "TLS: "), "%s",
                  hg_stream_problem(accepting.stream));
    ck_assert(!hg_stream_drop_tls(accepting.stream));
    close_end(&accepting);
    close(theirs);
}
END_TEST

/* ---- files ---- */

typedef struct {
    const char *what;
    const char *certificate;
    const char *key;
    const char *ca;
    const char *ciphers;
    const char *expected;
} FileCase;

static const FileCase file_cases[] = {
    {"no such file", "nosuch.pem", "server.key", NULL, NULL, "nosuch.pem"},
    {"no such key", "server.pem", "nosuch.key", NULL, NULL, "nosuch.key"},
    {"a key for a certificate", "server.key", "server.key", NULL, NULL,
     "can't use the certificate"},
    {"another's key", "server.pem", "second.key", NULL, NULL, "key values mismatch"},
    {"no authority", "server.pem", "server.key", "server.key", NULL, "certificate authorities in"},
    {"no cipher", "server.pem", "server.key", NULL, "NOSUCH", "is called NOSUCH"},
};

START_TEST(test_files_of_no_use)
{
    const FileCase *row = &file_cases[_i];
    g_autofree char *certificate = path_of(row->certificate);
    g_autofree char *key = path_of(row->key);
    g_autofree char *authority = row->ca != NULL ? path_of(row->ca) : NULL;
    HgTlsPair pair = {certificate, key};
    HgTlsOptions options = {
        .pairs = &pair, .n_pairs = 1, .ca_file = authority, .ciphers = row->ciphers};
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(hg_tls_new_server(&options, &error));
    ck_assert_msg(strstr(error->message, row->expected) != NULL, "%s: %s", row->what,
                  error->message);
}
END_TEST

static gboolean connects(HgTls *server, const char *authority)
{
    g_autoptr(HgTls) client = client_tls(NULL, authority, HG_TLS_VERIFY_FULL);
    End accepting, connecting;
    make_ends(server, client, "gate.example", &accepting, &connecting);
    send_text(&connecting, "hello");
    TURN_UNTIL(loop, connecting.failed || got_text(&accepting, "hello"));
    gboolean good = got_text(&accepting, "hello");
    close_end(&accepting);
    close_end(&connecting);
    return good;
}

START_TEST(test_reload)
{
    g_autoptr(HgTls) server = server_tls("server");
    g_autoptr(HgTls) client = client_tls(NULL, "ca.pem", HG_TLS_VERIFY_FULL);
    gint64 expires = hg_tls_expires(server);
    ck_assert_int_gt(expires, g_get_real_time() / G_USEC_PER_SEC + 9 * 86400);
    End accepting, connecting;
    make_ends(server, client, "gate.example", &accepting, &connecting);
    send_text(&connecting, "hello");
    TURN_UNTIL(loop, got_text(&accepting, "hello"));

    gboolean changed = TRUE;
    ck_assert(hg_tls_reload(server, &changed, NULL));
    ck_assert(!changed);

    /* a half-written pair is refused, and what was there stays */
    authority_issue(other_ca, "server", "gate", "DNS:gate.example", 15);
    g_autofree char *key = path_of("server.key"), *away = path_of("server.key.away");
    g_rename(key, away);
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_tls_reload(server, &changed, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert(connects(server, "ca.pem"));
    g_rename(away, key);
    ck_assert(hg_tls_reload(server, &changed, NULL));
    ck_assert(changed);
    ck_assert_int_gt(hg_tls_expires(server), expires);
    ck_assert(!connects(server, "ca.pem"));
    ck_assert(connects(server, "other-ca.pem"));

    /* the connection from before goes on */
    send_text(&accepting, "still here");
    TURN_UNTIL(loop, got_text(&connecting, "still here"));
    close_end(&accepting);
    close_end(&connecting);
}
END_TEST

/* A handshake that is under way while the settings go. */
START_TEST(test_settings_go_during_a_handshake)
{
    HgTls *server = server_tls("server");
    HgTls *client = client_tls(NULL, "ca.pem", HG_TLS_VERIFY_FULL);
    End accepting, connecting;
    make_ends(server, client, "second.example", &accepting, &connecting);
    hg_tls_unref(server);
    hg_tls_unref(client);
    send_text(&connecting, "hello");
    TURN_UNTIL(loop, got_text(&accepting, "hello"));
    close_end(&accepting);
    close_end(&connecting);
}
END_TEST

Suite *tls_suite(void)
{
    Suite *suite = suite_create("tls");
    TCase *tcase = tcase_create("tls");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, test_both_ways, 0, 2);
    tcase_add_loop_test(tcase, test_behind_bytes_in_clear, 0, 2);
    tcase_add_loop_test(tcase, test_much, 0, 6);
    tcase_add_loop_test(tcase, test_parts, 0, 2 * G_N_ELEMENTS(part_sizes));
    tcase_add_test(tcase, test_parts_share_records);
    tcase_add_test(tcase, test_held_input_is_told_of);
    tcase_add_loop_test(tcase, test_which_servers_are_believed, 0, G_N_ELEMENTS(server_cases));
    tcase_add_loop_test(tcase, test_which_clients_are_believed, 0, G_N_ELEMENTS(client_cases));
    tcase_add_loop_test(tcase, test_chains, 0, G_N_ELEMENTS(chain_cases));
    tcase_add_test(tcase, test_a_peer_without_tls);
    tcase_add_test(tcase, test_a_peer_that_says_nothing);
    tcase_add_test(tcase, test_garbage_that_begins_like_tls);
    tcase_add_loop_test(tcase, test_files_of_no_use, 0, G_N_ELEMENTS(file_cases));
    tcase_add_test(tcase, test_reload);
    tcase_add_test(tcase, test_settings_go_during_a_handshake);
    suite_add_tcase(suite, tcase);
    return suite;
}

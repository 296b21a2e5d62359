/* Thrift C GLib reads every request that the validator accepts, and finds the same values in it.
 *
 * C GLib must only ever see messages that were validated: so its reading of random bytes is tried
 * only behind the validator, on requests of the corpus that were changed at random. */
#include "corpus.h"
#include "hs2/request.h"
#include "hs2/schema.h"
#include "notation.h"
#include "oracle.h"
#include "suites.h"
#include "wire/layout.h"

#define CHANGED_REQUESTS 40000 /* with a fixed seed */

/* ---- two messages hold the same ---- */

/* The fields of a struct: id to the place behind its head; moves behind STOP. */
static GHashTable *index_fields(HgCursor *cursor)
{
    GHashTable *fields = g_hash_table_new(NULL, NULL);
    for (;;) {
        guint8 type = 0;
        gint16 id = 0;
        HOLDS(hg_cursor_read_field(cursor, &type, &id) == HG_WIRE_OK);
        if (type == HG_THRIFT_STOP)
            return fields;
        HOLDS(g_hash_table_insert(fields, GINT_TO_POINTER((int)id), (gpointer)cursor->at));
        HOLDS(hg_cursor_skip(cursor, type, 1) == HG_WIRE_OK);
    }
}

static HgCursor cursor_at(const HgCursor *within, const guint8 *at)
{
    return (HgCursor){within->start, at, within->end};
}

static GHashTable *read_map(HgCursor cursor)
{
    GHashTable *map = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    gint32 count = 0;
    cursor.at += 2;
    HOLDS(hg_cursor_read_i32(&cursor, &count) == HG_WIRE_OK);
    for (gint32 i = 0; i < count; i++) {
        HgSlice key = {NULL, 0};
        HgSlice value = {NULL, 0};
        HOLDS(hg_cursor_read_string(&cursor, &key) == HG_WIRE_OK);
        HOLDS(hg_cursor_read_string(&cursor, &value) == HG_WIRE_OK);
        HOLDS(g_hash_table_insert(map, hg_slice_dup_string(key), hg_slice_dup_string(value)));
    }
    return map;
}

static void check_same_map(HgCursor left, HgCursor right)
{
    g_autoptr(GHashTable) a = read_map(left);
    g_autoptr(GHashTable) b = read_map(right);
    HOLDS(g_hash_table_size(a) == g_hash_table_size(b));
    GHashTableIter iter;
    gpointer key;
    gpointer value;
    g_hash_table_iter_init(&iter, a);
    while (g_hash_table_iter_next(&iter, &key, &value))
        HOLDS(g_strcmp0(g_hash_table_lookup(b, key), value) == 0);
}

/* The elements' count and bytes; the type byte of an empty list may differ. */
static void check_same_list(HgCursor left, HgCursor right)
{
    const guint8 *first = left.at;
    const guint8 *second = right.at;
    HOLDS(hg_cursor_skip(&left, HG_THRIFT_LIST, 1) == HG_WIRE_OK);
    HOLDS(hg_cursor_skip(&right, HG_THRIFT_LIST, 1) == HG_WIRE_OK);
    HOLDS(hg_slice_equal(hg_slice(first + 1, (gsize)(left.at - first) - 1),
                         hg_slice(second + 1, (gsize)(right.at - second) - 1)));
}

static void check_same_struct(const HgStructSchema *schema, HgCursor *left, HgCursor *right);

static void check_same_value(const HgFieldSchema *field, HgCursor left, HgCursor right)
{
    if (field->kind == HG_KIND_STRUCT) {
        check_same_struct(field->nested, &left, &right);
    } else if (field->kind == HG_KIND_TEXT_MAP) {
        check_same_map(left, right);
    } else if (field->kind == HG_KIND_TEXT_LIST || field->kind == HG_KIND_I32_LIST) {
        check_same_list(left, right);
    } else {
        const guint8 *first = left.at;
        const guint8 *second = right.at;
        guint8 type = hg_schema_wire_type(field->kind);
        HOLDS(hg_cursor_skip(&left, type, 1) == HG_WIRE_OK);
        HOLDS(hg_cursor_skip(&right, type, 1) == HG_WIRE_OK);
        HOLDS(hg_slice_equal(hg_slice(first, (gsize)(left.at - first)),
                             hg_slice(second, (gsize)(right.at - second))));
    }
}

/* What the service knows of the struct at `left` is the whole of the struct at `right`. */
static void check_same_struct(const HgStructSchema *schema, HgCursor *left, HgCursor *right)
{
    g_autoptr(GHashTable) a = index_fields(left);
    g_autoptr(GHashTable) b = index_fields(right);
    for (gint16 i = 0; i < schema->count + schema->added_count; i++) {
        gint16 id = (gint16)(i < schema->count ? i + 1 : 0x501 + i - schema->count);
        const HgFieldSchema *field = hg_schema_field(schema, id);
        const guint8 *first = g_hash_table_lookup(a, GINT_TO_POINTER((int)id));
        const guint8 *second = g_hash_table_lookup(b, GINT_TO_POINTER((int)id));
        g_hash_table_remove(b, GINT_TO_POINTER((int)id));
        /* a field that Databricks adds, but of another type, is unknown to both */
        if (i >= schema->count && first != NULL &&
            *(first - HG_LAYOUT_FIELD_SIZE) != hg_schema_wire_type(field->kind))
            first = NULL;
        HOLDS((first == NULL) == (second == NULL));
        if (first != NULL)
            check_same_value(field, cursor_at(left, first), cursor_at(right, second));
    }
    HOLDS(g_hash_table_size(b) == 0);
}

/* ---- the view that the validator gives holds the same ---- */

static HgSlice span_slice(const guint8 *message, HgSpan span)
{
    return hg_slice(message + span.offset, span.size);
}

static void check_view_of_handle(const HgRequest *request, const guint8 *message,
                                 OracleObject *args)
{
    gboolean session = request->method->takes == HG_TAKES_SESSION;
    g_autoptr(OracleObject) handle =
        oracle_find(args, session ? "req.sessionHandle" : "req.operationHandle");
    g_autoptr(OracleObject) identifier = oracle_find(handle, session ? "sessionId" : "operationId");
    HgSlice guid = oracle_bytes(identifier, "guid");
    HgSlice secret = oracle_bytes(identifier, "secret");
    HOLDS(request->has_handle == (guid.size == HG_HANDLE_HALF && secret.size == HG_HANDLE_HALF));
    if (!session)
        HOLDS(request->operation_type == oracle_number(handle, "operationType"));
    if (!request->has_handle)
        return;
    HgHandle view;
    hg_request_get_handle(request, message, &view);
    HOLDS(memcmp(view.guid, guid.data, HG_HANDLE_HALF) == 0);
    HOLDS(memcmp(view.secret, secret.data, HG_HANDLE_HALF) == 0);
}

static void check_view_of_namespace(const HgRequest *request, const guint8 *message,
                                    OracleObject *req)
{
    gint64 version = oracle_number(req, "client_protocol_i64");
    if (version >= 0xa501 && version <= 0xa5ff)
        HOLDS(request->spark_protocol == version);
    else
        HOLDS(request->spark_protocol == 0 || request->spark_protocol == request->protocol);
    g_autoptr(OracleObject) namespace = oracle_find(req, "initialNamespace");
    if (namespace == NULL) {
        HOLDS(request->catalog.size == 0 && request->database.size == 0);
        return;
    }
    HOLDS(hg_slice_equal(span_slice(message, request->catalog),
                         oracle_bytes(namespace, "catalogName")));
    HOLDS(hg_slice_equal(span_slice(message, request->database),
                         oracle_bytes(namespace, "schemaName")));
}

static void check_view(const HgRequest *request, const guint8 *message, OracleObject *args)
{
    g_autoptr(OracleObject) req = oracle_find(args, "req");
    if (request->method->takes != HG_TAKES_NOTHING)
        check_view_of_handle(request, message, args);
    switch (request->method->id) {
    case HG_METHOD_OPEN_SESSION:
        HOLDS(
            hg_slice_equal(span_slice(message, request->username), oracle_bytes(req, "username")));
        HOLDS(
            hg_slice_equal(span_slice(message, request->password), oracle_bytes(req, "password")));
        if (request->has_protocol)
            HOLDS(request->protocol == oracle_number(req, "client_protocol"));
        check_view_of_namespace(request, message, req);
        break;
    case HG_METHOD_EXECUTE_STATEMENT:
        HOLDS(hg_slice_equal(span_slice(message, request->statement),
                             oracle_bytes(req, "statement")));
        HOLDS(request->run_async == oracle_number(req, "runAsync"));
        break;
    case HG_METHOD_DOWNLOAD_DATA:
        HOLDS(hg_slice_equal(span_slice(message, request->statement), oracle_bytes(req, "query")));
        break;
    case HG_METHOD_GET_INFO:
        HOLDS(request->info_type == oracle_number(req, "infoType"));
        break;
    case HG_METHOD_FETCH_RESULTS:
        HOLDS(request->fetch_type == oracle_number(req, "fetchType"));
        break;
    default:
        break;
    }
}

/* The two fields that are required and have a default: Java takes a request without them, C GLib
 * doesn't. */
static const HgFieldSchema *missing_default(const HgRequest *request, const guint8 *message,
                                            gint16 *id)
{
    *id = request->method->id == HG_METHOD_OPEN_SESSION ? 1 : 2;
    if (request->method->id != HG_METHOD_OPEN_SESSION &&
        request->method->id != HG_METHOD_FETCH_RESULTS)
        return NULL;
    HgCursor cursor = hg_cursor(span_slice(message, request->req_fields));
    g_autoptr(GHashTable) fields = index_fields(&cursor);
    if (g_hash_table_contains(fields, GINT_TO_POINTER((int)*id)))
        return NULL;
    return hg_schema_field(hg_schema_args(request->method->id)->fields[0].nested, *id);
}

/* A copy of the message with what is missing of them put in. */
static GByteArray *with_default(const HgRequest *request, const guint8 *message)
{
    GByteArray *copy = g_byte_array_new();
    gsize at = request->req_fields.offset;
    g_byte_array_append(copy, message, (guint)at);
    gint16 id;
    const HgFieldSchema *field = missing_default(request, message, &id);
    if (field != NULL) {
        guint8 bytes[] = {HG_THRIFT_I32, 0, (guint8)id, 0, 0, 0, id == 1 ? 9 : 0};
        g_byte_array_append(copy, bytes, sizeof bytes);
    }
    return g_byte_array_append(copy, message + at, (guint)(request->size - at));
}

static void check_same(const HgRequest *request, const guint8 *message)
{
    HgSlice body = hg_slice(message + request->head.size, request->size - request->head.size);
    gsize used = 0;
    g_autoptr(OracleObject) args = oracle_read(body, oracle_args_type(request->method->id), &used);
    HOLDS(args != NULL);
    HOLDS(used == body.size);
    g_autoptr(GByteArray) again = oracle_write(args);
    HgCursor left = hg_cursor(body);
    HgCursor right = hg_cursor(bytes_slice(again));
    check_same_struct(hg_schema_args(request->method->id), &left, &right);
    HOLDS(left.at == left.end && right.at == right.end);
    check_view(request, message, args);
}

/* TRUE when the validator takes the bytes for a whole request of the service; then Thrift must find
 * the same in it. */
static gboolean check_request(HgSlice bytes)
{
    HgRequest request;
    HgRequestStatus status = hg_request_read(bytes, &request);
    if (status != HG_REQUEST_OK || request.method == NULL || request.incomplete)
        return FALSE;
    g_autoptr(GByteArray) full = with_default(&request, bytes.data);
    HOLDS(hg_request_read(bytes_slice(full), &request) == HG_REQUEST_OK);
    HOLDS(request.size == full->len);
    check_same(&request, full->data);
    return TRUE;
}

START_TEST(test_corpus)
{
    gsize count;
    const char *const *corpus = request_corpus(&count);
    for (gsize i = 0; i < count; i++) {
        AUTO_MESSAGE(bytes, corpus[i]);
        ck_assert_msg(check_request(bytes_slice(bytes)), "%s", corpus[i]);
    }
}
END_TEST

/* Puts a copy of the `size` bytes at `at` behind them. */
static void repeat(GByteArray *bytes, guint at, guint size)
{
    size = MIN(size, bytes->len - at);
    g_byte_array_set_size(bytes, bytes->len + size);
    memmove(bytes->data + at + size, bytes->data + at, bytes->len - at - size);
}

/* Changes one to three places of a message. */
static void change(GRand *random, GByteArray *bytes)
{
    for (gint changes = g_rand_int_range(random, 1, 4); changes > 0 && bytes->len > 4; changes--) {
        guint at = (guint)g_rand_int_range(random, 0, (gint32)bytes->len);
        guint8 byte = (guint8)g_rand_int_range(random, 0, 256);
        guint other = (guint)g_rand_int_range(random, 0, (gint32)bytes->len);
        switch (g_rand_int_range(random, 0, 6)) {
        case 0:
            bytes->data[at] = byte;
            break;
        case 1:
            bytes->data[at] ^= (guint8)(1u << (byte % 8));
            break;
        case 2: /* small numbers are types, ids, lengths */
            bytes->data[at] = byte % 16;
            break;
        case 3:
            g_byte_array_remove_index(bytes, at);
            break;
        case 4: /* a piece again: fields and keys twice */
            repeat(bytes, at, byte % 40);
            break;
        default:
            bytes->data[at] = bytes->data[other];
            break;
        }
    }
}

START_TEST(test_changed_requests)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(26);
    gsize count;
    const char *const *corpus = request_corpus(&count);
    guint accepted = 0;
    for (guint i = 0; i < CHANGED_REQUESTS; i++) {
        AUTO_MESSAGE(bytes, corpus[i % count]);
        g_byte_array_set_size(bytes, bytes->len); /* of its own: it is changed */
        change(random, bytes);
        HgSlice tight = tight_copy(bytes_slice(bytes));
        accepted += check_request(tight) ? 1 : 0;
        g_free((guint8 *)tight.data);
    }
    ck_assert_uint_gt(accepted, CHANGED_REQUESTS / 20);
    ck_assert_uint_lt(accepted, CHANGED_REQUESTS * 9 / 10);
}
END_TEST

Suite *oracle_suite(void)
{
    Suite *suite = suite_create("hs2/oracle");
    TCase *tests = tcase_create("oracle");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_corpus);
    tcase_add_test(tests, test_changed_requests);
    suite_add_tcase(suite, tests);
    return suite;
}

/* Fuzz target: the OpenSession that goes to a backend, from any that a client may send.
 *
 * Input: flags, then either a raw message or (flag 1) a program from which an OpenSession with
 * variables that look dangerous, and the fields of Databricks, is built. Whatever passes is read
 * again by the plain reader and judged as Spark's server would take it: exact and case-sensitive
 * (measured, 3.5.3). */
#include "fuzz.h"
#include "hs2/open.h"
#include "reference.h"

#define PRINCIPAL "alice"
#define LOGIN     "svc"
#define PROXY_KEY "hive.server2.proxy.user"

/* ---- a program of variables ---- */

static void put_bytes(GByteArray *out, HgSlice bytes)
{
    g_byte_array_append(out, bytes.data, (guint)bytes.size);
}

static void put_number(GByteArray *out, guint32 number, guint size)
{
    for (guint i = size; i > 0; i--) {
        guint8 byte = (guint8)(number >> (8 * (i - 1)));
        g_byte_array_append(out, &byte, 1);
    }
}

static void put_string(GByteArray *out, HgSlice text)
{
    put_number(out, (guint32)text.size, 4);
    put_bytes(out, text);
}

static void put_field(GByteArray *out, guint type, guint id)
{
    put_number(out, type, 1);
    put_number(out, id, 2);
}

/* A key put together from parts that matter, each perhaps changed in a letter. */
static void put_key(GByteArray *out, HgSlice *program)
{
    static const char *const parts[] = {"set:",     "hiveconf:",    "hivevar:",  "system:",
                                        "env:",     "metaconf:",    PROXY_KEY,   "use:database",
                                        " ",        "\t",           "spark.x",   "SET:",
                                        "\xc5\xbf", "\xe2\x84\xaa", "HiveConf:", "hive.server2."};
    g_autoptr(GString) key = g_string_new(NULL);
    guint count = 1 + fuzz_take_u8(program) % 5;
    for (guint i = 0; i < count; i++) {
        guint choice = fuzz_take_u8(program);
        if (choice < 224) {
            g_string_append(key, parts[choice % G_N_ELEMENTS(parts)]);
        } else {
            HgSlice raw = fuzz_take(program, choice - 223);
            g_string_append_len(key, (const char *)raw.data, (gssize)raw.size);
        }
    }
    guint change = fuzz_take_u8(program);
    if (change < 128 && key->len > 0)
        key->str[change % key->len] ^= 0x20;
    put_string(out, hg_slice(key->str, key->len));
}

static void put_value(GByteArray *out, HgSlice *program)
{
    static const char *const values[] = {PRINCIPAL, "bob", "", "Alice", " alice", "default"};
    guint choice = fuzz_take_u8(program);
    if (choice < 192)
        put_string(out, hg_slice_from_string(values[choice % G_N_ELEMENTS(values)]));
    else
        put_string(out, fuzz_take(program, choice - 191));
}

static void put_map(GByteArray *out, guint id, HgSlice *program)
{
    guint count = fuzz_take_u8(program) % 6;
    put_field(out, HG_THRIFT_MAP, id);
    put_number(out, HG_THRIFT_STRING << 8 | HG_THRIFT_STRING, 2);
    put_number(out, count, 4);
    for (guint k = 0; k < count; k++) {
        put_key(out, program);
        put_value(out, program);
    }
}

/* A version of Hive, of Databricks, or neither. */
static guint32 take_version(HgSlice *program)
{
    static const guint32 others[] = {0xa501, 0xa508, 0xa5ff, 0xa500, (guint32)-7, 0xff01};
    guint choice = fuzz_take_u8(program) % (12 + G_N_ELEMENTS(others));
    return choice < 12 ? choice : others[choice - 12];
}

static void put_namespace(GByteArray *out, HgSlice *program)
{
    guint parts = fuzz_take_u8(program);
    put_field(out, HG_THRIFT_STRUCT, 0x504);
    for (guint id = 1; id <= 2; id++) {
        if ((parts & id) == 0)
            continue;
        put_field(out, HG_THRIFT_STRING, id);
        put_value(out, program);
    }
    put_number(out, HG_THRIFT_STOP, 1);
}

static void put_fields(GByteArray *out, HgSlice *program)
{
    guint fields = fuzz_take_u8(program) % 10;
    for (guint i = 0; i < fields; i++) {
        switch (fuzz_take_u8(program) % 9) {
        case 0:
            put_field(out, HG_THRIFT_I32, 1);
            put_number(out, take_version(program), 4);
            break;
        case 6:
            put_field(out, HG_THRIFT_I64, 0x502);
            put_number(out, 0, 4);
            put_number(out, take_version(program), 4);
            break;
        case 7:
            put_map(out, 0x503, program);
            break;
        case 8:
            put_namespace(out, program);
            break;
        case 1:
            put_field(out, HG_THRIFT_STRING, 2);
            put_value(out, program);
            break;
        case 2:
            put_field(out, HG_THRIFT_STRING, 3);
            put_value(out, program);
            break;
        case 3:
        case 4:
            put_map(out, 4, program);
            break;
        default:
            put_field(out, HG_THRIFT_STRING, fuzz_take_u16(program));
            put_value(out, program);
        }
    }
    put_number(out, HG_THRIFT_STOP, 1);
}

static void build(GByteArray *out, HgSlice *program)
{
    put_number(out, 0x80010001u, 4);
    put_string(out, hg_slice_from_string("OpenSession"));
    put_number(out, fuzz_take_u32(program), 4);
    put_field(out, HG_THRIFT_STRUCT, 1);
    put_fields(out, program);
    put_number(out, HG_THRIFT_STOP, 1);
}

/* ---- taking the result apart ---- */

/* What a TOpenSessionReq holds; `others` are the fields that hivegate doesn't write itself. */
typedef struct {
    guint usernames;
    guint passwords;
    guint versions;
    guint32 version;
    guint64 spark_version;
    HgSlice username;
    HgSlice configuration;
    HgSlice properties;
    HgSlice catalog;
    HgSlice schema;
    GByteArray *others;
} Opened;

static void note_name(guint type, gint16 id, HgSlice value, gpointer data)
{
    Opened *opened = data;
    HgSlice text = type == HG_THRIFT_STRING ? hg_slice(value.data + 4, value.size - 4) : value;
    if (id == 1)
        opened->catalog = text;
    else if (id == 2)
        opened->schema = text;
}

static void note_field(guint type, gint16 id, HgSlice value, gpointer data)
{
    Opened *opened = data;
    if (id == 2) {
        opened->usernames++;
        opened->username = hg_slice(value.data + 4, value.size - 4);
    } else if (id == 3) {
        opened->passwords++;
    } else if (id == 4) {
        opened->configuration = value;
    } else if (id == 1) {
        opened->versions++;
        opened->version = fuzz_take_u32(&value);
    } else {
        HgSlice rest = value;
        if (id == 0x502 && type == HG_THRIFT_I64)
            opened->spark_version = (guint64)fuzz_take_u32(&rest) << 32 | fuzz_take_u32(&rest);
        else if (id == 0x503 && type == HG_THRIFT_MAP)
            opened->properties = value;
        else if (id == 0x504 && type == HG_THRIFT_STRUCT)
            reference_fields(value, note_name, opened);
        put_number(opened->others, type << 16 | (guint16)id, 4);
        put_bytes(opened->others, value);
    }
}

static HgSlice next_string(HgSlice *rest)
{
    guint32 size = fuzz_take_u32(rest);
    FUZZ_CHECK(size <= rest->size);
    return fuzz_take(rest, size);
}

/* TRUE when Spark 3.5.3 would take the variable for one that no client may set. */
static gboolean is_dangerous(HgSlice key, HgSlice value)
{
    g_autofree char *text = g_strndup((const char *)key.data, key.size);
    if (strcmp(text, PROXY_KEY) == 0)
        return value.size > 0 && !hg_slice_equal_string(value, PRINCIPAL);
    if (!g_str_has_prefix(text, "set:"))
        return FALSE;
    const char *name = g_strstrip(text + strlen("set:"));
    if (g_str_has_prefix(name, "system:") || g_str_has_prefix(name, "env:") ||
        g_str_has_prefix(name, "metaconf:"))
        return TRUE;
    if (g_str_has_prefix(name, "hiveconf:"))
        name += strlen("hiveconf:");
    return strcmp(name, PROXY_KEY) == 0 && value.size > 0 &&
           !hg_slice_equal_string(value, PRINCIPAL);
}

static guint32 count_of(HgSlice *configuration)
{
    fuzz_take_u16(configuration);
    return fuzz_take_u32(configuration);
}

/* TRUE when the client sent this variable. */
static gboolean was_sent(HgSlice sent, HgSlice key, HgSlice value)
{
    for (guint32 left = count_of(&sent); left > 0; left--) {
        HgSlice sent_key = next_string(&sent);
        if (hg_slice_equal(next_string(&sent), value) && hg_slice_equal(sent_key, key))
            return TRUE;
    }
    return FALSE;
}

/* A dangerous one among those sent is refused aloud, never just left out. */
static void check_none_dangerous(HgSlice sent)
{
    for (guint32 left = sent.size > 0 ? count_of(&sent) : 0; left > 0; left--) {
        HgSlice key = next_string(&sent);
        FUZZ_CHECK(!is_dangerous(key, next_string(&sent)));
    }
}

/* Reads an identifier off the SQL text, as Spark does: quoted, or of letters, digits and _. */
static GString *next_identifier(HgSlice *sql)
{
    GString *name = g_string_new(NULL);
    gboolean quoted = sql->size > 0 && sql->data[0] == '`';
    gsize at = quoted ? 1 : 0;
    for (; at < sql->size; at++) {
        char c = (char)sql->data[at];
        if (quoted && c == '`' && (at + 1 == sql->size || sql->data[at + 1] != '`'))
            break;
        if (quoted && c == '`')
            at++;
        if (!quoted && !g_ascii_isalnum(c) && c != '_')
            break;
        g_string_append_c(name, c);
    }
    FUZZ_CHECK(!quoted || (at < sql->size && sql->data[at] == '`'));
    FUZZ_CHECK(quoted || name->len > 0);
    fuzz_take(sql, at + quoted);
    return name;
}

static gboolean names(const GString *identifier, HgSlice name)
{
    return hg_slice_equal(hg_slice(identifier->str, identifier->len), name);
}

/* The database that hivegate adds is the namespace that a client of Databricks sent. */
static void check_database(const Opened *sent, HgSlice sql)
{
    FUZZ_CHECK((sent->spark_version >= 0xa501 && sent->spark_version <= 0xa5ff) ||
               (sent->version >= 0xa501 && sent->version <= 0xa5ff));
    GString *first = next_identifier(&sql);
    if (sql.size > 0) {
        FUZZ_CHECK(names(first, sent->catalog));
        FUZZ_CHECK(fuzz_take_u8(&sql) == '.');
        g_string_free(first, TRUE);
        first = next_identifier(&sql);
        FUZZ_CHECK(sent->schema.size > 0 || g_str_equal(first->str, "default"));
    }
    FUZZ_CHECK(sent->schema.size == 0 || names(first, sent->schema));
    FUZZ_CHECK(sql.size == 0);
    g_string_free(first, TRUE);
}

/* Every variable that passed was sent and is harmless, but for those that hivegate adds. */
static void check_configuration(const Opened *opened, HgSlice passed, gboolean own)
{
    HgSlice sent = opened->configuration;
    guint32 sent_count = sent.size > 0 ? count_of(&(HgSlice){sent.data, sent.size}) : 0;
    guint32 passed_count = passed.size > 0 ? count_of(&passed) : 0;
    gboolean database = FALSE;
    for (guint32 i = 0; i < passed_count; i++) {
        HgSlice key = next_string(&passed);
        HgSlice value = next_string(&passed);
        if (i + 1 + own == passed_count && hg_slice_equal_string(key, "use:database") &&
            (sent.size == 0 || !was_sent(sent, key, value))) {
            check_database(opened, value);
            database = TRUE;
            continue;
        }
        if (own && i + 1 == passed_count) {
            FUZZ_CHECK(hg_slice_equal_string(key, PROXY_KEY));
            FUZZ_CHECK(hg_slice_equal_string(value, PRINCIPAL));
            continue;
        }
        FUZZ_CHECK(was_sent(sent, key, value));
        FUZZ_CHECK(!is_dangerous(key, value));
        FUZZ_CHECK(!own || !hg_slice_equal_string(key, PROXY_KEY));
    }
    FUZZ_CHECK(!own || passed_count > 0);
    FUZZ_CHECK(passed_count <= sent_count + own + database);
}

static void open_fields(const HgRequest *request, HgSlice message, Opened *opened)
{
    opened->others = g_byte_array_new();
    HgSlice fields = hg_slice(message.data + request->req_fields.offset, request->req_fields.size);
    reference_fields(fields, note_field, opened);
}

static void check_passed(const HgRequest *request, HgSlice message, HgSlice written, gboolean own)
{
    HgRequest again;
    FUZZ_CHECK(hg_request_read(written, &again) == HG_REQUEST_OK && !again.incomplete);
    FUZZ_CHECK(again.size == written.size && again.head.strict);
    FUZZ_CHECK(again.head.seqid == request->head.seqid);
    FUZZ_CHECK(again.method == request->method);
    FUZZ_CHECK(again.protocol >= 0 && again.protocol <= 10);
    FUZZ_CHECK(again.protocol == request->protocol ||
               (again.protocol == 9 && (request->protocol < 0 || request->protocol > 10)));
    Opened before = {0};
    Opened after = {0};
    open_fields(request, message, &before);
    open_fields(&again, written, &after);
    FUZZ_CHECK(after.usernames == 1 && hg_slice_equal_string(after.username, LOGIN));
    FUZZ_CHECK(after.passwords == 0 && after.versions == before.versions);
    FUZZ_CHECK(hg_slice_equal(hg_slice(before.others->data, before.others->len),
                              hg_slice(after.others->data, after.others->len)));
    check_none_dangerous(before.configuration);
    check_none_dangerous(before.properties);
    check_configuration(&before, after.configuration, own);
    g_byte_array_unref(before.others);
    g_byte_array_unref(after.others);
}

static void rewrite(HgSlice message, gboolean own)
{
    HgRequest request;
    if (hg_request_read(message, &request) != HG_REQUEST_OK || request.incomplete ||
        request.method == NULL || request.method->id != HG_METHOD_OPEN_SESSION)
        return;
    g_autofree char *other = NULL;
    g_autoptr(GError) unclear = NULL;
    FUZZ_CHECK(hg_open_find_proxy_user(&request, message, &other, &unclear) == (unclear == NULL));
    FUZZ_CHECK(other == NULL || (unclear == NULL && *other != '\0'));
    HgOpenPlan plan = {.effective_user = PRINCIPAL, .login_name = LOGIN, .name_proxy_user = own};
    HgBudget budget;
    HgBuffer out;
    g_autoptr(GError) error = NULL;
    hg_budget_init(&budget, 0);
    hg_buffer_init(&out, &budget);
    if (hg_open_rewrite(&request, message, &plan, &out, &error)) {
        FUZZ_CHECK(error == NULL);
        check_passed(&request, message, hg_slice(hg_buffer_data(&out), hg_buffer_size(&out)), own);
    } else {
        FUZZ_CHECK(error != NULL && error->message[0] != '\0');
        FUZZ_CHECK(g_utf8_validate(error->message, -1, NULL));
        FUZZ_CHECK(strpbrk(error->message, "\n\r\x1b") == NULL);
        FUZZ_CHECK(hg_buffer_size(&out) == 0);
    }
    hg_buffer_clear(&out);
    FUZZ_CHECK(hg_budget_used(&budget) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice input = hg_slice(data, size);
    guint flags = fuzz_take_u8(&input);
    g_autoptr(GByteArray) built = g_byte_array_new();
    if ((flags & 1) != 0) {
        build(built, &input);
        input = hg_slice(built->data, built->len);
    }
    HgSlice message = fuzz_copy(input);
    rewrite(message, (flags & 2) != 0);
    fuzz_free(message);
    return 0;
}

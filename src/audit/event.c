/* Events as JSON: see event.h. One row a member, so that the order and the names stand in one
 * place. Pure. */
#include "audit/event.h"

#include "base/text.h"

#include <stddef.h>
#include <time.h>

typedef struct {
    const char *name;
    gsize offset;
} Member;

#define MEMBER(name)                                                                               \
    {                                                                                              \
#name, offsetof(HgAuditEvent, name)                                                        \
    }

static const Member texts[] = {
    MEMBER(principal),      MEMBER(realm),
    MEMBER(effective_user), MEMBER(client_address),
    MEMBER(peer_address),   MEMBER(client_kind),
    MEMBER(client_version), MEMBER(listener),
    MEMBER(pool),           MEMBER(endpoint),
    MEMBER(session_id),     MEMBER(operation_id),
    MEMBER(database),       MEMBER(statement),
    MEMBER(statement_run),  MEMBER(call),
    MEMBER(policy_version), MEMBER(decision),
    MEMBER(reason),         MEMBER(sql_state),
    MEMBER(message),        MEMBER(backend_query_id),
    MEMBER(content_hash),   MEMBER(content),
    MEMBER(detail),
};

static const Member lists[] = {
    MEMBER(groups),
    MEMBER(tables_read),
    MEMBER(tables_written),
    MEMBER(policies),
};

static const Member numbers[] = {
    MEMBER(rows_returned), MEMBER(bytes_returned), MEMBER(queue_us),
    MEMBER(run_us),        MEMBER(fetch_us),       MEMBER(lost),
};

static const char *const kinds[HG_AUDIT_KINDS] = {
    [HG_AUDIT_LOGIN_ACCEPTED] = "login_accepted",
    [HG_AUDIT_LOGIN_REFUSED] = "login_refused",
    [HG_AUDIT_SESSION_OPENED] = "session_opened",
    [HG_AUDIT_SESSION_MOVED] = "session_moved",
    [HG_AUDIT_SESSION_CLOSED] = "session_closed",
    [HG_AUDIT_STATEMENT_SUBMITTED] = "statement_submitted",
    [HG_AUDIT_STATEMENT_REFUSED] = "statement_refused",
    [HG_AUDIT_STATEMENT_REWRITTEN] = "statement_rewritten",
    [HG_AUDIT_STATEMENT_FINISHED] = "statement_finished",
    [HG_AUDIT_STATEMENT_FAILED] = "statement_failed",
    [HG_AUDIT_STATEMENT_CANCELLED] = "statement_cancelled",
    [HG_AUDIT_STATEMENT_TIMED_OUT] = "statement_timed_out",
    [HG_AUDIT_STATEMENT_UNKNOWN] = "statement_unknown",
    [HG_AUDIT_METADATA_CALL] = "metadata_call",
    [HG_AUDIT_ADMIN_ACTION] = "admin_action",
    [HG_AUDIT_CONFIG_LOADED] = "config_loaded",
    [HG_AUDIT_GAP] = "gap",
    [HG_AUDIT_READ] = "audit_read",
    [HG_AUDIT_SERVICE_STARTED] = "service_started",
    [HG_AUDIT_SERVICE_STOPPED] = "service_stopped",
    [HG_AUDIT_STATEMENT_FETCHED] = "statement_fetched",
    [HG_AUDIT_ANCHOR] = "anchor",
    [HG_AUDIT_ARCHIVED] = "archived",
    [HG_AUDIT_DROPPED] = "dropped",
    [HG_AUDIT_HOLD] = "hold",
    [HG_AUDIT_SESSION_REFUSED] = "session_refused",
};

void hg_audit_event_init(HgAuditEvent *event, HgAuditKind kind)
{
    *event = (HgAuditEvent){.kind = kind,
                            .rows_returned = -1,
                            .bytes_returned = -1,
                            .queue_us = -1,
                            .run_us = -1,
                            .fetch_us = -1,
                            .lost = -1};
}

const char *hg_audit_kind_name(guint kind)
{
    return kind < HG_AUDIT_KINDS ? kinds[kind] : NULL;
}

gboolean hg_audit_kind_parse(const char *name, HgAuditKind *out)
{
    for (guint i = 1; i < HG_AUDIT_KINDS; i++) {
        if (strcmp(kinds[i], name) != 0)
            continue;
        *out = (HgAuditKind)i;
        return TRUE;
    }
    return FALSE;
}

HgAuditEffect hg_audit_kind_effect(guint kind)
{
    switch (kind) {
    case HG_AUDIT_STATEMENT_SUBMITTED:
        return HG_AUDIT_OPENS;
    case HG_AUDIT_STATEMENT_REFUSED:
    case HG_AUDIT_STATEMENT_FINISHED:
    case HG_AUDIT_STATEMENT_FAILED:
    case HG_AUDIT_STATEMENT_CANCELLED:
    case HG_AUDIT_STATEMENT_TIMED_OUT:
    case HG_AUDIT_STATEMENT_UNKNOWN:
        return HG_AUDIT_ENDS;
    default:
        return HG_AUDIT_NEITHER;
    }
}

gboolean hg_audit_kind_admits(guint kind)
{
    return kind == HG_AUDIT_STATEMENT_SUBMITTED || kind == HG_AUDIT_SESSION_OPENED ||
           kind == HG_AUDIT_METADATA_CALL;
}

/* ---- writing ---- */

/* Room is made before each of these; `at` moves behind what was written. */
static guint8 *put(guint8 *at, const char *text, gsize size)
{
    memcpy(at, text, size);
    return at + size;
}

static gboolean write_bytes(HgBuffer *out, const char *text, gsize size)
{
    return hg_buffer_append(out, hg_slice(text, size), HG_AUDIT_EVENT_MAX);
}

/* How many bytes at the front stand in a JSON string as they are. */
static gsize plain_run(HgSlice text)
{
    gsize i = 0;
    while (i < text.size && text.data[i] >= 0x20 && text.data[i] < 0x7f && text.data[i] != '"' &&
           text.data[i] != '\\')
        i++;
    return i;
}

static gboolean write_string(HgBuffer *out, HgSlice text)
{
    if (!write_bytes(out, "\"", 1))
        return FALSE;
    while (text.size > 0) {
        gsize run = plain_run(text);
        if (run > 0) {
            if (!hg_buffer_append(out, hg_slice(text.data, run), HG_AUDIT_EVENT_MAX))
                return FALSE;
            text = hg_slice(text.data + run, text.size - run);
            continue;
        }
        char piece[HG_TEXT_ESCAPE_MAX];
        /* PostgreSQL has no text with a NUL in it */
        gboolean nul = text.data[0] == '\0';
        gsize size = hg_text_escape_next(&text, piece);
        if (!(nul ? write_bytes(out, "\xef\xbf\xbd", 3) : write_bytes(out, piece, size)))
            return FALSE;
    }
    return write_bytes(out, "\"", 1);
}

static gboolean write_key(HgBuffer *out, const char *name, const char *behind)
{
    guint8 key[64];
    gsize size = strlen(name);
    g_assert(size + strlen(behind) + 4 <= sizeof key);
    guint8 *at = put(key, ",\"", 2);
    at = put(at, name, size);
    at = put(at, behind, strlen(behind));
    at = put(at, "\":", 2);
    return hg_buffer_append(out, hg_slice(key, (gsize)(at - key)), HG_AUDIT_EVENT_MAX);
}

static gboolean write_number(HgBuffer *out, const char *name, const char *behind, gint64 value)
{
    char digits[24];
    int size = g_snprintf(digits, sizeof digits, "%" G_GINT64_FORMAT, value);
    return write_key(out, name, behind) && write_bytes(out, digits, (gsize)size);
}

/* Cuts in front of a character, not inside it. */
static HgSlice cut(HgSlice text)
{
    gsize size = MIN(text.size, (gsize)HG_AUDIT_TEXT_MAX);
    if (size < text.size)
        for (guint i = 0; i < 3 && size > 0 && (text.data[size] & 0xc0) == 0x80; i++)
            size--;
    return hg_slice(text.data, size);
}

static gboolean write_text(HgBuffer *out, const char *name, HgSlice text)
{
    if (text.data == NULL)
        return TRUE;
    HgSlice kept = cut(text);
    return write_key(out, name, "") && write_string(out, kept) &&
           (kept.size == text.size || write_number(out, name, "_size", (gint64)text.size));
}

static gboolean write_list(HgBuffer *out, const char *name, const char *const *list)
{
    gsize left = HG_AUDIT_TEXT_MAX;
    if (list == NULL)
        return TRUE;
    if (!write_key(out, name, "") || !write_bytes(out, "[", 1))
        return FALSE;
    gsize i = 0;
    for (; list[i] != NULL; i++) {
        HgSlice item = hg_slice_from_string(list[i]);
        if (item.size + 3 > left)
            break;
        left -= item.size + 3;
        if ((i > 0 && !write_bytes(out, ",", 1)) || !write_string(out, item))
            return FALSE;
    }
    if (!write_bytes(out, "]", 1))
        return FALSE;
    gsize count = i;
    while (list[count] != NULL)
        count++;
    return count == i || write_number(out, name, "_size", (gint64)count);
}

static gboolean write_id(HgBuffer *out, const char *name, const HgAuditId *id)
{
    char text[HG_AUDIT_ID_TEXT];
    hg_audit_id_print(id, text);
    return write_key(out, name, "") && write_string(out, hg_slice_from_string(text));
}

/* "2026-11-21T10:00:00.123456Z" */
static void print_time(gint64 us, char out[40])
{
    gint64 fraction = ((us % G_USEC_PER_SEC) + G_USEC_PER_SEC) % G_USEC_PER_SEC;
    time_t seconds = (time_t)((us - fraction) / G_USEC_PER_SEC);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    gsize size = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &parts);
    g_snprintf(out + size, 40 - size, ".%06" G_GINT64_FORMAT "Z", fraction);
}

static gboolean write_head(const HgAuditEvent *event, HgBuffer *out)
{
    char head[256];
    char id[HG_AUDIT_ID_TEXT];
    char at[40];
    hg_audit_id_print(&event->stamp.id, id);
    print_time(event->stamp.wall_us, at);
    int size = g_snprintf(head, sizeof head,
                          "{\"id\":\"%s\",\"kind\":\"%s\",\"at\":\"%s\",\"monotonic_us\":"
                          "%" G_GINT64_FORMAT ",\"time_source\":\"%s\"",
                          id, kinds[event->kind], at, event->stamp.mono_us,
                          hg_time_source_name(event->stamp.source));
    return write_bytes(out, head, (gsize)size);
}

static gboolean write_members(const HgAuditEvent *event, HgBuffer *out)
{
    const char *base = (const char *)event;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        HgSlice text;
        memcpy(&text, base + texts[i].offset, sizeof text);
        if (!write_text(out, texts[i].name, text))
            return FALSE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        const char *const *list;
        memcpy(&list, base + lists[i].offset, sizeof list);
        if (!write_list(out, lists[i].name, list))
            return FALSE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        gint64 number;
        memcpy(&number, base + numbers[i].offset, sizeof number);
        if (number >= 0 && !write_number(out, numbers[i].name, "", number))
            return FALSE;
    }
    return TRUE;
}

gboolean hg_audit_event_encode(const HgAuditEvent *event, HgBuffer *out)
{
    g_assert(event->kind > 0 && event->kind < HG_AUDIT_KINDS);
    gsize before = hg_buffer_size(out);
    gboolean written = write_head(event, out) &&
                       (hg_audit_id_is_none(&event->statement_id) ||
                        write_id(out, "statement_id", &event->statement_id)) &&
                       write_members(event, out) && write_bytes(out, "}", 1);
    if (!written)
        out->end -= hg_buffer_size(out) - before;
    return written;
}

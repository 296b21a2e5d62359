/* Fuzz target: what the audit writes and reads back. The first byte says what the rest is: texts of
 * an event, the JSON of one, a row of the database, a record of a spool, an anchor, or an
 * archive's. What is written is read again as it was; of anything else what is taken must come out
 * the same way. */
#include "audit/anchor.h"
#include "audit/archive_file.h"
#include "audit/fields.h"
#include "audit/row.h"
#include "fuzz.h"

static const HgAuditId spool = {{0x5b, 1, 2}};
static const HgAuditHash hash = {{9, 8, 7}};

/* A row made from a payload gives the payload back, and is one line of the right columns. */
static gboolean check_payload(HgSlice payload)
{
    g_autoptr(GString) row = g_string_new(NULL);
    g_autoptr(GString) body = g_string_new(NULL);
    HgRowParts parts;
    if (!hg_row_append(row, &spool, 5, &hash, payload)) {
        FUZZ_CHECK(row->len == 0);
        return FALSE;
    }
    FUZZ_CHECK(g_utf8_validate(row->str, (gssize)row->len, NULL));
    FUZZ_CHECK(memchr(row->str, '\n', row->len) == row->str + row->len - 1);
    FUZZ_CHECK(hg_row_parse(hg_slice(row->str, row->len - 1), &parts));
    FUZZ_CHECK(parts.sequence == 5 && hg_audit_hash_equal(&parts.hash, &hash));
    hg_row_unescape(parts.body, body);
    FUZZ_CHECK(hg_slice_equal(hg_slice(body->str, body->len), payload));
    return TRUE;
}

/* An event with these texts. What was valid UTF-8 without NUL comes back as it went in. */
static void check_event(HgSlice input)
{
    HgAuditEvent event;
    HgBuffer out;
    g_autofree char *item = NULL;
    hg_audit_event_init(&event, (HgAuditKind)(1 + fuzz_take_u8(&input) % (HG_AUDIT_KINDS - 1)));
    event.stamp.id = spool;
    event.stamp.wall_us = (gint64)fuzz_take_u32(&input) << (fuzz_take_u8(&input) % 20);
    event.rows_returned = (gint32)fuzz_take_u32(&input);
    event.principal = fuzz_take(&input, fuzz_take_u8(&input));
    item = hg_slice_dup_string(fuzz_take(&input, fuzz_take_u8(&input)));
    const char *const list[] = {item, "b", NULL};
    event.tables_read = list;
    event.statement = input;
    hg_buffer_init(&out, NULL);
    FUZZ_CHECK(hg_audit_event_encode(&event, &out));
    HgSlice payload = hg_slice(hg_buffer_data(&out), hg_buffer_size(&out));
    FUZZ_CHECK(check_payload(payload));
    if (input.data != NULL) {
        g_autofree char *back = hg_audit_fields_text(payload, "statement");
        FUZZ_CHECK(back != NULL);
        if (g_utf8_validate((const char *)input.data, (gssize)input.size, NULL))
            FUZZ_CHECK(hg_slice_equal(hg_slice(back, strlen(back)), input));
    }
    hg_buffer_clear(&out);
}

static void check_record(HgSlice input)
{
    HgRecord record;
    gsize size = 0;
    HgRecordCheck check = hg_record_read(input, &record, &size);
    if (check == HG_RECORD_SHORT)
        FUZZ_CHECK(size > input.size);
    if (check != HG_RECORD_OK)
        return;
    FUZZ_CHECK(size <= input.size &&
               record.payload.data + record.payload.size == input.data + size);
    check_payload(record.payload);
}

static void check_row(HgSlice input)
{
    HgRowParts parts;
    g_autoptr(GString) body = g_string_new(NULL);
    if (hg_row_parse(input, &parts))
        hg_row_unescape(parts.body, body);
    check_payload(hg_slice(body->str, body->len));
}

/* What is taken for an anchor is printed and read as the same one. */
static void check_anchor(HgSlice input)
{
    HgAnchor anchor, again;
    if (!hg_anchor_parse(input, &anchor))
        return;
    g_autofree char *line = hg_anchor_print(&anchor);
    FUZZ_CHECK(hg_anchor_parse(hg_slice_from_string(line), &again));
    g_autofree char *twice = hg_anchor_print(&again);
    FUZZ_CHECK(strcmp(line, twice) == 0);
}

/* A manifest comes back as it was taken; a line's event lies in it. */
static void check_archive(HgSlice input)
{
    HgArchiveManifest manifest, again;
    HgArchiveLine line;
    if (hg_archive_line_parse(input, &line))
        FUZZ_CHECK(line.event.data + line.event.size + 1 == input.data + input.size);
    if (!hg_archive_manifest_parse(input, &manifest))
        return;
    g_autofree char *text = hg_archive_manifest_print(&manifest);
    hg_archive_manifest_clear(&manifest);
    if (!hg_archive_manifest_parse(hg_slice_from_string(text), &again))
        return; /* its texts had something to escape */
    g_autofree char *twice = hg_archive_manifest_print(&again);
    FUZZ_CHECK(strcmp(text, twice) == 0);
    hg_archive_manifest_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice input = hg_slice(data, size);
    guint mode = fuzz_take_u8(&input) % 6;
    HgSlice copy = fuzz_copy(input);
    if (mode == 0)
        check_event(copy);
    else if (mode == 1)
        check_payload(copy);
    else if (mode == 2)
        check_record(copy);
    else if (mode == 3)
        check_row(copy);
    else if (mode == 4)
        check_anchor(copy);
    else
        check_archive(copy);
    fuzz_free(copy);
    return 0;
}

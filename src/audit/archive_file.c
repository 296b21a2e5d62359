/* Archived events by zlib: see archive_file.h. */
#include "audit/archive_file.h"

#include "audit/fields.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#define PIECE     (256 * 1024)
#define LINE_MOST (HG_AUDIT_EVENT_MAX + 1024)

/* ---- manifests ---- */

void hg_archive_manifest_init(HgArchiveManifest *manifest, const char *day)
{
    *manifest = (HgArchiveManifest){.runs = g_array_new(FALSE, FALSE, sizeof(HgArchiveRun))};
    g_strlcpy(manifest->day, day, sizeof manifest->day);
}

void hg_archive_manifest_clear(HgArchiveManifest *manifest)
{
    g_clear_pointer(&manifest->runs, g_array_unref);
}

char *hg_archive_manifest_print(const HgArchiveManifest *manifest)
{
    g_autofree char *file = hg_archive_file_name(manifest->day);
    GString *out = g_string_new(NULL);
    g_string_append_printf(
        out,
        "{\"hivegate_archive\":1,\"day\":\"%s\",\"file\":\"%s\",\"sha256\":\"%s\","
        "\"size\":%" G_GUINT64_FORMAT ",\"events\":%" G_GUINT64_FORMAT ",\"runs\":[",
        manifest->day, file, manifest->sha256, manifest->size, manifest->events);
    for (guint i = 0; i < manifest->runs->len; i++) {
        const HgArchiveRun *run = &g_array_index(manifest->runs, HgArchiveRun, i);
        char spool[HG_AUDIT_ID_TEXT], before[HG_AUDIT_HASH_TEXT], hash[HG_AUDIT_HASH_TEXT];
        hg_audit_id_print(&run->spool, spool);
        hg_audit_hash_print(&run->before, before);
        hg_audit_hash_print(&run->hash, hash);
        g_string_append_printf(out, "%s\"%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %s %s\"",
                               i > 0 ? "," : "", spool, run->first, run->last, before, hash);
    }
    g_string_append(out, "]}");
    return g_string_free(out, FALSE);
}

static gboolean parse_run(const char *text, HgArchiveRun *run)
{
    g_auto(GStrv) words = g_strsplit(text, " ", 6);
    return g_strv_length(words) == 5 && hg_audit_id_parse(words[0], &run->spool) &&
           g_ascii_string_to_unsigned(words[1], 10, 1, G_MAXINT64, &run->first, NULL) &&
           g_ascii_string_to_unsigned(words[2], 10, run->first, G_MAXINT64, &run->last, NULL) &&
           hg_audit_hash_parse(words[3], &run->before) && hg_audit_hash_parse(words[4], &run->hash);
}

static gboolean parse_runs(HgSlice list, GArray *runs)
{
    HgFieldsStep step;
    HgSlice inner;
    if (list.size == 0 || list.data[0] != '[')
        return FALSE;
    while ((step = hg_audit_field_item(&list, &inner)) == HG_FIELDS_ONE) {
        g_autofree char *text = hg_slice_dup_string(inner);
        HgArchiveRun run;
        if (!parse_run(text, &run))
            return FALSE;
        g_array_append_val(runs, run);
    }
    return step == HG_FIELDS_END;
}

static gboolean parse_number(HgSlice value, guint64 *out)
{
    g_autofree char *text = hg_slice_dup_string(value);
    return g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, out, NULL);
}

/* A string of exactly that many characters. */
static gboolean parse_text(HgSlice value, char *out, gsize size)
{
    HgSlice inner;
    if (!hg_audit_field_string(value, &inner) || inner.size != size - 1 ||
        memchr(inner.data, '\0', inner.size) != NULL)
        return FALSE;
    memcpy(out, inner.data, inner.size);
    out[inner.size] = '\0';
    return TRUE;
}

gboolean hg_archive_is_day(const char *text)
{
    if (text == NULL || strlen(text) != HG_ARCHIVE_DAY - 1)
        return FALSE;
    for (guint i = 0; i < HG_ARCHIVE_DAY - 1; i++)
        if (i == 4 || i == 7 ? text[i] != '-' : !g_ascii_isdigit(text[i]))
            return FALSE;
    return TRUE;
}

gboolean hg_archive_manifest_parse(HgSlice text, HgArchiveManifest *out)
{
    g_auto(HgArchiveManifest) manifest = {0};
    HgAuditField field;
    HgFieldsStep step;
    HgSlice rest;
    guint64 version = 0;
    guint known = 0; /* a bit for each member that was there */
    hg_archive_manifest_init(&manifest, "");
    if (!hg_audit_fields_begin(text, &rest))
        return FALSE;
    while ((step = hg_audit_fields_next(&rest, &field)) == HG_FIELDS_ONE) {
        if (hg_slice_equal_string(field.name, "hivegate_archive"))
            known |= parse_number(field.value, &version) ? 1u : 0u;
        else if (hg_slice_equal_string(field.name, "day"))
            known |= parse_text(field.value, manifest.day, sizeof manifest.day) ? 2u : 0u;
        else if (hg_slice_equal_string(field.name, "sha256"))
            known |= parse_text(field.value, manifest.sha256, sizeof manifest.sha256) ? 4u : 0u;
        else if (hg_slice_equal_string(field.name, "size"))
            known |= parse_number(field.value, &manifest.size) ? 8u : 0u;
        else if (hg_slice_equal_string(field.name, "events"))
            known |= parse_number(field.value, &manifest.events) ? 16u : 0u;
        else if (hg_slice_equal_string(field.name, "runs"))
            known |= parse_runs(field.value, manifest.runs) ? 32u : 0u;
    }
    if (step != HG_FIELDS_END || known != 63 || version != 1 || !hg_archive_is_day(manifest.day))
        return FALSE;
    *out = manifest;
    manifest.runs = NULL;
    return TRUE;
}

char *hg_archive_file_name(const char *day)
{
    return g_strdup_printf("event-%s.jsonl.gz", day);
}

char *hg_archive_manifest_name(const char *day)
{
    return g_strdup_printf("event-%s.json", day);
}

gboolean hg_archive_hash_file(const char *path, char sha256[65], guint64 *size, GError **error)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree guint8 *piece = g_malloc(PIECE);
    FILE *file = fopen(path, "rbe");
    gsize got;
    if (file == NULL) {
        hg_error_set_errno(error, errno, "can't open %s", path);
        return FALSE;
    }
    *size = 0;
    while ((got = fread(piece, 1, PIECE, file)) > 0) {
        g_checksum_update(sum, piece, (gssize)got);
        *size += got;
    }
    gboolean ok = !ferror(file);
    if (!ok)
        hg_error_set_errno(error, errno, "can't read %s", path);
    fclose(file);
    g_strlcpy(sha256, g_checksum_get_string(sum), 65);
    return ok;
}

/* ---- writing ---- */

struct HgArchiveWriter {
    gzFile file;
    char *path;
};

HgArchiveWriter *hg_archive_writer_new(const char *path, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    gzFile file = fd >= 0 ? gzdopen(fd, "wb6") : NULL;
    if (file == NULL) {
        hg_error_set_errno(error, errno, "can't make %s", path);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    gzbuffer(file, PIECE);
    HgArchiveWriter *writer = g_new0(HgArchiveWriter, 1);
    writer->file = file;
    writer->path = g_strdup(path);
    return writer;
}

gboolean hg_archive_writer_add(HgArchiveWriter *writer, HgSlice line, GError **error)
{
    if (gzwrite(writer->file, line.data, (unsigned)line.size) == (int)line.size &&
        gzputc(writer->file, '\n') == '\n')
        return TRUE;
    hg_error_set_errno(error, errno, "can't write %s", writer->path);
    return FALSE;
}

gboolean hg_archive_writer_finish(HgArchiveWriter *writer, GError **error)
{
    gboolean ok = gzclose(writer->file) == Z_OK;
    if (!ok)
        hg_error_set_errno(error, errno, "can't write %s", writer->path);
    g_free(writer->path);
    g_free(writer);
    return ok;
}

/* ---- reading ---- */

/* Takes the text off the front. */
static gboolean take(HgSlice *rest, const char *text)
{
    gsize size = strlen(text);
    if (rest->size < size || memcmp(rest->data, text, size) != 0)
        return FALSE;
    *rest = hg_slice(rest->data + size, rest->size - size);
    return TRUE;
}

/* Takes that many bytes off the front, with a NUL behind them. */
static gboolean take_text(HgSlice *rest, char *out, gsize size)
{
    if (rest->size < size || memchr(rest->data, '\0', size) != NULL)
        return FALSE;
    memcpy(out, rest->data, size);
    out[size] = '\0';
    *rest = hg_slice(rest->data + size, rest->size - size);
    return TRUE;
}

gboolean hg_archive_line_parse(HgSlice line, HgArchiveLine *out)
{
    char spool[HG_AUDIT_ID_TEXT], hash[HG_AUDIT_HASH_TEXT], number[20];
    HgArchiveLine parts;
    gsize digits = 0;
    if (!take(&line, "{\"spool\":\"") || !take_text(&line, spool, sizeof spool - 1) ||
        !hg_audit_id_parse(spool, &parts.spool) || !take(&line, "\",\"sequence\":"))
        return FALSE;
    while (digits < line.size && g_ascii_isdigit(line.data[digits]))
        digits++;
    if (digits >= sizeof number || !take_text(&line, number, digits) ||
        !g_ascii_string_to_unsigned(number, 10, 1, G_MAXINT64, &parts.sequence, NULL) ||
        !take(&line, ",\"hash\":\"") || !take_text(&line, hash, sizeof hash - 1) ||
        !hg_audit_hash_parse(hash, &parts.hash) || !take(&line, "\",\"event\":") || line.size < 2 ||
        line.data[line.size - 1] != '}')
        return FALSE;
    parts.event = hg_slice(line.data, line.size - 1);
    *out = parts;
    return TRUE;
}

static gboolean on_text(const char *path, const GString *line, HgArchiveOnLine on_line, void *data,
                        GError **error)
{
    HgArchiveLine parts;
    if (hg_archive_line_parse(hg_slice(line->str, line->len), &parts))
        return on_line(data, &parts, error);
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s holds a line that is no archived event",
                path);
    return FALSE;
}

/* Splits the piece into lines; `line` keeps the beginning of one that isn't whole. */
static gboolean split(const char *path, HgSlice piece, GString *line, HgArchiveOnLine on_line,
                      void *data, GError **error)
{
    while (piece.size > 0) {
        const guint8 *end = memchr(piece.data, '\n', piece.size);
        gsize size = end != NULL ? (gsize)(end - piece.data) : piece.size;
        if (line->len + size > LINE_MOST) {
            g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s holds a line that is too long",
                        path);
            return FALSE;
        }
        g_string_append_len(line, (const char *)piece.data, (gssize)size);
        if (end == NULL)
            return TRUE;
        if (!on_text(path, line, on_line, data, error))
            return FALSE;
        g_string_truncate(line, 0);
        piece = hg_slice(piece.data + size + 1, piece.size - size - 1);
    }
    return TRUE;
}

gboolean hg_archive_read(const char *path, HgArchiveOnLine on_line, void *data, GError **error)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_autofree guint8 *piece = g_malloc(PIECE);
    gzFile file = gzopen(path, "rbe");
    gboolean ok = TRUE;
    int got = 0;
    if (file == NULL) {
        hg_error_set_errno(error, errno, "can't open %s", path);
        return FALSE;
    }
    while (ok && (got = gzread(file, piece, PIECE)) > 0)
        ok = split(path, hg_slice(piece, (gsize)got), line, on_line, data, error);
    int rc = gzclose(file);
    if (!ok)
        return FALSE;
    if (got < 0 || rc != Z_OK || line->len > 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s isn't whole, or no gzip file", path);
        return FALSE;
    }
    return TRUE;
}

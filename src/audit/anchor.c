/* The text of anchors: see anchor.h. Pure. */
#include "audit/anchor.h"

#include "audit/fields.h"

/* What is signed; g_free. */
static char *signed_text(const HgAnchor *anchor)
{
    char spool[HG_AUDIT_ID_TEXT], hash[HG_AUDIT_HASH_TEXT];
    hg_audit_id_print(&anchor->spool, spool);
    hg_audit_hash_print(&anchor->hash, hash);
    return g_strdup_printf("hivegate audit anchor 1\n%s\n%" G_GUINT64_FORMAT "\n%s\n%s\n%s\n",
                           spool, anchor->sequence, hash, anchor->at, anchor->key);
}

void hg_anchor_set_time(HgAnchor *anchor, gint64 wall_us)
{
    g_autoptr(GDateTime) seconds = g_date_time_new_from_unix_utc(wall_us / G_USEC_PER_SEC);
    g_autofree char *whole =
        seconds != NULL ? g_date_time_format(seconds, "%Y-%m-%dT%H:%M:%S") : NULL;
    g_snprintf(anchor->at, sizeof anchor->at, "%s.%06uZ", whole != NULL ? whole : "",
               (guint)(wall_us % G_USEC_PER_SEC));
}

gboolean hg_anchor_sign(HgAnchor *anchor, const HgAnchorKey *key)
{
    g_strlcpy(anchor->key, hg_anchor_key_id(key), sizeof anchor->key);
    g_autofree char *text = signed_text(anchor);
    return hg_anchor_key_sign(key, hg_slice_from_string(text), anchor->signature);
}

char *hg_anchor_print(const HgAnchor *anchor)
{
    char spool[HG_AUDIT_ID_TEXT], hash[HG_AUDIT_HASH_TEXT];
    g_autofree char *signature = g_base64_encode(anchor->signature, HG_ANCHOR_SIGNATURE);
    hg_audit_id_print(&anchor->spool, spool);
    hg_audit_hash_print(&anchor->hash, hash);
    return g_strdup_printf("{\"anchor\":1,\"spool\":\"%s\",\"sequence\":%" G_GUINT64_FORMAT
                           ",\"hash\":\"%s\",\"at\":\"%s\",\"key\":\"%s\",\"signature\":\"%s\"}",
                           spool, anchor->sequence, hash, anchor->at, anchor->key, signature);
}

/* Copies a text that fits and holds nothing but what a time or an id may have. */
static gboolean copy_plain(HgSlice object, const char *name, char *out, gsize size)
{
    g_autofree char *text = hg_audit_fields_text(object, name);
    if (text == NULL || *text == '\0' || strlen(text) >= size)
        return FALSE;
    for (const char *at = text; *at != '\0'; at++)
        if (!g_ascii_isalnum(*at) && strchr("-:.", *at) == NULL)
            return FALSE;
    g_strlcpy(out, text, size);
    return TRUE;
}

/* A member that is a plain number above 0. */
static gboolean read_number(HgSlice object, const char *name, guint64 *out)
{
    HgAuditField field;
    HgSlice rest;
    if (!hg_audit_fields_begin(object, &rest))
        return FALSE;
    while (hg_audit_fields_next(&rest, &field) == HG_FIELDS_ONE) {
        if (!hg_slice_equal_string(field.name, name))
            continue;
        g_autofree char *text = hg_slice_dup_string(field.value);
        return g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, out, NULL);
    }
    return FALSE;
}

static gboolean read_signature(HgSlice object, guint8 out[HG_ANCHOR_SIGNATURE])
{
    g_autofree char *text = hg_audit_fields_text(object, "signature");
    gsize size = 0;
    if (text == NULL)
        return FALSE;
    g_autofree guchar *bytes = g_base64_decode(text, &size);
    if (size != HG_ANCHOR_SIGNATURE)
        return FALSE;
    memcpy(out, bytes, size);
    return TRUE;
}

gboolean hg_anchor_parse(HgSlice line, HgAnchor *out)
{
    HgAnchor anchor;
    guint64 version = 0;
    if (line.size > HG_ANCHOR_MAX || !read_number(line, "anchor", &version) || version != 1)
        return FALSE;
    g_autofree char *spool = hg_audit_fields_text(line, "spool");
    g_autofree char *hash = hg_audit_fields_text(line, "hash");
    if (spool == NULL || !hg_audit_id_parse(spool, &anchor.spool) || hash == NULL ||
        !hg_audit_hash_parse(hash, &anchor.hash) ||
        !read_number(line, "sequence", &anchor.sequence) ||
        !copy_plain(line, "at", anchor.at, sizeof anchor.at) ||
        !copy_plain(line, "key", anchor.key, sizeof anchor.key) ||
        !read_signature(line, anchor.signature))
        return FALSE;
    *out = anchor;
    return TRUE;
}

HgAnchorTrust hg_anchor_check(const HgAnchor *anchor, const HgAnchorKeys *keys)
{
    g_autofree char *text = signed_text(anchor);
    return hg_anchor_keys_check(keys, anchor->key, hg_slice_from_string(text), anchor->signature);
}

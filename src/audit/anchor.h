/* Anchors: signed statements that a spool's chain went through a hash at a record.
 *
 * An anchor is a line of JSON:
 *   {"anchor":1,"spool":ID,"sequence":N,"hash":HEX,"at":TIME,"key":ID,"signature":BASE64}
 * The signature is over "hivegate audit anchor 1\n" and the values of spool, sequence, hash, at and
 * key, each with a line end behind it. As the hash covers all records up to that one, one anchor
 * kept elsewhere proves the whole chain before it. Pure. */
#pragma once

#include "audit/anchor_key.h"
#include "audit/record.h"

#define HG_ANCHOR_TIME 32
#define HG_ANCHOR_MAX  4096 /* bytes of a line; a longer one is none */

typedef struct {
    HgAuditId spool;
    guint64 sequence;
    HgAuditHash hash;
    char at[HG_ANCHOR_TIME]; /* "2026-11-21T10:00:00.123456Z" */
    char key[HG_ANCHOR_KEY_ID];
    guint8 signature[HG_ANCHOR_SIGNATURE];
} HgAnchor;

/* Signs the anchor: fills key and signature. FALSE only without memory. */
gboolean hg_anchor_sign(HgAnchor *anchor, const HgAnchorKey *key) G_GNUC_WARN_UNUSED_RESULT;

/* Sets `at` from a wall clock in microseconds since 1970. */
void hg_anchor_set_time(HgAnchor *anchor, gint64 wall_us);

/* The line, without a line end. Free with g_free. */
char *hg_anchor_print(const HgAnchor *anchor);

/* Reads a line that hg_anchor_print() made. FALSE when it is none. */
gboolean hg_anchor_parse(HgSlice line, HgAnchor *out);

/* Is it signed by one of the keys? */
HgAnchorTrust hg_anchor_check(const HgAnchor *anchor, const HgAnchorKeys *keys);

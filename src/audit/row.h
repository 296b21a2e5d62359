/* A record as a row of hivegate.event, in the text form of COPY.
 *
 * The row is what COPY TO prints for it, to the byte: so a check of the database makes each row
 * again from its body and compares. Sessions that compare need DateStyle ISO and TimeZone UTC.
 * Pure; any thread. */
#pragma once

#include "audit/record.h"

/* The columns, with commas between, in the order of the row; and how a table of them is made. */
extern const char hg_row_columns[];
extern const char hg_row_definition[];

/* Appends the row and its line end. FALSE when the payload is no event: `out` is as before then. */
gboolean hg_row_append(GString *out, const HgAuditId *spool, guint64 sequence,
                       const HgAuditHash *hash, HgSlice payload);

/* What a row in COPY's text form says; borrowed from the line (without its line end). */
typedef struct {
    guint64 sequence;
    HgAuditHash hash;
    HgSlice body; /* still escaped for COPY */
} HgRowParts;

/* Takes a row apart. FALSE when it has other columns, or these can't be read. */
gboolean hg_row_parse(HgSlice line, HgRowParts *out);

/* Appends the text of a column: COPY's escapes undone. */
void hg_row_unescape(HgSlice column, GString *out);

/* The day of an id as "2026-11-21". */
#define HG_ROW_DAY 24
void hg_row_day(const HgAuditId *id, char out[HG_ROW_DAY]);

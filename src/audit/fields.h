/* Reading an event's JSON back, without making a tree of it.
 *
 * Takes what audit/event writes: one object without blanks, whose values are strings, numbers and
 * lists of strings. Anything else is refused, however it came there. Pure; any thread. */
#pragma once

#include "base/slice.h"

typedef struct {
    HgSlice name;  /* between its quotes; never escaped */
    HgSlice value; /* as written, with quotes or brackets */
} HgAuditField;

/* Starts reading the object: *rest is what hg_audit_fields_next() works on. FALSE when it is none.
 */
gboolean hg_audit_fields_begin(HgSlice object, HgSlice *rest);

typedef enum { HG_FIELDS_ONE, HG_FIELDS_END, HG_FIELDS_BAD } HgFieldsStep;

/* The next member. */
HgFieldsStep hg_audit_fields_next(HgSlice *rest, HgAuditField *out);

/* TRUE when the value is a string: *inner is what stands between the quotes, still escaped. */
gboolean hg_audit_field_string(HgSlice value, HgSlice *inner);

/* Takes the first item, a string, off a list's value: *value begins as the whole list. */
HgFieldsStep hg_audit_field_item(HgSlice *value, HgSlice *inner);

/* Appends the text of an escaped string. FALSE when an escape is wrong. */
gboolean hg_audit_field_unescape(HgSlice inner, GString *out);

/* The text of the member; NULL when it isn't there or is no string. Free with g_free. */
char *hg_audit_fields_text(HgSlice object, const char *name);

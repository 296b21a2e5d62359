/* Thrift binary written by hand, for tests: each put_ appends to a GByteArray.
 *
 * The writer knows nothing of src/wire, so that a mistake there isn't repeated here. */
#pragma once

#include "wire/thrift.h"

/* A GByteArray that frees itself at the end of its scope. */
#define AUTO_BYTES(name) g_autoptr(GByteArray) name = g_byte_array_new()

void put_u8(GByteArray *out, guint value);
void put_u16(GByteArray *out, guint value);
void put_u32(GByteArray *out, guint32 value);
void put_u64(GByteArray *out, guint64 value);
void put_text(GByteArray *out, const char *text);
void put_field(GByteArray *out, guint type, gint id);
void put_list(GByteArray *out, guint element, guint32 count);
void put_map(GByteArray *out, guint key, guint value, guint32 count);

/* The head of a strict message. */
void put_head(GByteArray *out, guint type, const char *name, gint32 seqid);

/* The head of a message as it was before the protocol had versions. */
void put_old_head(GByteArray *out, guint type, const char *name, gint32 seqid);

/* A struct with a field of every type, containers of every kind of element, and strings of equal
 * and of different lengths. */
void put_every_type(GByteArray *out);

/* A reply as a Spark Thrift Server writes it: FetchResults with an i64, a string and a bool column.
 */
void put_fetch_reply(GByteArray *out);

/* A call as Hive JDBC writes it: OpenSession with a configuration map. */
void put_open_call(GByteArray *out);

/* A value of `type` that is `depth` structs and containers deep, all of one kind. */
void put_nested(GByteArray *out, guint8 type, guint depth);

/* A copy of the first `size` bytes in memory of just that size, so that a sanitizer sees every read
 * behind the end. The caller frees `data`, which is never NULL. */
HgSlice tight_copy(const GByteArray *bytes, gsize size);

/* The small heads of which Thrift binary is made, and how many bytes its values take.
 *
 * Cursor and walker read the same heads; the cursor from a whole message, the walker from pieces.
 * Each reader here looks at the bytes that are there and says OK, SHORT, or BAD, and BAD as soon as
 * no further byte could mend it, so both come to the same verdict at the same byte. Facts from the
 * Thrift binary protocol specification. Pure; any thread. */
#pragma once

#include "wire/thrift.h"

#define HG_LAYOUT_STOP_SIZE   1 /* a field head that is HG_THRIFT_STOP */
#define HG_LAYOUT_FIELD_SIZE  3 /* type, id */
#define HG_LAYOUT_LENGTH_SIZE 4
#define HG_LAYOUT_LIST_SIZE   5 /* element type, count */
#define HG_LAYOUT_MAP_SIZE    6 /* key type, value type, count */

/* What follows the head of a list, set or map: `values` values that are of `key` type and `value`
 * type by turns (for a list or set both are the element's type). */
typedef struct {
    guint8 key;
    guint8 value;
    guint32 values; /* a map's count twice: fits, as a count is below 2^31 */
} HgRun;

/* Four bytes, big-endian. */
static inline guint32 hg_layout_get_u32(const guint8 *bytes)
{
    guint32 value;
    memcpy(&value, bytes, sizeof value);
    return GUINT32_FROM_BE(value);
}

/* Bytes of a value whose type fixes its size; 0 for string, containers, struct, and no type. */
static inline guint hg_layout_fixed_size(guint8 type)
{
    static const guint8 sizes[] = {
        [HG_THRIFT_BOOL] = 1, [HG_THRIFT_BYTE] = 1, [HG_THRIFT_DOUBLE] = 8,
        [HG_THRIFT_I16] = 2,  [HG_THRIFT_I32] = 4,  [HG_THRIFT_I64] = 8,
    };
    return type < G_N_ELEMENTS(sizes) ? sizes[type] : 0;
}

/* TRUE when a value can have this type. STOP, void and numbers without a name can't be one. */
static inline gboolean hg_layout_is_value_type(guint8 type)
{
    return hg_layout_fixed_size(type) != 0 || (type >= HG_THRIFT_STRING && type <= HG_THRIFT_LIST);
}

/* TRUE when a big-endian length of which the first `size` (at most 4) bytes are here can still be
 * `cap` or less. */
gboolean hg_layout_length_fits(const guint8 *bytes, gsize size, guint32 cap);

/* A string's length. Takes HG_LAYOUT_LENGTH_SIZE bytes; a negative length is BAD. */
HgWireStatus hg_layout_read_length(HgSlice bytes, guint32 *out);

/* A field head: *type is HG_THRIFT_STOP at the end of a struct (HG_LAYOUT_STOP_SIZE bytes, *id 0),
 * else HG_LAYOUT_FIELD_SIZE bytes. A byte that is no type is BAD. */
HgWireStatus hg_layout_read_field(HgSlice bytes, guint8 *type, gint16 *id);

/* The head of a list or set (HG_LAYOUT_LIST_SIZE bytes) or of a map (HG_LAYOUT_MAP_SIZE bytes). A
 * negative count is BAD, and so is a count above 0 of something that is no type: nothing in Thrift
 * takes no bytes, so a count never costs more steps than bytes. When the count is 0 the types may
 * be anything: writers leave them unset. */
HgWireStatus hg_layout_read_run(HgSlice bytes, guint8 container, HgRun *out);

/* Bytes of the head of a list, set or map. */
static inline gsize hg_layout_run_head_size(guint8 container)
{
    return container == HG_THRIFT_MAP ? HG_LAYOUT_MAP_SIZE : HG_LAYOUT_LIST_SIZE;
}

/* TRUE when every value of the run has a fixed size; *size is then the size of them all. */
gboolean hg_layout_run_is_fixed(HgRun run, guint64 *size);

/* The first four bytes of a message: version and type when strict, else the name's length. */
typedef struct {
    gboolean strict;
    guint8 type;         /* strict only */
    guint32 name_length; /* not strict only */
} HgFirstWord;

/* The first word of a message: HG_LAYOUT_LENGTH_SIZE bytes. BAD for another version than 1, or,
 * when not strict, for a name that is empty or longer than HG_THRIFT_MAX_NAME. */
HgWireStatus hg_layout_read_first_word(HgSlice bytes, HgFirstWord *out);

/* The length of a message's name: HG_LAYOUT_LENGTH_SIZE bytes, 1 to HG_THRIFT_MAX_NAME. */
HgWireStatus hg_layout_read_name_length(HgSlice bytes, guint32 *out);

/* TRUE when all bytes are printable ASCII. */
gboolean hg_layout_is_name(HgSlice bytes);

/* Passes over strings (lengths and bytes) that are whole before `end`, *left of them at the most,
 * and takes what it passed from *left. The result points at the first that wasn't passed: it isn't
 * whole or its length is negative. */
const guint8 *hg_layout_skip_strings(const guint8 *at, const guint8 *end, guint32 *left);

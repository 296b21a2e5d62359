/* The plain reader of Thrift binary: see reference.h. */
#include "reference.h"

#include "fuzz.h"

#define MAX_DEPTH 32
#define MAX_NAME  256

typedef struct {
    HgSlice bytes;
    gsize at;
    ReferenceStatus status; /* what stopped it; OK while nothing has */
} Plain;

static guint next(Plain *plain)
{
    if (plain->status != REFERENCE_OK)
        return 0;
    if (plain->at == plain->bytes.size) {
        plain->status = REFERENCE_SHORT;
        return 0;
    }
    return plain->bytes.data[plain->at++];
}

static void bad(Plain *plain)
{
    if (plain->status == REFERENCE_OK)
        plain->status = REFERENCE_BAD;
}

/* A length or count: negative ones show in their first byte. */
static guint32 next_count(Plain *plain)
{
    guint32 value = next(plain);
    if (value >= 0x80)
        bad(plain);
    for (guint i = 0; i < 3; i++)
        value = value << 8 | next(plain);
    return value;
}

static void pass(Plain *plain, guint32 count)
{
    for (guint32 i = 0; i < count && plain->status == REFERENCE_OK; i++)
        next(plain);
}

static gboolean is_type(guint type)
{
    switch (type) {
    case 2:
    case 3:
    case 4:
    case 6:
    case 8:
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
        return TRUE;
    default:
        return FALSE;
    }
}

static void value(Plain *plain, guint type, guint depth);

static void fields(Plain *plain, guint depth)
{
    while (plain->status == REFERENCE_OK) {
        guint type = next(plain);
        if (type == 0)
            return;
        if (!is_type(type))
            bad(plain);
        pass(plain, 2);
        value(plain, type, depth);
    }
}

static void elements(Plain *plain, guint container, guint depth)
{
    guint key = next(plain);
    guint other = container == 13 ? next(plain) : key;
    guint32 count = next_count(plain);
    if (plain->status == REFERENCE_OK && count > 0 && (!is_type(key) || !is_type(other)))
        bad(plain);
    for (guint32 i = 0; i < count && plain->status == REFERENCE_OK; i++) {
        value(plain, key, depth);
        if (container == 13)
            value(plain, other, depth);
    }
}

static void value(Plain *plain, guint type, guint depth)
{
    if (plain->status != REFERENCE_OK)
        return;
    switch (type) {
    case 2:
    case 3:
        pass(plain, 1);
        break;
    case 6:
        pass(plain, 2);
        break;
    case 8:
        pass(plain, 4);
        break;
    case 4:
    case 10:
        pass(plain, 8);
        break;
    case 11:
        pass(plain, next_count(plain));
        break;
    case 12:
    case 13:
    case 14:
    case 15:
        if (depth >= MAX_DEPTH)
            bad(plain);
        else if (type == 12)
            fields(plain, depth + 1);
        else
            elements(plain, type, depth + 1);
        break;
    default:
        bad(plain);
    }
}

/* The name's length, of which the first `known` bytes have been read into `length`: each byte that
 * makes it too long is bad at once. */
static guint32 name_length(Plain *plain, guint32 length, guint known)
{
    for (;;) {
        if (known > 0 && length << (8 * (4 - known)) > MAX_NAME)
            bad(plain);
        if (known == 4)
            break;
        length = length << 8 | next(plain);
        known++;
    }
    if (plain->status == REFERENCE_OK && length == 0)
        bad(plain);
    return length;
}

static void message(Plain *plain)
{
    guint first = next(plain);
    gboolean strict = first >= 0x80;
    guint32 length;
    if (strict) {
        if (first != 0x80)
            bad(plain);
        if (next(plain) != 1)
            bad(plain);
        pass(plain, 2);
        length = name_length(plain, 0, 0);
    } else {
        length = name_length(plain, first, 1);
    }
    for (guint32 i = 0; i < length && plain->status == REFERENCE_OK; i++) {
        guint c = next(plain);
        if (c < ' ' || c > '~')
            bad(plain);
    }
    pass(plain, strict ? 4 : 5);
    value(plain, 12, 0);
}

ReferenceStatus reference_value(HgSlice bytes, guint type, guint depth, gsize *end)
{
    Plain plain = {.bytes = bytes};
    value(&plain, type, depth);
    *end = plain.at;
    return plain.status;
}

ReferenceStatus reference_message(HgSlice bytes, gsize *end)
{
    Plain plain = {.bytes = bytes};
    message(&plain);
    *end = plain.at;
    return plain.status;
}

void reference_fields(HgSlice bytes, ReferenceField callback, gpointer data)
{
    Plain plain = {.bytes = bytes};
    for (;;) {
        guint type = next(&plain);
        if (type == 0)
            break;
        guint id = next(&plain) << 8;
        id |= next(&plain);
        gsize start = plain.at;
        value(&plain, type, 1);
        FUZZ_CHECK(plain.status == REFERENCE_OK);
        callback(type, (gint16)id, hg_slice(bytes.data + start, plain.at - start), data);
    }
    FUZZ_CHECK(plain.status == REFERENCE_OK && plain.at == bytes.size);
}

/* Fuzz target: messages that are sound by construction.
 *
 * The input is a program: its bytes decide which fields, types and lengths are written. Such a
 * message must end just where its writing ended, be SHORT when cut anywhere, not care for what
 * follows it, and, with one byte changed, still mean the same to all readers. */
#include "agree.h"
#include "fuzz.h"

#define MAX_BYTES 1500
#define MAX_DEPTH 32

typedef struct {
    HgSlice program;
    GByteArray *out;
} Writer;

static void put(Writer *writer, guint32 number, guint size)
{
    for (guint i = size; i > 0; i--) {
        guint8 byte = (guint8)(number >> (8 * (i - 1)));
        g_byte_array_append(writer->out, &byte, 1);
    }
}

static void put_string(Writer *writer)
{
    guint choice = fuzz_take_u8(&writer->program);
    guint length = choice < 200 ? choice % 20 : choice;
    put(writer, length, 4);
    guint8 fill = (guint8)choice;
    for (guint i = 0; i < length; i++)
        g_byte_array_append(writer->out, &fill, 1);
}

/* A type that may stand at this depth. */
static guint pick_type(Writer *writer, guint depth)
{
    static const guint8 types[] = {2, 3, 4, 6, 8, 10, 11, 11, 12, 12, 13, 14, 15, 15, 15, 11};
    guint type = types[fuzz_take_u8(&writer->program) % G_N_ELEMENTS(types)];
    gboolean nests = type >= 12;
    return nests && (depth >= MAX_DEPTH || writer->out->len > MAX_BYTES) ? 11 : type;
}

static void put_value(Writer *writer, guint type, guint depth);

static void put_struct(Writer *writer, guint depth)
{
    guint fields = fuzz_take_u8(&writer->program) % 6;
    for (guint i = 0; i < fields; i++) {
        guint type = pick_type(writer, depth);
        put(writer, type, 1);
        put(writer, fuzz_take_u16(&writer->program), 2);
        put_value(writer, type, depth);
    }
    put(writer, 0, 1);
}

static void put_container(Writer *writer, guint container, guint depth)
{
    guint count = fuzz_take_u8(&writer->program) % 12;
    if (writer->out->len > MAX_BYTES || writer->program.size == 0)
        count = 0;
    guint key = count > 0 ? pick_type(writer, depth) : fuzz_take_u8(&writer->program);
    guint value = container == 13 && count > 0 ? pick_type(writer, depth) : key;
    put(writer, key, 1);
    if (container == 13)
        put(writer, value, 1);
    put(writer, count, 4);
    for (guint i = 0; i < count; i++) {
        put_value(writer, key, depth);
        if (container == 13)
            put_value(writer, value, depth);
    }
}

static void put_value(Writer *writer, guint type, guint depth)
{
    switch (type) {
    case 2:
    case 3:
        put(writer, fuzz_take_u8(&writer->program), 1);
        break;
    case 6:
        put(writer, fuzz_take_u16(&writer->program), 2);
        break;
    case 8:
        put(writer, fuzz_take_u32(&writer->program), 4);
        break;
    case 4:
    case 10:
        put(writer, fuzz_take_u32(&writer->program), 4);
        put(writer, fuzz_take_u32(&writer->program), 4);
        break;
    case 11:
        put_string(writer);
        break;
    case 12:
        put_struct(writer, depth + 1);
        break;
    default:
        put_container(writer, type, depth + 1);
    }
}

static void put_message(Writer *writer)
{
    guint choice = fuzz_take_u8(&writer->program);
    guint length = choice == 255 ? 256 : 1 + choice % 40;
    if (choice % 2 == 0)
        put(writer, 0x80010000u | fuzz_take_u16(&writer->program), 4);
    put(writer, length, 4);
    for (guint i = 0; i < length; i++)
        put(writer, ' ' + (choice + i) % 95, 1);
    if (choice % 2 != 0)
        put(writer, fuzz_take_u8(&writer->program), 1);
    put(writer, fuzz_take_u32(&writer->program), 4);
    put_struct(writer, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice program = hg_slice(data, size);
    guint seed = fuzz_take_u16(&program);
    guint where = fuzz_take_u16(&program);
    guint change = fuzz_take_u8(&program);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Writer writer = {.program = program, .out = bytes};
    put_message(&writer);

    gsize end;
    gsize whole = bytes->len;
    FUZZ_CHECK(agree_on_message(hg_slice(bytes->data, whole), seed, &end) == REFERENCE_OK);
    FUZZ_CHECK(end == whole);
    gsize cut = where % whole;
    FUZZ_CHECK(agree_on_message(hg_slice(bytes->data, cut), seed, &end) == REFERENCE_SHORT);
    static const guint8 more[] = {0x80, 0xff, 0x00, 0x0f, 0x7f};
    g_byte_array_append(bytes, more, sizeof more);
    FUZZ_CHECK(agree_on_message(hg_slice(bytes->data, bytes->len), seed, &end) == REFERENCE_OK);
    FUZZ_CHECK(end == whole);
    bytes->data[cut] ^= (guint8)(change | 1);
    agree_on_message(hg_slice(bytes->data, bytes->len), seed, &end);
    return 0;
}

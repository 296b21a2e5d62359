/* Tests of wire/cursor: values, heads, skipping; cut at every byte; counts, lengths and depths that
 * nobody should believe. Bytes are read from memory of just their size. */
#include "bytes.h"
#include "suites.h"
#include "wire/cursor.h"

/* The types that the protocol's specification names, as numbers. */
static gboolean is_type(guint type)
{
    static const guint8 types[] = {2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15};
    return memchr(types, (int)type, sizeof types) != NULL && type < 256;
}

static HgCursor over(const GByteArray *bytes)
{
    return hg_cursor(hg_slice(bytes->data, bytes->len));
}

/* Skips a value at the start of the first `size` bytes; the cursor must not move unless it is OK.
 */
static HgWireStatus skip_first(const GByteArray *bytes, gsize size, guint8 type, guint depth,
                               gsize *end)
{
    HgSlice cut = tight_copy(bytes, size);
    HgCursor cursor = hg_cursor(cut);
    HgWireStatus status = hg_cursor_skip(&cursor, type, depth);
    HOLDS(status == HG_WIRE_OK || hg_cursor_offset(&cursor) == 0);
    *end = hg_cursor_offset(&cursor);
    g_free((guint8 *)cut.data);
    return status;
}

static HgWireStatus skip_all(const GByteArray *bytes, guint8 type, guint depth)
{
    gsize end;
    return skip_first(bytes, bytes->len, type, depth, &end);
}

/* OK on the whole, with nothing left over; SHORT on everything less. */
static void check_skips_whole(const GByteArray *bytes, guint8 type)
{
    gsize end;
    for (gsize size = 0; size < bytes->len; size++)
        ck_assert_int_eq(skip_first(bytes, size, type, 0, &end), HG_WIRE_SHORT);
    ck_assert_int_eq(skip_first(bytes, bytes->len, type, 0, &end), HG_WIRE_OK);
    ck_assert_uint_eq(end, bytes->len);
}

static HgWireStatus head_of(const GByteArray *bytes, gsize size, HgMessageHead *head)
{
    HgSlice cut = tight_copy(bytes, size);
    HgCursor cursor = hg_cursor(cut);
    HgWireStatus status = hg_cursor_read_head(&cursor, head);
    ck_assert_uint_eq(hg_cursor_offset(&cursor), status == HG_WIRE_OK ? head->size : 0);
    g_free((guint8 *)cut.data);
    return status;
}

START_TEST(test_nothing_is_short)
{
    HgCursor cursor = hg_cursor(hg_slice(NULL, 0));
    guint8 byte = 7;
    gint64 wide = 7;
    HgSlice text = hg_slice_from_string("as it was");
    gint16 id;
    HgMessageHead head;
    ck_assert_int_eq(hg_cursor_read_byte(&cursor, &byte), HG_WIRE_SHORT);
    ck_assert_int_eq(hg_cursor_read_i64(&cursor, &wide), HG_WIRE_SHORT);
    ck_assert_int_eq(hg_cursor_read_string(&cursor, &text), HG_WIRE_SHORT);
    ck_assert_int_eq(hg_cursor_read_field(&cursor, &byte, &id), HG_WIRE_SHORT);
    ck_assert_int_eq(hg_cursor_read_head(&cursor, &head), HG_WIRE_SHORT);
    ck_assert_int_eq(hg_cursor_skip(&cursor, HG_THRIFT_STRUCT, 0), HG_WIRE_SHORT);
    ck_assert_uint_eq(byte, 7);
    ck_assert_int_eq(wide, 7);
    ck_assert(hg_slice_equal_string(text, "as it was"));
}
END_TEST

START_TEST(test_numbers)
{
    AUTO_BYTES(bytes);
    put_u8(bytes, 0xfe);
    put_u16(bytes, 0xfffe);
    put_u32(bytes, 0x01020304);
    put_u64(bytes, 0xfffffffffffffffeu);
    HgCursor cursor = over(bytes);
    guint8 byte;
    gint16 small;
    gint32 middle;
    gint64 wide;
    ck_assert_int_eq(hg_cursor_read_byte(&cursor, &byte), HG_WIRE_OK);
    ck_assert_int_eq(hg_cursor_read_i16(&cursor, &small), HG_WIRE_OK);
    ck_assert_int_eq(hg_cursor_read_i32(&cursor, &middle), HG_WIRE_OK);
    ck_assert_int_eq(hg_cursor_read_i64(&cursor, &wide), HG_WIRE_OK);
    ck_assert_uint_eq(byte, 0xfe);
    ck_assert_int_eq(small, -2);
    ck_assert_int_eq(middle, 0x01020304);
    ck_assert_int_eq(wide, -2);
    ck_assert_uint_eq(hg_cursor_offset(&cursor), 15);
}
END_TEST

START_TEST(test_numbers_cut_short)
{
    AUTO_BYTES(bytes);
    put_u64(bytes, 0);
    for (gsize size = 0; size < 8; size++) {
        HgSlice cut = tight_copy(bytes, size);
        HgCursor cursor = hg_cursor(cut);
        gint16 small = 7;
        gint32 middle = 7;
        gint64 wide = 7;
        ck_assert_int_eq(hg_cursor_read_i64(&cursor, &wide), HG_WIRE_SHORT);
        if (size < 4)
            ck_assert_int_eq(hg_cursor_read_i32(&cursor, &middle), HG_WIRE_SHORT);
        if (size < 2)
            ck_assert_int_eq(hg_cursor_read_i16(&cursor, &small), HG_WIRE_SHORT);
        ck_assert_uint_eq(hg_cursor_offset(&cursor), 0);
        ck_assert_int_eq(small + middle + wide, 21);
        g_free((guint8 *)cut.data);
    }
}
END_TEST

START_TEST(test_string_points_into_the_message)
{
    AUTO_BYTES(bytes);
    put_text(bytes, "USE `default`");
    put_text(bytes, "");
    HgCursor cursor = over(bytes);
    HgSlice text;
    ck_assert_int_eq(hg_cursor_read_string(&cursor, &text), HG_WIRE_OK);
    ck_assert(hg_slice_equal_string(text, "USE `default`"));
    ck_assert_ptr_eq(text.data, bytes->data + 4);
    ck_assert_int_eq(hg_cursor_read_string(&cursor, &text), HG_WIRE_OK);
    ck_assert_uint_eq(text.size, 0);
    ck_assert_ptr_eq(cursor.at, cursor.end);
}
END_TEST

START_TEST(test_string_cut_short)
{
    AUTO_BYTES(bytes);
    put_text(bytes, "abc");
    for (gsize size = 0; size < bytes->len; size++) {
        HgSlice cut = tight_copy(bytes, size);
        HgCursor cursor = hg_cursor(cut);
        HgSlice text;
        ck_assert_int_eq(hg_cursor_read_string(&cursor, &text), HG_WIRE_SHORT);
        ck_assert_uint_eq(hg_cursor_offset(&cursor), 0);
        g_free((guint8 *)cut.data);
    }
    check_skips_whole(bytes, HG_THRIFT_STRING);
}
END_TEST

START_TEST(test_string_lengths_nobody_should_believe)
{
    static const struct {
        guint32 length;
        HgWireStatus status;
    } cases[] = {
        {G_MAXINT32, HG_WIRE_SHORT}, {0x7ffffff0, HG_WIRE_SHORT}, {0x80000000u, HG_WIRE_BAD},
        {0xffffffffu, HG_WIRE_BAD},  {0xfffffff0u, HG_WIRE_BAD},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        AUTO_BYTES(bytes);
        put_u32(bytes, cases[i].length);
        put_u64(bytes, 0);
        HgCursor cursor = over(bytes);
        HgSlice text;
        ck_assert_int_eq(hg_cursor_read_string(&cursor, &text), cases[i].status);
        ck_assert_uint_eq(hg_cursor_offset(&cursor), 0);
        ck_assert_int_eq(skip_all(bytes, HG_THRIFT_STRING, 0), cases[i].status);
        gsize end; /* a negative length shows in its first byte */
        ck_assert_int_eq(skip_first(bytes, 1, HG_THRIFT_STRING, 0, &end), cases[i].status);
    }
}
END_TEST

START_TEST(test_field_heads)
{
    for (guint type = 0; type < 256; type++) {
        AUTO_BYTES(bytes);
        put_field(bytes, type, -2);
        HgCursor cursor = over(bytes);
        guint8 got = 0xee;
        gint16 id = 0x77;
        HgWireStatus status = hg_cursor_read_field(&cursor, &got, &id);
        if (type == 0) {
            ck_assert_int_eq(status, HG_WIRE_OK);
            ck_assert_uint_eq(got, HG_THRIFT_STOP);
            ck_assert_int_eq(id, 0);
            ck_assert_uint_eq(hg_cursor_offset(&cursor), 1);
        } else if (is_type(type)) {
            ck_assert_int_eq(status, HG_WIRE_OK);
            ck_assert_uint_eq(got, type);
            ck_assert_int_eq(id, -2);
            ck_assert_uint_eq(hg_cursor_offset(&cursor), 3);
        } else {
            ck_assert_int_eq(status, HG_WIRE_BAD);
            ck_assert_uint_eq(got, 0xee);
            ck_assert_uint_eq(hg_cursor_offset(&cursor), 0);
        }
    }
}
END_TEST

START_TEST(test_skips_every_type)
{
    AUTO_BYTES(bytes);
    put_every_type(bytes);
    check_skips_whole(bytes, HG_THRIFT_STRUCT);
}
END_TEST

START_TEST(test_skips_only_one_value)
{
    AUTO_BYTES(bytes);
    put_every_type(bytes);
    guint size = bytes->len;
    put_every_type(bytes);
    gsize end;
    ck_assert_int_eq(skip_first(bytes, bytes->len, HG_THRIFT_STRUCT, 0, &end), HG_WIRE_OK);
    ck_assert_uint_eq(end, size);
}
END_TEST

START_TEST(test_a_type_that_no_value_has)
{
    AUTO_BYTES(bytes);
    put_u64(bytes, 0);
    static const guint8 types[] = {0, 1, 5, 7, 9, 16, 17, 127, 128, 255};
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        ck_assert_int_eq(skip_all(bytes, types[i], 0), HG_WIRE_BAD);
}
END_TEST

START_TEST(test_a_bool_is_any_byte)
{
    for (guint value = 0; value < 256; value++) {
        AUTO_BYTES(bytes);
        put_list(bytes, HG_THRIFT_BOOL, 1);
        put_u8(bytes, value);
        ck_assert_int_eq(skip_all(bytes, HG_THRIFT_LIST, 0), HG_WIRE_OK);
    }
}
END_TEST

START_TEST(test_element_types)
{
    for (guint type = 0; type < 256; type++) {
        gboolean sound = is_type(type);
        AUTO_BYTES(none);
        put_list(none, type, 0);
        ck_assert_int_eq(skip_all(none, HG_THRIFT_LIST, 0), HG_WIRE_OK);
        ck_assert_int_eq(skip_all(none, HG_THRIFT_SET, 0), HG_WIRE_OK);
        AUTO_BYTES(one);
        put_list(one, type, 1);
        ck_assert_int_eq(skip_all(one, HG_THRIFT_LIST, 0), sound ? HG_WIRE_SHORT : HG_WIRE_BAD);
        AUTO_BYTES(key);
        put_map(key, type, HG_THRIFT_I32, 1);
        ck_assert_int_eq(skip_all(key, HG_THRIFT_MAP, 0), sound ? HG_WIRE_SHORT : HG_WIRE_BAD);
        AUTO_BYTES(value);
        put_map(value, HG_THRIFT_I32, type, 1);
        ck_assert_int_eq(skip_all(value, HG_THRIFT_MAP, 0), sound ? HG_WIRE_SHORT : HG_WIRE_BAD);
        AUTO_BYTES(empty);
        put_map(empty, type, type, 0);
        ck_assert_int_eq(skip_all(empty, HG_THRIFT_MAP, 0), HG_WIRE_OK);
    }
}
END_TEST

START_TEST(test_counts_nobody_should_believe)
{
    static const guint8 types[] = {2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15};
    static const guint32 negative[] = {0x80000000u, 0xffffffffu, 0x80000001u};
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        AUTO_BYTES(list);
        put_list(list, types[i], G_MAXINT32);
        put_u32(list, 0); /* a few elements, or part of one: never a loop over the count */
        ck_assert_int_eq(skip_all(list, HG_THRIFT_LIST, 0), HG_WIRE_SHORT);
        AUTO_BYTES(map);
        put_map(map, types[i], types[i], G_MAXINT32);
        put_u32(map, 0);
        ck_assert_int_eq(skip_all(map, HG_THRIFT_MAP, 0), HG_WIRE_SHORT);
        for (guint k = 0; k < G_N_ELEMENTS(negative); k++) {
            AUTO_BYTES(bad);
            put_list(bad, types[i], negative[k]);
            ck_assert_int_eq(skip_all(bad, HG_THRIFT_SET, 0), HG_WIRE_BAD);
            gsize end;
            ck_assert_int_eq(skip_first(bad, 2, HG_THRIFT_SET, 0, &end), HG_WIRE_BAD);
            AUTO_BYTES(bad_map);
            put_map(bad_map, types[i], types[i], negative[k]);
            ck_assert_int_eq(skip_all(bad_map, HG_THRIFT_MAP, 0), HG_WIRE_BAD);
            ck_assert_int_eq(skip_first(bad_map, 3, HG_THRIFT_MAP, 0, &end), HG_WIRE_BAD);
        }
    }
}
END_TEST

START_TEST(test_counts_just_above_and_below)
{
    for (guint32 count = 0; count < 6; count++) {
        AUTO_BYTES(bytes);
        put_list(bytes, HG_THRIFT_I64, count);
        for (guint32 i = 0; i < 4; i++)
            put_u64(bytes, i);
        HgWireStatus status = count <= 4 ? HG_WIRE_OK : HG_WIRE_SHORT;
        gsize end;
        ck_assert_int_eq(skip_first(bytes, bytes->len, HG_THRIFT_LIST, 0, &end), status);
        if (status == HG_WIRE_OK)
            ck_assert_uint_eq(end, 5 + 8 * count);
    }
}
END_TEST

START_TEST(test_depth)
{
    static const guint8 types[] = {HG_THRIFT_STRUCT, HG_THRIFT_LIST, HG_THRIFT_SET, HG_THRIFT_MAP};
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        AUTO_BYTES(most);
        put_nested(most, types[i], HG_THRIFT_MAX_DEPTH);
        check_skips_whole(most, types[i]);
        ck_assert_int_eq(skip_all(most, types[i], 1), HG_WIRE_BAD);
        AUTO_BYTES(more);
        put_nested(more, types[i], HG_THRIFT_MAX_DEPTH + 1);
        ck_assert_int_eq(skip_all(more, types[i], 0), HG_WIRE_BAD);
    }
    AUTO_BYTES(none);
    for (guint depth = 0; depth < 3 * HG_THRIFT_MAX_DEPTH; depth++) {
        gboolean sound = depth < HG_THRIFT_MAX_DEPTH; /* shows before the value's first byte */
        ck_assert_int_eq(skip_all(none, HG_THRIFT_LIST, depth),
                         sound ? HG_WIRE_SHORT : HG_WIRE_BAD);
        ck_assert_int_eq(skip_all(none, HG_THRIFT_I32, depth), HG_WIRE_SHORT);
    }
}
END_TEST

START_TEST(test_nesting_bombs)
{
    static const guint8 types[] = {HG_THRIFT_STRUCT, HG_THRIFT_LIST, HG_THRIFT_SET, HG_THRIFT_MAP};
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        AUTO_BYTES(bomb);
        put_nested(bomb, types[i], 200000);
        ck_assert_int_eq(skip_all(bomb, types[i], 0), HG_WIRE_BAD);
    }
}
END_TEST

START_TEST(test_garbage_is_never_a_value_without_end)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20240);
    for (guint round = 0; round < 4000; round++) {
        AUTO_BYTES(bytes);
        guint size = (guint)g_rand_int_range(rand, 0, 64);
        for (guint i = 0; i < size; i++)
            put_u8(bytes, (guint)g_rand_int_range(rand, 0, round % 2 == 0 ? 256 : 16));
        gsize end;
        HgWireStatus status = skip_first(bytes, size, HG_THRIFT_STRUCT, 0, &end);
        HOLDS(end <= size);
        for (gsize shorter = 0; shorter < size; shorter++) {
            gsize at;
            HgWireStatus before = skip_first(bytes, shorter, HG_THRIFT_STRUCT, 0, &at);
            /* what is settled isn't changed by more bytes */
            HOLDS(before == HG_WIRE_SHORT || (before == status && at == end));
        }
    }
}
END_TEST

static void check_head(const GByteArray *bytes, gboolean strict, guint type, const char *name,
                       gint32 seqid)
{
    HgCursor cursor = over(bytes);
    HgMessageHead head;
    ck_assert_int_eq(hg_cursor_read_head(&cursor, &head), HG_WIRE_OK);
    ck_assert_int_eq(head.strict, strict);
    ck_assert_uint_eq(head.type, type);
    ck_assert(hg_slice_equal_string(head.name, name));
    ck_assert_int_eq(head.seqid, seqid);
    ck_assert_uint_eq(head.size, bytes->len);
    ck_assert_ptr_eq(cursor.at, cursor.end);
    for (gsize size = 0; size < bytes->len; size++)
        ck_assert_int_eq(head_of(bytes, size, &head), HG_WIRE_SHORT);
}

START_TEST(test_strict_heads)
{
    static const guint types[] = {HG_MESSAGE_CALL, HG_MESSAGE_REPLY, HG_MESSAGE_EXCEPTION,
                                  HG_MESSAGE_ONEWAY, 99};
    static const gint32 seqids[] = {0, 1, -1, G_MININT32, G_MAXINT32};
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        AUTO_BYTES(bytes);
        put_head(bytes, types[i], "GetOperationStatus", seqids[i]);
        check_head(bytes, TRUE, types[i], "GetOperationStatus", seqids[i]);
    }
}
END_TEST

START_TEST(test_heads_without_version)
{
    AUTO_BYTES(bytes);
    put_old_head(bytes, HG_MESSAGE_CALL, "CloseImpalaOperation", 0);
    check_head(bytes, FALSE, HG_MESSAGE_CALL, "CloseImpalaOperation", 0);
}
END_TEST

START_TEST(test_names)
{
    g_autofree char *longest = g_strnfill(HG_THRIFT_MAX_NAME, 'n');
    g_autofree char *longer = g_strnfill(HG_THRIFT_MAX_NAME + 1, 'n');
    HgMessageHead head;
    for (guint old = 0; old < 2; old++) {
        void (*put)(GByteArray *, guint, const char *, gint32) = old ? put_old_head : put_head;
        AUTO_BYTES(most);
        put(most, HG_MESSAGE_CALL, longest, 5);
        check_head(most, !old, HG_MESSAGE_CALL, longest, 5);
        AUTO_BYTES(more);
        put(more, HG_MESSAGE_CALL, longer, 5);
        ck_assert_int_eq(head_of(more, more->len, &head), HG_WIRE_BAD);
        AUTO_BYTES(none);
        put(none, HG_MESSAGE_CALL, "", 5);
        ck_assert_int_eq(head_of(none, none->len, &head), HG_WIRE_BAD);
        static const char *const foul[] = {"Get\nInfo", "Get\x7f", "\x1b[2J", "G\xc3\xa9t",
                                           "a\x1f"};
        for (guint i = 0; i < G_N_ELEMENTS(foul); i++) {
            AUTO_BYTES(bytes);
            put(bytes, HG_MESSAGE_CALL, foul[i], 5);
            ck_assert_int_eq(head_of(bytes, bytes->len, &head), HG_WIRE_BAD);
        }
    }
}
END_TEST

START_TEST(test_a_foul_name_shows_at_its_first_foul_byte)
{
    AUTO_BYTES(bytes);
    put_head(bytes, HG_MESSAGE_CALL, "Get\nInfo", 5);
    HgMessageHead head;
    for (gsize size = 0; size <= bytes->len; size++)
        ck_assert_int_eq(head_of(bytes, size, &head), size < 12 ? HG_WIRE_SHORT : HG_WIRE_BAD);
}
END_TEST

START_TEST(test_versions)
{
    static const struct {
        guint8 bytes[4];
        guint settled_at; /* bytes that must be there to know; 0: sound */
    } cases[] = {
        {{0x80, 0x01, 0x00, 0x01}, 0}, {{0x80, 0x01, 0xff, 0x01}, 0}, /* third byte: unused */
        {{0x80, 0x02, 0x00, 0x01}, 2}, {{0x80, 0x00, 0x00, 0x01}, 2}, {{0x81, 0x01, 0x00, 0x01}, 1},
        {{0xff, 0xff, 0xff, 0xff}, 1}, {{'G', 'E', 'T', ' '}, 1},     {{'P', 'O', 'S', 'T'}, 1},
        {{0x16, 0x03, 0x01, 0x02}, 1}, {{'h', 'e', 'l', 'l'}, 1},     {{0x01, 0x00, 0x00, 0x00}, 1},
        {{0x00, 0x01, 0x00, 0x00}, 2}, {{0x00, 0x00, 0x02, 0x00}, 3}, {{0x00, 0x00, 0x01, 0x01}, 4},
        {{0x00, 0x00, 0x00, 0x00}, 4},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        AUTO_BYTES(bytes);
        g_byte_array_append(bytes, cases[i].bytes, 4);
        HgMessageHead head;
        for (guint size = 0; size <= 4; size++) {
            gboolean bad = cases[i].settled_at > 0 && size >= cases[i].settled_at;
            ck_assert_int_eq(head_of(bytes, size, &head), bad ? HG_WIRE_BAD : HG_WIRE_SHORT);
        }
    }
}
END_TEST

START_TEST(test_a_negative_name_length)
{
    AUTO_BYTES(bytes);
    put_u32(bytes, 0x80010001u);
    put_u32(bytes, 0xfffffff0u);
    HgMessageHead head;
    for (gsize size = 0; size <= bytes->len; size++)
        ck_assert_int_eq(head_of(bytes, size, &head), size < 5 ? HG_WIRE_SHORT : HG_WIRE_BAD);
}
END_TEST

START_TEST(test_whole_messages)
{
    for (guint which = 0; which < 2; which++) {
        AUTO_BYTES(bytes);
        if (which == 0)
            put_fetch_reply(bytes);
        else
            put_open_call(bytes);
        HgCursor cursor = over(bytes);
        HgMessageHead head;
        ck_assert_int_eq(hg_cursor_read_head(&cursor, &head), HG_WIRE_OK);
        ck_assert_int_eq(hg_cursor_skip(&cursor, HG_THRIFT_STRUCT, 0), HG_WIRE_OK);
        ck_assert_ptr_eq(cursor.at, cursor.end);
    }
}
END_TEST

Suite *cursor_suite(void)
{
    Suite *suite = suite_create("wire/cursor");
    TCase *values = tcase_create("values");
    tcase_add_test(values, test_nothing_is_short);
    tcase_add_test(values, test_numbers);
    tcase_add_test(values, test_numbers_cut_short);
    tcase_add_test(values, test_string_points_into_the_message);
    tcase_add_test(values, test_string_cut_short);
    tcase_add_test(values, test_string_lengths_nobody_should_believe);
    tcase_add_test(values, test_field_heads);
    suite_add_tcase(suite, values);
    TCase *skip = tcase_create("skip");
    tcase_set_timeout(skip, 30);
    tcase_add_test(skip, test_skips_every_type);
    tcase_add_test(skip, test_skips_only_one_value);
    tcase_add_test(skip, test_a_type_that_no_value_has);
    tcase_add_test(skip, test_a_bool_is_any_byte);
    tcase_add_test(skip, test_element_types);
    tcase_add_test(skip, test_counts_nobody_should_believe);
    tcase_add_test(skip, test_counts_just_above_and_below);
    tcase_add_test(skip, test_depth);
    tcase_add_test(skip, test_nesting_bombs);
    tcase_add_test(skip, test_garbage_is_never_a_value_without_end);
    suite_add_tcase(suite, skip);
    TCase *head = tcase_create("head");
    tcase_add_test(head, test_strict_heads);
    tcase_add_test(head, test_heads_without_version);
    tcase_add_test(head, test_names);
    tcase_add_test(head, test_a_foul_name_shows_at_its_first_foul_byte);
    tcase_add_test(head, test_versions);
    tcase_add_test(head, test_a_negative_name_length);
    tcase_add_test(head, test_whole_messages);
    suite_add_tcase(suite, head);
    return suite;
}

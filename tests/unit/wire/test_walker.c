/* Tests of wire/walker: it must find the same end and say the same as the cursor on the whole
 * message, however the bytes are cut, and settle at the same byte. */
#include "bytes.h"
#include "suites.h"
#include "wire/walker.h"

/* What the cursor says of the first `size` bytes, and where the message ends. */
static HgWalk verdict_of(const GByteArray *bytes, gsize size, gsize *end)
{
    HgCursor cursor = hg_cursor(hg_slice(bytes->data, size));
    HgMessageHead head;
    HgWireStatus status = hg_cursor_read_head(&cursor, &head);
    if (status == HG_WIRE_OK)
        status = hg_cursor_skip(&cursor, HG_THRIFT_STRUCT, 0);
    *end = status == HG_WIRE_OK ? hg_cursor_offset(&cursor) : size;
    return status == HG_WIRE_OK ? HG_WALK_DONE : status == HG_WIRE_BAD ? HG_WALK_BAD : HG_WALK_MORE;
}

/* Feeds bytes [from, to) from memory of just that size. */
static HgWalk feed(HgWalker *walker, const GByteArray *bytes, gsize from, gsize to, gsize *used)
{
    GByteArray view = {.data = bytes->data + from, .len = (guint)(to - from)};
    HgSlice piece = tight_copy(&view, to - from);
    HgWalk walk = hg_walker_feed(walker, piece, used);
    HOLDS(walk == HG_WALK_MORE ? *used == piece.size : *used <= piece.size);
    g_free((guint8 *)piece.data);
    return walk;
}

/* Feeds the bytes cut at `cuts` (ascending) and gives the verdict and how many were used in all. */
static HgWalk walk_cut(HgWalker *walker, const GByteArray *bytes, const gsize *cuts, guint count,
                       gsize *end)
{
    hg_walker_reset(walker);
    HgWalk walk = HG_WALK_MORE;
    *end = 0;
    gsize from = 0;
    for (guint i = 0; i <= count && walk == HG_WALK_MORE; i++) {
        gsize to = i < count ? cuts[i] : bytes->len;
        gsize used;
        walk = feed(walker, bytes, from, to, &used);
        *end += used;
        from = to;
    }
    return walk;
}

/* Cut anywhere, with a middle piece of every size up to more than the longest head, or to the end,
 * it ends as the cursor says. */
static void check_cuts(const GByteArray *bytes)
{
    g_autoptr(HgWalker) walker = hg_walker_new();
    gsize end;
    HgWalk expected = verdict_of(bytes, bytes->len, &end);
    gsize got;
    for (gsize a = 0; a <= bytes->len; a++) {
        for (gsize b = a; b <= MIN(a + 8, bytes->len); b++) {
            HOLDS(walk_cut(walker, bytes, (gsize[]){a, b}, 2, &got) == expected);
            HOLDS(expected == HG_WALK_BAD || got == end);
        }
    }
}

/* Byte by byte, the walker says after each byte what the cursor says of all up to it. */
static void check_settles_like_the_cursor(const GByteArray *bytes)
{
    g_autoptr(HgWalker) walker = hg_walker_new();
    for (gsize size = 1; size <= bytes->len; size++) {
        gsize used;
        gsize end;
        HgWalk walk = feed(walker, bytes, size - 1, size, &used);
        HOLDS(walk == verdict_of(bytes, size, &end));
        if (walk != HG_WALK_MORE)
            return;
    }
}

START_TEST(test_messages_in_pieces)
{
    AUTO_BYTES(reply);
    put_fetch_reply(reply);
    check_cuts(reply);
    check_settles_like_the_cursor(reply);
    AUTO_BYTES(call);
    put_open_call(call);
    check_cuts(call);
    check_settles_like_the_cursor(call);
}
END_TEST

START_TEST(test_every_type_in_pieces)
{
    AUTO_BYTES(bytes);
    put_head(bytes, HG_MESSAGE_CALL, "All", 1);
    put_every_type(bytes);
    check_cuts(bytes);
    check_settles_like_the_cursor(bytes);
}
END_TEST

START_TEST(test_a_head_without_version_in_pieces)
{
    AUTO_BYTES(bytes);
    put_old_head(bytes, HG_MESSAGE_CALL, "GetInfo", 0);
    put_field(bytes, HG_THRIFT_I32, 2);
    put_u32(bytes, 17);
    put_u8(bytes, HG_THRIFT_STOP);
    check_cuts(bytes);
    check_settles_like_the_cursor(bytes);
}
END_TEST

START_TEST(test_two_messages_in_one_piece)
{
    AUTO_BYTES(bytes);
    put_open_call(bytes);
    gsize first = bytes->len;
    put_fetch_reply(bytes);
    g_autoptr(HgWalker) walker = hg_walker_new();
    gsize used;
    ck_assert_int_eq(feed(walker, bytes, 0, bytes->len, &used), HG_WALK_DONE);
    ck_assert_uint_eq(used, first);
    hg_walker_reset(walker);
    ck_assert_int_eq(feed(walker, bytes, first, bytes->len, &used), HG_WALK_DONE);
    ck_assert_uint_eq(used, bytes->len - first);
    check_cuts(bytes);
}
END_TEST

START_TEST(test_what_was_settled_stays_until_reset)
{
    AUTO_BYTES(bytes);
    put_open_call(bytes);
    g_autoptr(HgWalker) walker = hg_walker_new();
    gsize used;
    ck_assert_int_eq(feed(walker, bytes, 0, bytes->len, &used), HG_WALK_DONE);
    ck_assert_int_eq(feed(walker, bytes, 0, bytes->len, &used), HG_WALK_DONE);
    ck_assert_uint_eq(used, 0);
    AUTO_BYTES(http);
    g_byte_array_append(http, (const guint8 *)"GET / HTTP/1.1\r\n", 16);
    hg_walker_reset(walker);
    ck_assert_int_eq(feed(walker, http, 0, 16, &used), HG_WALK_BAD);
    ck_assert_int_eq(feed(walker, bytes, 0, bytes->len, &used), HG_WALK_BAD);
    ck_assert_uint_eq(used, 0);
    hg_walker_reset(walker);
    ck_assert_int_eq(feed(walker, bytes, 0, bytes->len, &used), HG_WALK_DONE);
    ck_assert_uint_eq(used, bytes->len);
}
END_TEST

START_TEST(test_reset_in_the_middle_of_anything)
{
    AUTO_BYTES(bytes);
    put_head(bytes, HG_MESSAGE_CALL, "All", 1);
    put_every_type(bytes);
    g_autoptr(HgWalker) walker = hg_walker_new();
    for (gsize size = 0; size < bytes->len; size++) {
        gsize used;
        ck_assert_int_eq(feed(walker, bytes, 0, size, &used), HG_WALK_MORE);
        hg_walker_reset(walker);
        ck_assert_int_eq(feed(walker, bytes, 0, bytes->len, &used), HG_WALK_DONE);
        ck_assert_uint_eq(used, bytes->len);
        hg_walker_reset(walker);
    }
}
END_TEST

START_TEST(test_empty_pieces)
{
    AUTO_BYTES(bytes);
    put_fetch_reply(bytes);
    g_autoptr(HgWalker) walker = hg_walker_new();
    gsize used = 99;
    ck_assert_int_eq(hg_walker_feed(walker, hg_slice(NULL, 0), &used), HG_WALK_MORE);
    ck_assert_uint_eq(used, 0);
    for (gsize at = 0; at < bytes->len; at++) {
        ck_assert_int_eq(hg_walker_feed(walker, hg_slice(NULL, 0), &used), HG_WALK_MORE);
        HgWalk walk = feed(walker, bytes, at, at + 1, &used);
        ck_assert_int_eq(walk, at + 1 < bytes->len ? HG_WALK_MORE : HG_WALK_DONE);
    }
    ck_assert_int_eq(hg_walker_feed(walker, hg_slice(NULL, 0), &used), HG_WALK_DONE);
}
END_TEST

static void put_message_of(GByteArray *out, guint8 type, guint depth)
{
    put_head(out, HG_MESSAGE_CALL, "Deep", 1);
    put_field(out, type, 1);
    put_nested(out, type, depth);
    put_u8(out, HG_THRIFT_STOP);
}

START_TEST(test_depth)
{
    static const guint8 types[] = {HG_THRIFT_STRUCT, HG_THRIFT_LIST, HG_THRIFT_SET, HG_THRIFT_MAP};
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        /* the struct of the message is the first level */
        for (guint depth = HG_THRIFT_MAX_DEPTH - 2; depth <= HG_THRIFT_MAX_DEPTH + 1; depth++) {
            AUTO_BYTES(bytes);
            put_message_of(bytes, types[i], depth);
            gsize end;
            HgWalk expected = depth < HG_THRIFT_MAX_DEPTH ? HG_WALK_DONE : HG_WALK_BAD;
            ck_assert_int_eq(verdict_of(bytes, bytes->len, &end), expected);
            check_settles_like_the_cursor(bytes);
        }
        AUTO_BYTES(bomb);
        put_message_of(bomb, types[i], 100000);
        g_autoptr(HgWalker) walker = hg_walker_new();
        gsize used;
        ck_assert_int_eq(feed(walker, bomb, 0, bomb->len, &used), HG_WALK_BAD);
        ck_assert_uint_lt(used, 1000);
    }
}
END_TEST

START_TEST(test_a_list_longer_than_memory)
{
    AUTO_BYTES(bytes);
    put_head(bytes, HG_MESSAGE_REPLY, "FetchResults", 1);
    put_field(bytes, HG_THRIFT_LIST, 1);
    put_list(bytes, HG_THRIFT_I64, G_MAXINT32);
    g_autoptr(HgWalker) walker = hg_walker_new();
    gsize used;
    ck_assert_int_eq(feed(walker, bytes, 0, bytes->len, &used), HG_WALK_MORE);
    gsize piece = (gsize)64 << 20; /* passed over unread, so it costs no memory either */
    g_autofree guint8 *zeros = g_malloc0(piece);
    guint64 left = 8 * (guint64)G_MAXINT32;
    while (left > 0) {
        gsize size = MIN(left, piece);
        ck_assert_int_eq(hg_walker_feed(walker, hg_slice(zeros, size), &used), HG_WALK_MORE);
        left -= size;
    }
    ck_assert_int_eq(hg_walker_feed(walker, hg_slice(zeros, piece), &used), HG_WALK_DONE);
    ck_assert_uint_eq(used, 1);
}
END_TEST

START_TEST(test_a_string_of_the_greatest_length)
{
    AUTO_BYTES(bytes);
    put_head(bytes, HG_MESSAGE_REPLY, "FetchResults", 1);
    put_field(bytes, HG_THRIFT_MAP, 1);
    put_map(bytes, HG_THRIFT_I32, HG_THRIFT_STRING, G_MAXINT32);
    put_u32(bytes, 1);
    put_u32(bytes, G_MAXINT32);
    g_autoptr(HgWalker) walker = hg_walker_new();
    gsize used;
    ck_assert_int_eq(feed(walker, bytes, 0, bytes->len, &used), HG_WALK_MORE);
    gsize piece = (gsize)64 << 20;
    g_autofree guint8 *zeros = g_malloc0(piece);
    for (gsize left = G_MAXINT32; left > 0; left -= MIN(left, piece)) {
        HgSlice part = hg_slice(zeros, MIN(left, piece));
        ck_assert_int_eq(hg_walker_feed(walker, part, &used), HG_WALK_MORE);
    }
    AUTO_BYTES(next);
    put_u32(next, 2);
    put_u32(next, 0xffffffffu);
    ck_assert_int_eq(feed(walker, next, 0, 4, &used), HG_WALK_MORE);
    ck_assert_int_eq(feed(walker, next, 4, 5, &used), HG_WALK_BAD);
}
END_TEST

START_TEST(test_many_strings_in_pieces)
{
    AUTO_BYTES(bytes);
    put_head(bytes, HG_MESSAGE_REPLY, "FetchResults", 1);
    put_field(bytes, HG_THRIFT_LIST, 1);
    put_list(bytes, HG_THRIFT_STRING, 5000);
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    guint length = 0;
    for (guint i = 0; i < 5000; i++) {
        if (g_rand_int_range(rand, 0, 4) == 0)
            length = (guint)g_rand_int_range(rand, 0, 40);
        put_u32(bytes, length);
        for (guint k = 0; k < length; k++)
            put_u8(bytes, 0x80 + k);
    }
    put_u8(bytes, HG_THRIFT_STOP);
    g_autoptr(HgWalker) walker = hg_walker_new();
    static const gsize pieces[] = {1, 2, 3, 4, 5, 11, 44, 45, 64, 199, 4096};
    for (guint i = 0; i < G_N_ELEMENTS(pieces); i++) {
        hg_walker_reset(walker);
        HgWalk walk = HG_WALK_MORE;
        gsize at = 0;
        while (walk == HG_WALK_MORE && at < bytes->len) {
            gsize used;
            walk = feed(walker, bytes, at, MIN(at + pieces[i], bytes->len), &used);
            at += used;
        }
        ck_assert_int_eq(walk, HG_WALK_DONE);
        ck_assert_uint_eq(at, bytes->len);
    }
}
END_TEST

START_TEST(test_one_wrong_byte_anywhere)
{
    AUTO_BYTES(bytes);
    put_head(bytes, HG_MESSAGE_CALL, "All", 1);
    put_every_type(bytes);
    static const guint8 wrong[] = {0x00, 0x0f, 0x80};
    for (gsize at = 0; at < bytes->len; at++) {
        guint8 was = bytes->data[at];
        for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
            bytes->data[at] = wrong[i];
            check_settles_like_the_cursor(bytes);
        }
        bytes->data[at] = was;
    }
}
END_TEST

START_TEST(test_garbage)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(11);
    for (guint round = 0; round < 3000; round++) {
        AUTO_BYTES(bytes);
        if (round % 4 != 0)
            put_head(bytes, HG_MESSAGE_CALL, "G", 1);
        guint size = (guint)g_rand_int_range(rand, 1, 80);
        for (guint i = 0; i < size; i++)
            put_u8(bytes, (guint)g_rand_int_range(rand, 0, round % 2 == 0 ? 256 : 16));
        check_settles_like_the_cursor(bytes);
    }
}
END_TEST

START_TEST(test_freeing_nothing)
{
    hg_walker_free(NULL);
}
END_TEST

Suite *walker_suite(void)
{
    Suite *suite = suite_create("wire/walker");
    TCase *tcase = tcase_create("walker");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_messages_in_pieces);
    tcase_add_test(tcase, test_every_type_in_pieces);
    tcase_add_test(tcase, test_a_head_without_version_in_pieces);
    tcase_add_test(tcase, test_two_messages_in_one_piece);
    tcase_add_test(tcase, test_what_was_settled_stays_until_reset);
    tcase_add_test(tcase, test_reset_in_the_middle_of_anything);
    tcase_add_test(tcase, test_empty_pieces);
    tcase_add_test(tcase, test_depth);
    tcase_add_test(tcase, test_a_list_longer_than_memory);
    tcase_add_test(tcase, test_a_string_of_the_greatest_length);
    tcase_add_test(tcase, test_many_strings_in_pieces);
    tcase_add_test(tcase, test_one_wrong_byte_anywhere);
    tcase_add_test(tcase, test_garbage);
    tcase_add_test(tcase, test_freeing_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}

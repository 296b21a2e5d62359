/* Tests of wire/http_chunks: bodies in one piece, byte by byte and cut anywhere, each refusal with
 * the byte at which it is certain, caps, and what is written read back. */
#include "bytes.h"
#include "suites.h"
#include "wire/http_chunks.h"

typedef struct {
    HgHttpChunksStatus status;
    gsize used;  /* bytes of all windows */
    gsize calls; /* up to the one that settled it */
    const char *why;
} Outcome;

/* Feeds the bytes in windows of the sizes that `next_size` gives, each in memory of just its size,
 * until they are used up or the body is over. */
static Outcome feed(const GByteArray *bytes, gsize (*next_size)(GRand *), GRand *random,
                    GByteArray *data)
{
    HgHttpChunks chunks = {.state = 0};
    Outcome outcome = {.status = HG_HTTP_CHUNKS_MORE};
    gsize at = 0;
    while (at < bytes->len && outcome.status == HG_HTTP_CHUNKS_MORE) {
        gsize size = next_size(random);
        size = MIN(size, bytes->len - at);
        g_autofree guint8 *window = g_malloc(MAX(size, 1));
        memcpy(window, bytes->data + at, size);
        gsize used = 999;
        gsize made = 999;
        outcome.status = hg_http_chunks_feed(&chunks, window, size, &used, &made);
        HOLDS(made <= used && used <= size);
        HOLDS(outcome.status != HG_HTTP_CHUNKS_MORE || used == size);
        HOLDS(memcmp(window + used, bytes->data + at + used, size - used) == 0);
        g_byte_array_append(data, window, (guint)made);
        outcome.used += used;
        outcome.calls++;
        at += size;
    }
    if (outcome.status != HG_HTTP_CHUNKS_MORE) { /* what is over stays over */
        guint8 more[] = "5\r\nhello\r\n";
        gsize used = 999;
        gsize made = 999;
        HOLDS(hg_http_chunks_feed(&chunks, more, sizeof more, &used, &made) == outcome.status);
        HOLDS(used == 0 && made == 0);
    }
    outcome.why = chunks.why;
    return outcome;
}

static gsize all_at_once(GRand *random)
{
    return G_MAXSIZE;
}

static gsize one_byte(GRand *random)
{
    return 1;
}

static gsize a_few_bytes(GRand *random)
{
    return (gsize)g_rand_int_range(random, 0, 40);
}

/* Feeds the bytes in every way; each must come to the same. Returns it, and the data. */
static Outcome feed_in_every_way(const GByteArray *bytes, GByteArray *data)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(bytes->len);
    Outcome whole = feed(bytes, all_at_once, random, data);
    for (guint turn = 0; turn < 4; turn++) {
        AUTO_BYTES(again);
        Outcome cut = feed(bytes, turn == 0 ? one_byte : a_few_bytes, random, again);
        HOLDS(cut.status == whole.status && cut.used == whole.used && cut.why == whole.why);
        HOLDS(again->len == data->len);
        HOLDS(data->len == 0 || memcmp(again->data, data->data, data->len) == 0);
    }
    return whole;
}

static void put_string(GByteArray *out, const char *text)
{
    g_byte_array_append(out, (const guint8 *)text, (guint)strlen(text));
}

START_TEST(test_sound_bodies)
{
    static const struct {
        const char *body;
        const char *data;
    } cases[] = {
        {"0\r\n\r\n", ""},
        {"000\r\n\r\n", ""},
        {"5\r\nhello\r\n0\r\n\r\n", "hello"},
        {"00000000000000000000000000000005\r\nhello\r\n0\r\n\r\n", "hello"},
        {"a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a"},
        {"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", "abc"},
        {"2\r\n\r\n\r\n2\r\n0\r\r\n3\r\n\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n"},
        {"7\r\n0\r\n\r\n0\r\r\n0\r\n\r\n", "0\r\n\r\n0\r"},
        {"5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello"},
        {"5;\r\nhello\r\n0;;;\r\n\r\n", "hello"},
        {"5; a = \"b; \t\xc3\xa9\" \r\nhello\r\n0\r\n\r\n", "hello"},
        {"5\r\nhello\r\n0\r\nA: b\r\nContent-Length: 7\r\nTransfer-Encoding:\r\n\r\n", "hello"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        AUTO_BYTES(bytes);
        put_string(bytes, cases[i].body);
        gsize body = bytes->len;
        AUTO_BYTES(data);
        Outcome outcome = feed_in_every_way(bytes, data);
        ck_assert_msg(outcome.status == HG_HTTP_CHUNKS_DONE, "%s: %s", cases[i].body, outcome.why);
        ck_assert_uint_eq(outcome.used, body);
        ck_assert(hg_slice_equal_string(hg_slice(data->data, data->len), cases[i].data));
        put_string(bytes, "POST / HTTP/1.1\r\n"); /* of the next request nothing is used */
        AUTO_BYTES(again);
        outcome = feed_in_every_way(bytes, again);
        ck_assert_int_eq(outcome.status, HG_HTTP_CHUNKS_DONE);
        ck_assert_uint_eq(outcome.used, body);
    }
}
END_TEST

#define ROW(body, word)                                                                            \
    {                                                                                              \
        body, sizeof(body) - 1, word                                                               \
    }

/* The last byte of each is the one that settles it. */
START_TEST(test_foul_bodies)
{
    static const struct {
        const char *body;
        gsize size;
        const char *word;
    } cases[] = {
        /* sizes */
        ROW("\r", "doesn't begin with its size"),
        ROW("\n", "doesn't begin with its size"),
        ROW(" ", "doesn't begin with its size"),
        ROW("\t", "doesn't begin with its size"),
        ROW("+", "doesn't begin with its size"),
        ROW("-", "doesn't begin with its size"),
        ROW("g", "doesn't begin with its size"),
        ROW(";", "doesn't begin with its size"),
        ROW("\0", "doesn't begin with its size"),
        ROW("\xb2", "doesn't begin with its size"),
        ROW("0x", "neither"),
        ROW("5 ", "neither"),
        ROW("5\t", "neither"),
        ROW("5,", "neither"),
        ROW("5.", "neither"),
        ROW("5_", "neither"),
        ROW("5g", "neither"),
        ROW("5\n", "neither"),
        ROW("5\0", "neither"),
        ROW("5\rX", "isn't followed by LF"),
        ROW("5\r\r", "isn't followed by LF"),
        ROW("10000000001", "1 TiB"),
        ROW("20000000000", "1 TiB"),
        ROW("fffffffffff", "1 TiB"),
        ROW("000000010000000001", "1 TiB"),
        /* extensions */
        ROW("5;\n", "extension"),
        ROW("5;a=b\n", "extension"),
        ROW("5;a\0", "extension"),
        ROW("5;\"\x7f", "extension"),
        ROW("5;a\rG", "isn't followed by LF"),
        /* data that is shorter or longer than the size */
        ROW("3\r\nabcd", "longer than its size"),
        ROW("3\r\nabc\n", "longer than its size"),
        ROW("3\r\nabc0", "longer than its size"),
        ROW("3\r\nabc\rx", "longer than its size"),
        ROW("3\r\nabc\r\r", "longer than its size"),
        ROW("3\r\nabc\r\n\r", "doesn't begin with its size"),
        /* trailers */
        ROW("0\r\n\n", "LF without CR"),
        ROW("0\r\n\rX", "isn't followed by LF"),
        ROW("0\r\n ", "folded"),
        ROW("0\r\n:", "no name"),
        ROW("0\r\nA\r", "no colon"),
        ROW("0\r\nA ", "its colon"),
        ROW("0\r\nGET ", "its colon"), /* a request where the trailer should end */
        ROW("0\r\nA: b\n", "LF without CR"),
        ROW("0\r\nA: b\0", "NUL"),
        ROW("0\r\nA: b\r\n ", "folded"),
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        gsize size = cases[i].size;
        AUTO_BYTES(bytes);
        g_byte_array_append(bytes, (const guint8 *)cases[i].body, (guint)size);
        for (guint turn = 0; turn < 2; turn++) {
            AUTO_BYTES(data);
            Outcome outcome = feed_in_every_way(bytes, data);
            ck_assert_msg(outcome.status == HG_HTTP_CHUNKS_BAD, "%u: %s", i, cases[i].body);
            ck_assert_msg(strstr(outcome.why, cases[i].word) != NULL, "%u: %s", i, outcome.why);
            ck_assert_uint_eq(outcome.used, size - 1);
            put_string(bytes, "\r\n0\r\n\r\n"); /* nothing mends it */
        }
        g_byte_array_set_size(bytes, (guint)size - 1);
        AUTO_BYTES(data);
        ck_assert_msg(feed_in_every_way(bytes, data).status == HG_HTTP_CHUNKS_MORE, "%u: %s", i,
                      cases[i].body);
    }
}
END_TEST

START_TEST(test_a_body_cut_at_every_byte)
{
    AUTO_BYTES(bytes);
    put_string(bytes, "3;x=y\r\nabc\r\n2\r\n\r\n\r\n0\r\nA: b\r\nC:\r\n\r\n");
    gsize whole = bytes->len;
    for (gsize size = 0; size < whole; size++) {
        AUTO_BYTES(cut);
        g_byte_array_append(cut, bytes->data, (guint)size);
        AUTO_BYTES(data);
        Outcome outcome = feed_in_every_way(cut, data);
        ck_assert_int_eq(outcome.status, HG_HTTP_CHUNKS_MORE);
        ck_assert_uint_eq(outcome.used, size);
        ck_assert(data->len == 0 || memcmp("abc\r\n", data->data, data->len) == 0);
    }
}
END_TEST

/* A line of `size` bytes with the size of a chunk. */
static void put_long_line(GByteArray *out, gsize size)
{
    put_string(out, "3;");
    for (gsize i = 4; i < size; i++)
        put_u8(out, 'x');
    put_string(out, "\r\n");
}

START_TEST(test_the_longest_line)
{
    for (gsize size = HG_HTTP_CHUNK_LINE_MAX - 1; size <= HG_HTTP_CHUNK_LINE_MAX + 1; size++) {
        AUTO_BYTES(bytes);
        put_long_line(bytes, size);
        put_string(bytes, "abc\r\n");
        put_long_line(bytes, size); /* each line is counted for itself */
        put_string(bytes, "abc\r\n0\r\n\r\n");
        AUTO_BYTES(data);
        Outcome outcome = feed_in_every_way(bytes, data);
        if (size <= HG_HTTP_CHUNK_LINE_MAX) {
            ck_assert_int_eq(outcome.status, HG_HTTP_CHUNKS_DONE);
            ck_assert_uint_eq(data->len, 6);
        } else {
            ck_assert_int_eq(outcome.status, HG_HTTP_CHUNKS_BAD);
            ck_assert_uint_eq(outcome.used, HG_HTTP_CHUNK_LINE_MAX);
            ck_assert_ptr_nonnull(strstr(outcome.why, "256"));
        }
    }
    AUTO_BYTES(zeros);
    for (guint i = 0; i < 1000; i++)
        put_u8(zeros, '0');
    AUTO_BYTES(data);
    Outcome outcome = feed_in_every_way(zeros, data);
    ck_assert_int_eq(outcome.status, HG_HTTP_CHUNKS_BAD);
    ck_assert_uint_eq(outcome.used, HG_HTTP_CHUNK_LINE_MAX);
}
END_TEST

START_TEST(test_the_longest_trailer)
{
    for (gsize size = HG_HTTP_TRAILER_MAX - 1; size <= HG_HTTP_TRAILER_MAX + 1; size++) {
        AUTO_BYTES(bytes);
        put_string(bytes, "0\r\nA:");
        for (gsize i = 6; i < size; i++)
            put_u8(bytes, 'x');
        put_string(bytes, "\r\n\r\n");
        ck_assert_uint_eq(bytes->len, 3 + size);
        AUTO_BYTES(data);
        Outcome outcome = feed_in_every_way(bytes, data);
        gboolean fits = size <= HG_HTTP_TRAILER_MAX;
        ck_assert_int_eq(outcome.status, fits ? HG_HTTP_CHUNKS_DONE : HG_HTTP_CHUNKS_BAD);
        ck_assert_uint_eq(outcome.used, 3 + MIN(size, HG_HTTP_TRAILER_MAX));
    }
    AUTO_BYTES(many);
    put_string(many, "0\r\n");
    for (guint i = 0; i <= HG_HTTP_FIELDS_MAX; i++)
        put_string(many, "A:\r\n");
    AUTO_BYTES(data);
    Outcome outcome = feed_in_every_way(many, data);
    ck_assert_int_eq(outcome.status, HG_HTTP_CHUNKS_BAD);
    ck_assert_ptr_nonnull(strstr(outcome.why, "more than 100"));
}
END_TEST

/* The longest chunk that may be: its size is believed, and costs nothing. */
START_TEST(test_the_longest_chunk)
{
    AUTO_BYTES(bytes);
    put_string(bytes, "10000000000\r\n0\r\n\r\n");
    AUTO_BYTES(data);
    Outcome outcome = feed_in_every_way(bytes, data);
    ck_assert_int_eq(outcome.status, HG_HTTP_CHUNKS_MORE);
    ck_assert(hg_slice_equal_string(hg_slice(data->data, data->len), "0\r\n\r\n"));
}
END_TEST

START_TEST(test_random_bodies)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(20);
    for (guint turn = 0; turn < 200; turn++) {
        AUTO_BYTES(expected);
        AUTO_BYTES(bytes);
        guint count = (guint)g_rand_int_range(random, 0, 8);
        for (guint i = 0; i < count; i++) {
            guint size = (guint)g_rand_int_range(random, 1, i == 3 ? 5000 : 50);
            g_autofree char *head = g_strdup_printf(turn % 2 == 0 ? "%x\r\n" : "%X;a\r\n", size);
            put_string(bytes, head);
            for (guint j = 0; j < size; j++) {
                put_u8(bytes, (guint) "\r\n0;5abc"[g_rand_int_range(random, 0, 8)]);
                put_u8(expected, bytes->data[bytes->len - 1]);
            }
            put_string(bytes, "\r\n");
        }
        put_string(bytes, turn % 3 == 0 ? "0\r\nA: b\r\n\r\n" : "0\r\n\r\n");
        AUTO_BYTES(data);
        Outcome outcome = feed_in_every_way(bytes, data);
        HOLDS(outcome.status == HG_HTTP_CHUNKS_DONE && outcome.used == bytes->len);
        HOLDS(data->len == expected->len);
        HOLDS(data->len == 0 || memcmp(data->data, expected->data, data->len) == 0);
    }
}
END_TEST

START_TEST(test_heads_that_are_written)
{
    static const struct {
        guint64 size;
        const char *head;
    } cases[] = {
        {0, ""},
        {1, "1\r\n"},
        {9, "9\r\n"},
        {10, "a\r\n"},
        {15, "f\r\n"},
        {16, "10\r\n"},
        {0x1000, "1000\r\n"},
        {262144, "40000\r\n"},
        {0xdeadbeef, "deadbeef\r\n"},
        {HG_HTTP_SIZE_MAX, "10000000000\r\n"},
        {G_MAXUINT64, "ffffffffffffffff\r\n"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        char head[HG_HTTP_CHUNK_HEAD_MAX];
        gsize size = hg_http_write_chunk_head(head, cases[i].size);
        ck_assert(hg_slice_equal_string(hg_slice(head, size), cases[i].head));
    }
}
END_TEST

START_TEST(test_what_is_written_is_read)
{
    AUTO_BYTES(bytes);
    AUTO_BYTES(expected);
    for (guint size = 1; size < 3000; size = size * 3 + 1) {
        char head[HG_HTTP_CHUNK_HEAD_MAX];
        g_byte_array_append(bytes, (guint8 *)head, (guint)hg_http_write_chunk_head(head, size));
        for (guint i = 0; i < size; i++) {
            put_u8(bytes, i);
            put_u8(expected, i);
        }
        put_string(bytes, HG_HTTP_CHUNK_END);
    }
    put_string(bytes, HG_HTTP_LAST_CHUNK);
    AUTO_BYTES(data);
    Outcome outcome = feed_in_every_way(bytes, data);
    ck_assert_int_eq(outcome.status, HG_HTTP_CHUNKS_DONE);
    ck_assert_uint_eq(outcome.used, bytes->len);
    ck_assert_uint_eq(data->len, expected->len);
    ck_assert(memcmp(data->data, expected->data, data->len) == 0);
}
END_TEST

Suite *http_chunks_suite(void)
{
    Suite *suite = suite_create("wire/http_chunks");
    TCase *reading = tcase_create("reading");
    tcase_add_test(reading, test_sound_bodies);
    tcase_add_test(reading, test_foul_bodies);
    tcase_add_test(reading, test_a_body_cut_at_every_byte);
    tcase_add_test(reading, test_the_longest_line);
    tcase_add_test(reading, test_the_longest_trailer);
    tcase_add_test(reading, test_the_longest_chunk);
    tcase_add_test(reading, test_random_bodies);
    suite_add_tcase(suite, reading);
    TCase *writing = tcase_create("writing");
    tcase_add_test(writing, test_heads_that_are_written);
    tcase_add_test(writing, test_what_is_written_is_read);
    suite_add_tcase(suite, writing);
    return suite;
}

/* Tests of wire/sasl: negotiation frames as clients send them, PLAIN responses sound and foul, and
 * what hivegate sends to log in itself. */
#include "bytes.h"
#include "suites.h"
#include "wire/sasl.h"

static HgWireStatus read_frame(const GByteArray *bytes, gsize size, HgSaslFrame *frame)
{
    HgSlice cut = tight_copy(bytes, size);
    HgWireStatus status = hg_sasl_read_frame(cut, frame);
    g_free((guint8 *)cut.data);
    return status;
}

static void put_frame(GByteArray *out, guint status, const char *payload, guint size)
{
    put_u8(out, status);
    put_u32(out, size);
    g_byte_array_append(out, (const guint8 *)payload, size);
}

START_TEST(test_frames_cut_at_every_byte)
{
    for (guint status = HG_SASL_START; status <= HG_SASL_COMPLETE; status++) {
        AUTO_BYTES(bytes);
        put_frame(bytes, status, "\0alice\0secret", 13);
        HgSaslFrame frame;
        for (gsize size = 0; size < bytes->len; size++)
            ck_assert_int_eq(read_frame(bytes, size, &frame), HG_WIRE_SHORT);
        HgSlice whole = hg_slice(bytes->data, bytes->len);
        ck_assert_int_eq(hg_sasl_read_frame(whole, &frame), HG_WIRE_OK);
        ck_assert_uint_eq(frame.status, status);
        ck_assert_uint_eq(frame.size, bytes->len);
        ck_assert(hg_slice_equal(frame.payload, hg_slice("\0alice\0secret", 13)));
    }
}
END_TEST

START_TEST(test_two_frames_at_once)
{
    AUTO_BYTES(bytes);
    put_frame(bytes, HG_SASL_START, "PLAIN", 5);
    put_frame(bytes, HG_SASL_OK, "\0bob\0x", 6);
    HgSaslFrame frame;
    HgSlice all = hg_slice(bytes->data, bytes->len);
    ck_assert_int_eq(hg_sasl_read_frame(all, &frame), HG_WIRE_OK);
    ck_assert(hg_slice_equal_string(frame.payload, "PLAIN"));
    ck_assert_uint_eq(frame.size, 10);
    all = hg_slice(all.data + frame.size, all.size - frame.size);
    ck_assert_int_eq(hg_sasl_read_frame(all, &frame), HG_WIRE_OK);
    ck_assert_uint_eq(frame.status, HG_SASL_OK);
    ck_assert_uint_eq(frame.size, all.size);
}
END_TEST

START_TEST(test_an_empty_frame)
{
    AUTO_BYTES(bytes);
    put_frame(bytes, HG_SASL_COMPLETE, "", 0);
    HgSaslFrame frame;
    ck_assert_int_eq(read_frame(bytes, bytes->len, &frame), HG_WIRE_OK);
    ck_assert_uint_eq(frame.payload.size, 0);
    ck_assert_uint_eq(frame.size, HG_SASL_HEAD_SIZE);
}
END_TEST

START_TEST(test_a_status_that_is_none_shows_at_once)
{
    for (guint status = 0; status < 256; status++) {
        AUTO_BYTES(bytes);
        put_frame(bytes, status, "PLAIN", 5);
        HgSaslFrame frame;
        gboolean sound = status >= 1 && status <= 5;
        ck_assert_int_eq(read_frame(bytes, 1, &frame), sound ? HG_WIRE_SHORT : HG_WIRE_BAD);
        ck_assert_int_eq(read_frame(bytes, bytes->len, &frame), sound ? HG_WIRE_OK : HG_WIRE_BAD);
    }
}
END_TEST

START_TEST(test_lengths_past_the_cap)
{
    static const guint32 lengths[] = {HG_SASL_MAX_PAYLOAD + 1, 65536, G_MAXINT32, 0x80000000u,
                                      0xffffffffu};
    for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
        AUTO_BYTES(bytes);
        put_u8(bytes, HG_SASL_START);
        put_u32(bytes, lengths[i]);
        HgSaslFrame frame;
        ck_assert_int_eq(read_frame(bytes, bytes->len, &frame), HG_WIRE_BAD);
        if (lengths[i] > 0xffffff) /* the first byte of the length says enough */
            ck_assert_int_eq(read_frame(bytes, 2, &frame), HG_WIRE_BAD);
    }
    AUTO_BYTES(most);
    g_autofree char *payload = g_strnfill(HG_SASL_MAX_PAYLOAD, 'x');
    put_frame(most, HG_SASL_OK, payload, HG_SASL_MAX_PAYLOAD);
    HgSaslFrame frame;
    ck_assert_int_eq(read_frame(most, HG_SASL_HEAD_SIZE, &frame), HG_WIRE_SHORT);
    ck_assert_int_eq(read_frame(most, most->len - 1, &frame), HG_WIRE_SHORT);
    ck_assert_int_eq(read_frame(most, most->len, &frame), HG_WIRE_OK);
}
END_TEST

START_TEST(test_other_protocols_on_the_port)
{
    static const char *const foreign[] = {"POST /cliservice HTTP/1.1\r\n", "GET / HTTP/1.0\r\n",
                                          "\x80\x01", "\x16\x03\x01", "SSH-2.0-x\r\n"};
    for (guint i = 0; i < G_N_ELEMENTS(foreign); i++) {
        HgSaslFrame frame;
        ck_assert_int_eq(hg_sasl_read_frame(hg_slice(foreign[i], 1), &frame), HG_WIRE_BAD);
    }
}
END_TEST

START_TEST(test_written_frames_are_read_back)
{
    static const guint sizes[] = {0, 1, 26, 4000, HG_SASL_MAX_PAYLOAD};
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *payload = g_strnfill(sizes[i], 'p');
        HgBuffer buffer;
        hg_buffer_init(&buffer, NULL);
        ck_assert(hg_sasl_write_frame(&buffer, HG_SASL_ERROR, hg_slice(payload, sizes[i])));
        HgSlice bytes = hg_slice(hg_buffer_data(&buffer), hg_buffer_size(&buffer));
        HgSaslFrame frame;
        ck_assert_int_eq(hg_sasl_read_frame(bytes, &frame), HG_WIRE_OK);
        ck_assert_uint_eq(frame.status, HG_SASL_ERROR);
        ck_assert_uint_eq(frame.size, bytes.size);
        ck_assert(hg_slice_equal(frame.payload, hg_slice(payload, sizes[i])));
        hg_buffer_clear(&buffer);
    }
}
END_TEST

START_TEST(test_success_as_a_server_says_it)
{
    HgBuffer buffer;
    hg_buffer_init(&buffer, NULL);
    ck_assert(hg_sasl_write_frame(&buffer, HG_SASL_COMPLETE, hg_slice(NULL, 0)));
    HgSlice bytes = hg_slice(hg_buffer_data(&buffer), hg_buffer_size(&buffer));
    ck_assert(hg_slice_equal(bytes, hg_slice("\5\0\0\0\0", 5)));
    hg_buffer_clear(&buffer);
}
END_TEST

START_TEST(test_login_as_a_client_sends_it)
{
    HgBuffer buffer;
    hg_buffer_init(&buffer, NULL);
    ck_assert(hg_buffer_append(&buffer, hg_slice_from_string("before"), G_MAXINT32));
    ck_assert(hg_sasl_write_plain_login(&buffer, "alice", "s\xc3\xa9same"));
    static const char expected[] = "before"
                                   "\1\0\0\0\5PLAIN"
                                   "\5\0\0\0\16\0alice\0s\xc3\xa9same";
    HgSlice bytes = hg_slice(hg_buffer_data(&buffer), hg_buffer_size(&buffer));
    ck_assert(hg_slice_equal(bytes, hg_slice(expected, sizeof expected - 1)));
    hg_buffer_clear(&buffer);
}
END_TEST

START_TEST(test_a_full_buffer_is_left_as_it_was)
{
    HgBudget budget;
    hg_budget_init(&budget, 600);
    HgBuffer buffer;
    hg_buffer_init(&buffer, &budget);
    ck_assert(hg_buffer_append(&buffer, hg_slice_from_string("kept"), G_MAXINT32));
    gsize used = hg_budget_used(&budget);
    g_autofree char *big = g_strnfill(600, 'x');
    ck_assert(!hg_sasl_write_frame(&buffer, HG_SASL_ERROR, hg_slice(big, 600)));
    ck_assert(!hg_sasl_write_plain_login(&buffer, "alice", big));
    HgSlice bytes = hg_slice(hg_buffer_data(&buffer), hg_buffer_size(&buffer));
    ck_assert(hg_slice_equal_string(bytes, "kept"));
    ck_assert_uint_eq(hg_budget_used(&budget), used);
    hg_buffer_clear(&buffer);
    ck_assert_uint_eq(hg_budget_used(&budget), 0);
}
END_TEST

START_TEST(test_data_frame_heads)
{
    static const guint32 sizes[] = {0, 1, 0x01020304, G_MAXINT32, 0xffffffffu};
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        guint8 head[HG_FRAME_HEAD_SIZE];
        hg_frame_write_size(head, sizes[i]);
        ck_assert_uint_eq(hg_frame_read_size(head), sizes[i]);
    }
    guint8 head[HG_FRAME_HEAD_SIZE];
    hg_frame_write_size(head, 0x01020304);
    ck_assert_int_eq(memcmp(head, "\1\2\3\4", 4), 0);
}
END_TEST

/* The payload is a literal with NULs inside; sizeof counts the one that C adds. */
#define LITERAL(text)                                                                              \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

typedef struct {
    const char *bytes;
    gsize size;
} Literal;

static const char *read_plain(Literal payload, HgSaslPlain *plain)
{
    GByteArray view = {.data = (guint8 *)payload.bytes, .len = (guint)payload.size};
    HgSlice cut = tight_copy(&view, payload.size);
    const char *wrong = hg_sasl_read_plain(cut, plain);
    g_free((guint8 *)cut.data);
    return wrong;
}

START_TEST(test_sound_plain_responses)
{
    static const struct {
        Literal payload;
        const char *authzid;
        const char *authcid;
        const char *password;
    } cases[] = {
        {LITERAL("\0alice\0secret"), "", "alice", "secret"},
        {LITERAL("alice\0alice\0secret"), "alice", "alice", "secret"}, /* node hive-driver */
        {LITERAL("\0anonymous\0anonymous"), "", "anonymous", "anonymous"},
        {LITERAL("\0a\0b"), "", "a", "b"},
        {LITERAL("\0j\xc3\xbcrgen\0\xff\x01"), "", "j\xc3\xbcrgen", "\xff\x01"},
        {LITERAL("\0al ice@EXAMPLE.COM\0 "), "", "al ice@EXAMPLE.COM", " "},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        HgSaslPlain plain;
        HgSlice payload = hg_slice(cases[i].payload.bytes, cases[i].payload.size);
        ck_assert_ptr_null(hg_sasl_read_plain(payload, &plain));
        ck_assert(hg_slice_equal_string(plain.authzid, cases[i].authzid));
        ck_assert(hg_slice_equal_string(plain.authcid, cases[i].authcid));
        ck_assert(hg_slice_equal_string(plain.password, cases[i].password));
    }
}
END_TEST

START_TEST(test_foul_plain_responses)
{
    static const struct {
        Literal payload;
        const char *word; /* that the text must have */
    } cases[] = {
        {LITERAL(""), "no user name"},
        {LITERAL("\0"), "between them"},
        {LITERAL("alice"), "between them"},
        {LITERAL("alice\0secret"), "between them"},
        {LITERAL("\0alice"), "between them"},
        {LITERAL("\0\0"), "name is empty"},
        {LITERAL("\0\0secret"), "name is empty"},
        {LITERAL("alice\0\0secret"), "name is empty"},
        {LITERAL("\0alice\0"), "password is empty"},
        {LITERAL("bob\0alice\0secret"), "act as another"},
        {LITERAL("Alice\0alice\0secret"), "act as another"},
        {LITERAL("alice \0alice\0secret"), "act as another"},
        {LITERAL("\0alice\0sec\0ret"), "NUL"},
        {LITERAL("\0alice\0secret\0"), "NUL"},
        {LITERAL("\0\0\0"), "name is empty"},
        {LITERAL("\0al\xff\0secret"), "UTF-8"},
        {LITERAL("\0al\xc3\0secret"), "UTF-8"},
        {LITERAL("\0al\xc0\xaf\0secret"), "UTF-8"},         /* overlong */
        {LITERAL("\0al\xed\xa0\x80\0secret"), "UTF-8"},     /* a surrogate */
        {LITERAL("\0al\xf4\x90\x80\x80\0secret"), "UTF-8"}, /* above U+10FFFF */
        {LITERAL("\0al\nice\0secret"), "control"},
        {LITERAL("\0al\x7f\0secret"), "control"},
        {LITERAL("\0\x1b[2Jalice\0secret"), "control"},
        {LITERAL("\0al\xc2\x85\0secret"), "control"},     /* U+0085, next line */
        {LITERAL("\0al\xe2\x80\xa8\0secret"), "control"}, /* U+2028, line separator */
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        HgSaslPlain plain = {.password = hg_slice_from_string("as it was")};
        const char *wrong = read_plain(cases[i].payload, &plain);
        ck_assert_ptr_nonnull(wrong);
        ck_assert_msg(strstr(wrong, cases[i].word) != NULL, "%u: %s", i, wrong);
        ck_assert_msg(g_str_has_prefix(wrong, "Error validating the login"), "%u: %s", i, wrong);
        ck_assert(hg_slice_equal_string(plain.password, "as it was"));
    }
}
END_TEST

START_TEST(test_the_longest_name)
{
    for (guint size = HG_SASL_MAX_NAME - 1; size <= HG_SASL_MAX_NAME + 1; size++) {
        AUTO_BYTES(bytes);
        put_u8(bytes, 0);
        for (guint i = 0; i < size; i++)
            put_u8(bytes, 'n');
        put_u8(bytes, 0);
        put_u8(bytes, 'p');
        HgSaslPlain plain;
        const char *wrong = read_plain((Literal){(char *)bytes->data, bytes->len}, &plain);
        if (size <= HG_SASL_MAX_NAME)
            ck_assert_ptr_null(wrong);
        else
            ck_assert_ptr_nonnull(strstr(wrong, "256"));
    }
}
END_TEST

START_TEST(test_what_is_written_logs_in)
{
    HgBuffer buffer;
    hg_buffer_init(&buffer, NULL);
    ck_assert(hg_sasl_write_plain_login(&buffer, "carol", "pw"));
    HgSlice bytes = hg_slice(hg_buffer_data(&buffer), hg_buffer_size(&buffer));
    HgSaslFrame start;
    ck_assert_int_eq(hg_sasl_read_frame(bytes, &start), HG_WIRE_OK);
    ck_assert_uint_eq(start.status, HG_SASL_START);
    HgSaslFrame answer;
    bytes = hg_slice(bytes.data + start.size, bytes.size - start.size);
    ck_assert_int_eq(hg_sasl_read_frame(bytes, &answer), HG_WIRE_OK);
    ck_assert_uint_eq(answer.status, HG_SASL_COMPLETE);
    ck_assert_uint_eq(answer.size, bytes.size);
    HgSaslPlain plain;
    ck_assert_ptr_null(hg_sasl_read_plain(answer.payload, &plain));
    ck_assert_uint_eq(plain.authzid.size, 0);
    ck_assert(hg_slice_equal_string(plain.authcid, "carol"));
    ck_assert(hg_slice_equal_string(plain.password, "pw"));
    hg_buffer_clear(&buffer);
}
END_TEST

Suite *sasl_suite(void)
{
    Suite *suite = suite_create("wire/sasl");
    TCase *frames = tcase_create("frames");
    tcase_add_test(frames, test_frames_cut_at_every_byte);
    tcase_add_test(frames, test_two_frames_at_once);
    tcase_add_test(frames, test_an_empty_frame);
    tcase_add_test(frames, test_a_status_that_is_none_shows_at_once);
    tcase_add_test(frames, test_lengths_past_the_cap);
    tcase_add_test(frames, test_other_protocols_on_the_port);
    tcase_add_test(frames, test_written_frames_are_read_back);
    tcase_add_test(frames, test_success_as_a_server_says_it);
    tcase_add_test(frames, test_login_as_a_client_sends_it);
    tcase_add_test(frames, test_a_full_buffer_is_left_as_it_was);
    tcase_add_test(frames, test_data_frame_heads);
    suite_add_tcase(suite, frames);
    TCase *plain = tcase_create("plain");
    tcase_add_test(plain, test_sound_plain_responses);
    tcase_add_test(plain, test_foul_plain_responses);
    tcase_add_test(plain, test_the_longest_name);
    tcase_add_test(plain, test_what_is_written_logs_in);
    suite_add_tcase(suite, plain);
    return suite;
}

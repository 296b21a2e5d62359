/* Tests of discovery/dns_message: good answers, and each way of being malformed. */
#include "discovery/dns_message.h"
#include "suites.h"

/* The head: an answer to one question with `answers` records. */
static void put_head(GByteArray *to, guint8 answers)
{
    const guint8 head[] = {0x12, 0x34, 0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0};
    g_byte_array_append(to, head, sizeof head);
    g_byte_array_append(to, (const guint8 *)"\3web\4pool\4test\0\0\1\0\1", 19);
}

/* A record of the name asked for. */
static void put_record(GByteArray *to, guint8 type, guint32 ttl, const void *data, guint8 size)
{
    const guint8 fixed[] = {0xc0, 12, 0, type, 0, 1};
    guint32 big = GUINT32_TO_BE(ttl);
    const guint8 length[] = {0, size};
    g_byte_array_append(to, fixed, sizeof fixed);
    g_byte_array_append(to, (const guint8 *)&big, 4);
    g_byte_array_append(to, length, 2);
    g_byte_array_append(to, data, size);
}

static gboolean read_bytes(const GByteArray *bytes, gsize size, HgDnsType type, HgDnsRecords *out)
{
    g_autoptr(GError) error = NULL;
    /* a copy of just this size, so that a sanitizer sees a byte read too many */
    g_autofree guint8 *copy = g_memdup2(bytes->data, size);
    gboolean ok = hg_dns_message_read(hg_slice(copy, size), type, out, &error);
    ck_assert(ok == (error == NULL));
    return ok;
}

START_TEST(test_addresses)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_auto(HgDnsRecords) v4 = {0};
    g_auto(HgDnsRecords) v6 = {0};
    put_head(bytes, 4);
    put_record(bytes, 5, 7, "\4real\xc0\x10", 7); /* a CNAME */
    put_record(bytes, 1, 300, "\x0a\1\0\5", 4);
    put_record(bytes, 1, 60, "\x0a\1\0\6", 4);
    put_record(bytes, 28, 5, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5", 16);
    ck_assert(read_bytes(bytes, bytes->len, HG_DNS_A, &v4));
    ck_assert_uint_eq(v4.addresses->len, 2);
    ck_assert_str_eq(v4.addresses->pdata[0], "10.1.0.5");
    ck_assert_str_eq(v4.addresses->pdata[1], "10.1.0.6");
    ck_assert_uint_eq(v4.ttl, 7);
    ck_assert(read_bytes(bytes, bytes->len, HG_DNS_AAAA, &v6));
    ck_assert_uint_eq(v6.addresses->len, 1);
    ck_assert_str_eq(v6.addresses->pdata[0], "fd00::5");
    ck_assert_uint_eq(v6.ttl, 5);
}
END_TEST

START_TEST(test_targets)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_auto(HgDnsRecords) records = {0};
    put_head(bytes, 2);
    put_record(bytes, 33, 30, "\0\1\0\x0a\x27\x10\5sts-0\xc0\x10", 14);
    put_record(bytes, 33, 0x80000000, "\0\0\0\0\0\0\0", 7);
    ck_assert(read_bytes(bytes, bytes->len, HG_DNS_SRV, &records));
    ck_assert_uint_eq(records.targets->len, 2);
    const HgDnsTarget *target = &g_array_index(records.targets, HgDnsTarget, 0);
    ck_assert_str_eq(target->host, "sts-0.pool.test");
    ck_assert_uint_eq(target->priority, 1);
    ck_assert_uint_eq(target->weight, 10);
    ck_assert_uint_eq(target->port, 10000);
    ck_assert_str_eq(g_array_index(records.targets, HgDnsTarget, 1).host, "");
    ck_assert_uint_eq(records.ttl, 0);
}
END_TEST

START_TEST(test_every_cut)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    put_head(bytes, 2);
    put_record(bytes, 33, 30, "\0\1\0\x0a\x27\x10\5sts-0\xc0\x10", 14);
    put_record(bytes, 33, 30, "\0\1\0\x0a\x27\x10\5sts-1\xc0\x10", 14);
    for (guint size = 0; size < bytes->len; size++) {
        g_auto(HgDnsRecords) records = {0};
        ck_assert_msg(!read_bytes(bytes, size, HG_DNS_SRV, &records), "%u bytes were taken", size);
        ck_assert_ptr_null(records.targets);
    }
}
END_TEST

static const struct {
    guint8 type;
    const char *data;
    guint8 size;
} malformed[] = {
    {1, "\x0a\1\0", 3},
    {1, "\x0a\1\0\5\6", 5},
    {28, "\x0a\1\0\5", 4},
    {33, "\0\0\0\0\0\1", 6},         /* no target */
    {33, "\0\0\0\0\0\1\5ab", 9},     /* a label that is longer than the data */
    {33, "\0\0\0\0\0\1\xc0\x31", 8}, /* a pointer to itself */
    {33, "\0\0\0\0\0\1\xc0\xff", 8}, /* a pointer beyond the end */
    {33, "\0\0\0\0\0\1\x41z", 8},    /* a label of an unknown kind */
};

START_TEST(test_malformed)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_auto(HgDnsRecords) records = {0};
    put_head(bytes, 1);
    put_record(bytes, malformed[_i].type, 1, malformed[_i].data, malformed[_i].size);
    ck_assert(!read_bytes(bytes, bytes->len, (HgDnsType)malformed[_i].type, &records));
}
END_TEST

Suite *dns_message_suite(void)
{
    Suite *suite = suite_create("dns_message");
    TCase *tests = tcase_create("messages");
    tcase_add_test(tests, test_addresses);
    tcase_add_test(tests, test_targets);
    tcase_add_test(tests, test_every_cut);
    tcase_add_loop_test(tests, test_malformed, 0, G_N_ELEMENTS(malformed));
    suite_add_tcase(suite, tests);
    return suite;
}

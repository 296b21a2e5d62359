/* Tests of audit/record and audit/crc32c: known values, every changed byte, every short length. */
#include "audit/crc32c.h"
#include "audit/record.h"
#include "suites.h"

#define PAYLOAD "{\"kind\":\"gap\"}"

/* A sealed record; returns its size. */
static gsize seal(guint8 *out)
{
    g_autoptr(HgChain) chain = hg_chain_new();
    HgAuditHash zeros = {{0}};
    HgRecord record = {.kind = HG_AUDIT_GAP,
                       .sequence = 1,
                       .id = {{1, 2, 3}},
                       .statement_id = {{4, 5}},
                       .payload = hg_slice_from_string(PAYLOAD)};
    hg_chain_next(chain, &zeros, 1, record.payload, &record.hash);
    memcpy(out + HG_RECORD_HEAD, PAYLOAD, strlen(PAYLOAD));
    hg_record_seal(&record, out);
    return HG_RECORD_HEAD + strlen(PAYLOAD);
}

START_TEST(test_checksum)
{
    guint8 bytes[67];
    ck_assert_uint_eq(hg_audit_crc32c(hg_slice(NULL, 0)), 0);
    ck_assert_uint_eq(hg_audit_crc32c(hg_slice_from_string("123456789")),
                      0xe3069283); /* RFC 3720's */
    for (guint i = 0; i < sizeof bytes; i++)
        bytes[i] = (guint8)(i * 37);
    for (guint size = 0; size <= sizeof bytes; size++)
        ck_assert_uint_eq(hg_audit_crc32c(hg_slice(bytes, size)),
                          hg_audit_crc32c_portable(hg_slice(bytes, size)));
}
END_TEST

START_TEST(test_chain_is_sha256)
{
    g_autoptr(HgChain) chain = hg_chain_new();
    g_autoptr(GChecksum) other = g_checksum_new(G_CHECKSUM_SHA256);
    HgAuditHash before, hash;
    char text[HG_AUDIT_HASH_TEXT];
    guint8 number[8] = {0x02, 0x01};
    memset(&before, 0xa5, sizeof before);
    hg_chain_next(chain, &before, 0x102, hg_slice_from_string("payload"), &hash);
    g_checksum_update(other, before.bytes, 32);
    g_checksum_update(other, number, 8);
    g_checksum_update(other, (const guchar *)"payload", 7);
    hg_audit_hash_print(&hash, text);
    ck_assert_str_eq(text, g_checksum_get_string(other));
}
END_TEST

START_TEST(test_comes_out_as_it_went_in)
{
    guint8 bytes[256];
    gsize size = seal(bytes), read = 0;
    HgRecord record;
    ck_assert_int_eq(hg_record_read(hg_slice(bytes, size), &record, &read), HG_RECORD_OK);
    ck_assert_uint_eq(read, size);
    ck_assert_uint_eq(record.kind, HG_AUDIT_GAP);
    ck_assert_uint_eq(record.sequence, 1);
    ck_assert_uint_eq(record.id.bytes[2], 3);
    ck_assert_uint_eq(record.statement_id.bytes[1], 5);
    ck_assert(hg_slice_equal_string(record.payload, PAYLOAD));
}
END_TEST

START_TEST(test_any_changed_byte_is_noticed)
{
    guint8 bytes[256];
    gsize size = seal(bytes), read;
    HgRecord record;
    for (gsize i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        ck_assert_int_ne(hg_record_read(hg_slice(bytes, size), &record, &read), HG_RECORD_OK);
        bytes[i] ^= 0x10;
    }
}
END_TEST

START_TEST(test_any_short_one_is_short)
{
    guint8 bytes[256];
    gsize size = seal(bytes), read;
    HgRecord record;
    for (gsize i = 0; i < size; i++) {
        ck_assert_int_eq(hg_record_read(hg_slice(bytes, i), &record, &read), HG_RECORD_SHORT);
        ck_assert_uint_gt(read, i);
        ck_assert_uint_le(read, size);
    }
}
END_TEST

START_TEST(test_size_is_bounded)
{
    guint8 bytes[HG_RECORD_HEAD] = "HGR1";
    HgRecord record;
    gsize read;
    memset(bytes + 8, 0xff, 4);
    ck_assert_int_eq(hg_record_read(hg_slice(bytes, sizeof bytes), &record, &read), HG_RECORD_BAD);
}
END_TEST

Suite *record_suite(void)
{
    Suite *suite = suite_create("record");
    TCase *tests = tcase_create("record");
    tcase_add_test(tests, test_checksum);
    tcase_add_test(tests, test_chain_is_sha256);
    tcase_add_test(tests, test_comes_out_as_it_went_in);
    tcase_add_test(tests, test_any_changed_byte_is_noticed);
    tcase_add_test(tests, test_any_short_one_is_short);
    tcase_add_test(tests, test_size_is_bounded);
    suite_add_tcase(suite, tests);
    return suite;
}

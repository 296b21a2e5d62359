/* Tests of audit/stamp: the form of ids, their order, clocks that jump, and threads. */
#include "audit/stamp.h"
#include "suites.h"

#include <pthread.h>
#include <string.h>

typedef struct {
    gint64 wall_us;
    gint64 mono_us;
} Hands;

static void read_hands(void *data, gint64 *wall_us, gint64 *mono_us, gboolean *synchronized)
{
    Hands *hands = data;
    *wall_us = hands->wall_us;
    *mono_us = hands->mono_us;
    *synchronized = TRUE;
}

static int compare(const HgAuditStamp *a, const HgAuditStamp *b)
{
    return memcmp(&a->id, &b->id, sizeof a->id);
}

START_TEST(test_form_of_an_id)
{
    Hands hands = {.wall_us = G_GINT64_CONSTANT(1763716800123456), .mono_us = 77};
    g_autoptr(HgAuditClock) clock = hg_audit_clock_new(read_hands, &hands);
    HgAuditStamp stamp;
    HgAuditId again;
    char text[HG_AUDIT_ID_TEXT];
    hg_audit_clock_stamp(clock, &stamp);
    ck_assert_int_eq(stamp.wall_us, hands.wall_us);
    ck_assert_int_eq(stamp.mono_us, 77);
    ck_assert_int_eq(stamp.source, HG_TIME_SYNCHRONIZED);
    hg_audit_id_print(&stamp.id, text);
    ck_assert_uint_eq(strlen(text), 36);
    ck_assert_int_eq(text[14], '7');
    ck_assert(strchr("89ab", text[19]) != NULL);
    ck_assert(g_str_has_prefix(text, "019aa5b6-9e7b-7"));
    ck_assert(hg_audit_id_parse(text, &again));
    ck_assert_mem_eq(&again, &stamp.id, sizeof again);
    ck_assert_int_eq(hg_audit_id_day(&stamp.id), 20413); /* 2025-11-21 */
    ck_assert(!hg_audit_id_is_none(&stamp.id));
}
END_TEST

START_TEST(test_what_is_no_id)
{
    HgAuditId id;
    ck_assert(!hg_audit_id_parse("", &id));
    ck_assert(!hg_audit_id_parse("019aa5dd-107b-7000-8000-00000000000", &id));
    ck_assert(!hg_audit_id_parse("019aa5dd-107b-7000-8000-0000000000000", &id));
    ck_assert(!hg_audit_id_parse("019aa5dd1107b-7000-8000-000000000000", &id));
    ck_assert(!hg_audit_id_parse("019aa5dd-107b-7000-8000-00000000000g", &id));
    ck_assert(hg_audit_id_parse("00000000-0000-0000-0000-000000000000", &id));
    ck_assert(hg_audit_id_is_none(&id));
}
END_TEST

START_TEST(test_ids_of_one_moment_grow)
{
    Hands hands = {.wall_us = G_GINT64_CONSTANT(1763716800000000)};
    g_autoptr(HgAuditClock) clock = hg_audit_clock_new(read_hands, &hands);
    HgAuditStamp last, next;
    hg_audit_clock_stamp(clock, &last);
    for (guint i = 0; i < 100000; i++, last = next) {
        hg_audit_clock_stamp(clock, &next);
        if (compare(&last, &next) >= 0)
            ck_abort_msg("id %u doesn't grow", i);
    }
    ck_assert_int_eq(hg_audit_id_day(&last.id), 20413);
}
END_TEST

START_TEST(test_a_clock_that_goes_back_a_little)
{
    Hands hands = {.wall_us = G_GINT64_CONSTANT(1763716800500000)};
    g_autoptr(HgAuditClock) clock = hg_audit_clock_new(read_hands, &hands);
    HgAuditStamp before, after;
    hg_audit_clock_stamp(clock, &before);
    hands.wall_us -= 400000;
    hg_audit_clock_stamp(clock, &after);
    ck_assert_int_lt(compare(&before, &after), 0);
    ck_assert_int_eq(after.wall_us, hands.wall_us);
    ck_assert_int_eq(after.source, HG_TIME_STEPPED_BACK);
    hands.wall_us += 500000;
    hg_audit_clock_stamp(clock, &before);
    ck_assert_int_lt(compare(&after, &before), 0);
    ck_assert_int_eq(before.source, HG_TIME_SYNCHRONIZED);
}
END_TEST

/* Ids must not stay in a future that was a mistake: their day is a partition. */
START_TEST(test_a_clock_that_goes_back_far)
{
    Hands hands = {.wall_us = G_GINT64_CONSTANT(1763716800000000)};
    g_autoptr(HgAuditClock) clock = hg_audit_clock_new(read_hands, &hands);
    HgAuditStamp far, back;
    hands.wall_us += G_GINT64_CONSTANT(10) * 86400 * G_USEC_PER_SEC;
    hg_audit_clock_stamp(clock, &far);
    ck_assert_int_eq(hg_audit_id_day(&far.id), 20423);
    hands.wall_us -= G_GINT64_CONSTANT(10) * 86400 * G_USEC_PER_SEC;
    hg_audit_clock_stamp(clock, &back);
    ck_assert_int_eq(hg_audit_id_day(&back.id), 20413);
    ck_assert_int_eq(back.source, HG_TIME_STEPPED_BACK);
}
END_TEST

START_TEST(test_the_machines_own_clock)
{
    g_autoptr(HgAuditClock) clock = hg_audit_clock_new(NULL, NULL);
    HgAuditStamp stamp;
    hg_audit_clock_stamp(clock, &stamp);
    ck_assert_int_gt(stamp.wall_us, G_GINT64_CONSTANT(1577836800000000)); /* 2020 */
    ck_assert_int_gt(stamp.mono_us, 0);
    ck_assert(stamp.source != HG_TIME_STEPPED_BACK);
}
END_TEST

#define OF_ONE 20000

typedef struct {
    HgAuditClock *clock;
    HgAuditId ids[OF_ONE];
} Minter;

static void *mint(void *data)
{
    Minter *minter = data;
    for (guint i = 0; i < OF_ONE; i++) {
        HgAuditStamp stamp;
        hg_audit_clock_stamp(minter->clock, &stamp);
        minter->ids[i] = stamp.id;
    }
    return NULL;
}

static guint hash_id(gconstpointer id)
{
    return g_bytes_hash(id);
}

START_TEST(test_threads_never_get_the_same)
{
    g_autoptr(HgAuditClock) clock = hg_audit_clock_new(NULL, NULL);
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(hash_id, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    Minter *minters = g_new0(Minter, 4);
    pthread_t threads[4];
    for (guint i = 0; i < 4; i++) {
        minters[i].clock = clock;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, mint, &minters[i]), 0);
    }
    for (guint i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (guint i = 0; i < 4; i++)
        for (guint j = 0; j < OF_ONE; j++)
            g_hash_table_add(seen, g_bytes_new(&minters[i].ids[j], sizeof(HgAuditId)));
    ck_assert_uint_eq(g_hash_table_size(seen), 4 * OF_ONE);
    g_free(minters);
}
END_TEST

Suite *stamp_suite(void)
{
    Suite *suite = suite_create("stamp");
    TCase *tests = tcase_create("stamp");
    tcase_add_test(tests, test_form_of_an_id);
    tcase_add_test(tests, test_what_is_no_id);
    tcase_add_test(tests, test_ids_of_one_moment_grow);
    tcase_add_test(tests, test_a_clock_that_goes_back_a_little);
    tcase_add_test(tests, test_a_clock_that_goes_back_far);
    tcase_add_test(tests, test_the_machines_own_clock);
    tcase_add_test(tests, test_threads_never_get_the_same);
    suite_add_tcase(suite, tests);
    return suite;
}

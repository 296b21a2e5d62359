/* Tests of base/buffer: contents against a plain array through random use, headroom, cap, budget.
 */
#include "base/buffer.h"
#include "suites.h"

#define ANY_SIZE G_MAXINT32

static HgSlice contents(const HgBuffer *buffer)
{
    return hg_slice(hg_buffer_data(buffer), hg_buffer_size(buffer));
}

/* What the buffer owns is what it took from its budget; its headroom is there to be written. */
static void check_books(HgBuffer *buffer)
{
    gsize owned = buffer->bytes != NULL ? HG_BUFFER_HEADROOM + buffer->capacity : 0;
    ck_assert_uint_eq(hg_budget_used(buffer->budget), owned);
    ck_assert_uint_le(buffer->start, buffer->end);
    ck_assert_uint_le(buffer->end, buffer->capacity);
    if (buffer->bytes != NULL)
        memset(hg_buffer_data(buffer) - HG_BUFFER_HEADROOM, 0xaa, HG_BUFFER_HEADROOM);
    else
        ck_assert_ptr_null(hg_buffer_data(buffer));
}

START_TEST(test_an_empty_buffer_owns_nothing)
{
    HgBudget budget;
    hg_budget_init(&budget, 0);
    HgBuffer buffer;
    hg_buffer_init(&buffer, &budget);
    ck_assert_uint_eq(hg_buffer_size(&buffer), 0);
    check_books(&buffer);
    ck_assert(hg_buffer_append(&buffer, hg_slice(NULL, 0), 0));
    check_books(&buffer);
    hg_buffer_consume(&buffer, 0);
    hg_buffer_clear(&buffer);
    check_books(&buffer);
}
END_TEST

START_TEST(test_bytes_come_out_as_they_went_in)
{
    HgBudget budget;
    hg_budget_init(&budget, 0);
    HgBuffer buffer;
    hg_buffer_init(&buffer, &budget);
    ck_assert(hg_buffer_append(&buffer, hg_slice_from_string("hello "), ANY_SIZE));
    ck_assert(hg_buffer_append(&buffer, hg_slice_from_string("world"), ANY_SIZE));
    check_books(&buffer);
    ck_assert(hg_slice_equal_string(contents(&buffer), "hello world"));
    hg_buffer_consume(&buffer, 6);
    check_books(&buffer);
    ck_assert(hg_slice_equal_string(contents(&buffer), "world"));
    hg_buffer_consume(&buffer, 5);
    ck_assert_uint_eq(hg_buffer_size(&buffer), 0);
    check_books(&buffer);
    ck_assert_uint_eq(hg_budget_used(&budget), 0);
}
END_TEST

START_TEST(test_reserve_and_commit)
{
    HgBuffer buffer;
    hg_buffer_init(&buffer, NULL);
    ck_assert(hg_buffer_reserve(&buffer, 10, ANY_SIZE));
    ck_assert_uint_ge(hg_buffer_room(&buffer), 10);
    memcpy(hg_buffer_tail(&buffer), "0123456789", 10);
    hg_buffer_commit(&buffer, 7);
    ck_assert(hg_slice_equal_string(contents(&buffer), "0123456"));
    ck_assert(hg_buffer_reserve(&buffer, 0, ANY_SIZE));
    ck_assert(hg_slice_equal_string(contents(&buffer), "0123456"));
    hg_buffer_clear(&buffer);
}
END_TEST

START_TEST(test_cap_to_the_byte)
{
    HgBuffer buffer;
    hg_buffer_init(&buffer, NULL);
    ck_assert(hg_buffer_append(&buffer, hg_slice_from_string("12345"), 10));
    ck_assert(!hg_buffer_reserve(&buffer, 6, 10));
    ck_assert(!hg_buffer_append(&buffer, hg_slice_from_string("123456"), 10));
    ck_assert(hg_slice_equal_string(contents(&buffer), "12345"));
    ck_assert(hg_buffer_append(&buffer, hg_slice_from_string("67890"), 10));
    ck_assert(!hg_buffer_append(&buffer, hg_slice_from_string("x"), 10));
    ck_assert(!hg_buffer_reserve(&buffer, G_MAXSIZE, 10));
    ck_assert(!hg_buffer_reserve(&buffer, 1, 5)); /* a cap below what is held */
    hg_buffer_consume(&buffer, 3);
    ck_assert(hg_buffer_append(&buffer, hg_slice_from_string("abc"), 10));
    ck_assert(hg_slice_equal_string(contents(&buffer), "4567890abc"));
    hg_buffer_clear(&buffer);
}
END_TEST

START_TEST(test_sizes_that_no_memory_holds)
{
    HgBuffer buffer;
    hg_buffer_init(&buffer, NULL);
    static const gsize sizes[] = {G_MAXSIZE, G_MAXSIZE - HG_BUFFER_HEADROOM, G_MAXSIZE / 2 + 2,
                                  G_MAXSSIZE};
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
        ck_assert(!hg_buffer_reserve(&buffer, sizes[i], G_MAXSIZE));
    ck_assert(hg_buffer_append(&buffer, hg_slice_from_string("kept"), G_MAXSIZE));
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
        ck_assert(!hg_buffer_reserve(&buffer, sizes[i] - 4, G_MAXSIZE));
    ck_assert(hg_slice_equal_string(contents(&buffer), "kept"));
    hg_buffer_clear(&buffer);
}
END_TEST

START_TEST(test_a_spent_budget_leaves_the_contents)
{
    HgBudget budget;
    hg_budget_init(&budget, 1100);
    HgBuffer buffer;
    hg_buffer_init(&buffer, &budget);
    ck_assert(hg_buffer_append(&buffer, hg_slice_from_string("kept"), ANY_SIZE));
    ck_assert(!hg_buffer_reserve(&buffer, 2000, ANY_SIZE));
    ck_assert(hg_slice_equal_string(contents(&buffer), "kept"));
    check_books(&buffer);
    HgBuffer other;
    hg_buffer_init(&other, &budget);
    ck_assert(!hg_buffer_reserve(&other, 1000, ANY_SIZE));
    ck_assert_ptr_null(hg_buffer_data(&other));
    check_books(&buffer);
    hg_buffer_clear(&buffer);
    ck_assert(hg_buffer_reserve(&other, 1000, ANY_SIZE));
    hg_buffer_clear(&other);
    ck_assert_uint_eq(hg_budget_used(&budget), 0);
}
END_TEST

START_TEST(test_growth_is_not_quadratic)
{
    HgBuffer buffer;
    hg_buffer_init(&buffer, NULL);
    guint moves = 0;
    const guint8 *block = NULL;
    for (guint i = 0; i < 100000; i++) {
        if (!hg_buffer_append(&buffer, hg_slice("0123456789", 10), ANY_SIZE))
            ck_abort();
        moves += buffer.bytes != block;
        block = buffer.bytes;
    }
    ck_assert_uint_lt(moves, 20);
    ck_assert_uint_le(buffer.capacity, 2 * hg_buffer_size(&buffer));
    hg_buffer_clear(&buffer);
}
END_TEST

/* A stream that is read and written by turns doesn't grow with what has passed through it. */
START_TEST(test_a_long_stream_needs_little)
{
    HgBudget budget;
    hg_budget_init(&budget, 8192);
    HgBuffer buffer;
    hg_buffer_init(&buffer, &budget);
    ck_assert(hg_buffer_append(&buffer, hg_slice_from_string("ahead"), ANY_SIZE));
    for (guint i = 0; i < 100000; i++) {
        if (!hg_buffer_append(&buffer, hg_slice("0123456789", 10), ANY_SIZE))
            ck_abort_msg("refused after %u rounds", i);
        hg_buffer_consume(&buffer, 10);
    }
    ck_assert_uint_eq(hg_buffer_size(&buffer), 5);
    hg_buffer_clear(&buffer);
}
END_TEST

START_TEST(test_random_use_against_an_array)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    g_autoptr(GByteArray) model = g_byte_array_new();
    HgBudget budget;
    hg_budget_init(&budget, 20000);
    HgBuffer buffer;
    hg_buffer_init(&buffer, &budget);
    guint8 bytes[3000];
    for (guint i = 0; i < sizeof bytes; i++)
        bytes[i] = (guint8)g_rand_int(rand);
    for (guint round = 0; round < 3000; round++) {
        gsize size = (gsize)g_rand_int_range(rand, 0, sizeof bytes);
        switch (g_rand_int_range(rand, 0, 4)) {
        case 0:
        case 1:
            if (hg_buffer_append(&buffer, hg_slice(bytes, size), 9000))
                g_byte_array_append(model, bytes, (guint)size);
            else
                ck_assert(model->len + size > 9000 || hg_budget_used(&budget) + size > 10000);
            break;
        case 2:
            size = MIN(size, model->len);
            hg_buffer_consume(&buffer, size);
            if (size > 0)
                g_byte_array_remove_range(model, 0, (guint)size);
            break;
        default:
            if (g_rand_int_range(rand, 0, 20) == 0) {
                hg_buffer_clear(&buffer);
                g_byte_array_set_size(model, 0);
            }
            break;
        }
        check_books(&buffer);
        ck_assert(hg_slice_equal(contents(&buffer), hg_slice(model->data, model->len)));
    }
    hg_buffer_clear(&buffer);
    ck_assert_uint_eq(hg_budget_used(&budget), 0);
}
END_TEST

Suite *buffer_suite(void)
{
    Suite *suite = suite_create("base/buffer");
    TCase *tcase = tcase_create("buffer");
    tcase_add_test(tcase, test_an_empty_buffer_owns_nothing);
    tcase_add_test(tcase, test_bytes_come_out_as_they_went_in);
    tcase_add_test(tcase, test_reserve_and_commit);
    tcase_add_test(tcase, test_cap_to_the_byte);
    tcase_add_test(tcase, test_sizes_that_no_memory_holds);
    tcase_add_test(tcase, test_a_spent_budget_leaves_the_contents);
    tcase_add_test(tcase, test_growth_is_not_quadratic);
    tcase_add_test(tcase, test_a_long_stream_needs_little);
    tcase_add_test(tcase, test_random_use_against_an_array);
    suite_add_tcase(suite, tcase);
    return suite;
}

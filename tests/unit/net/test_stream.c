/* Tests of net/stream: reading, writing, the end, errors, changing what is wanted, and closing from
 * inside the callback. */
#include "harness/loops.h"
#include "harness/sockets.h"
#include "harness/tap.h"
#include "net/stream.h"
#include "suites.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    HgStream *stream;
    guint calls;
    guint ready; /* all that it was ready for */
    gboolean close_inside;
} Owner;

static HgLoop *loop;

static void setup(void)
{
    tap_reset();
    loop = hg_loop_new(NULL);
}

static void teardown(void)
{
    hg_loop_free(loop);
    tap_reset();
}

static void on_ready(void *data, HgWant ready)
{
    Owner *owner = data;
    owner->calls++;
    owner->ready |= ready;
    if (owner->close_inside)
        hg_stream_close(g_steal_pointer(&owner->stream));
    else
        hg_stream_want(owner->stream, HG_WANT_NOTHING);
}

/* A stream over one end of a pair; *peer is the other end. */
static void make_stream(Owner *owner, gboolean tcp, int *peer)
{
    int ours;
    make_pair(tcp, &ours, peer);
    owner->stream = hg_stream_new(loop, ours, NULL, NULL, on_ready, owner, NULL);
    ck_assert_ptr_nonnull(owner->stream);
}

START_TEST(test_reads_what_came)
{
    Owner owner = {0};
    int peer;
    make_stream(&owner, _i == 1, &peer);
    guint8 bytes[16];
    gsize done = 77;
    ck_assert_int_eq(hg_stream_read(owner.stream, bytes, sizeof bytes, &done), HG_IO_AGAIN);
    ck_assert_uint_eq(done, 77);
    write_all(peer, hg_slice_from_string("hello"));
    hg_stream_want(owner.stream, HG_WANT_READ);
    TURN_UNTIL(loop, owner.calls > 0);
    ck_assert_uint_eq(owner.ready, HG_WANT_READ);
    ck_assert_int_eq(hg_stream_read(owner.stream, bytes, 3, &done), HG_IO_OK);
    ck_assert_uint_eq(done, 3);
    ck_assert_int_eq(hg_stream_read(owner.stream, bytes + 3, 13, &done), HG_IO_OK);
    ck_assert_mem_eq(bytes, "hello", 5);
    hg_stream_close(owner.stream);
    close(peer);
}
END_TEST

START_TEST(test_looking_without_taking)
{
    Owner owner = {0};
    int peer;
    make_stream(&owner, _i == 1, &peer);
    guint8 bytes[16];
    gsize done = 77;
    ck_assert_int_eq(hg_stream_peek(owner.stream, bytes, sizeof bytes, &done), HG_IO_AGAIN);
    ck_assert_uint_eq(done, 77);
    write_all(peer, hg_slice_from_string("hello"));
    hg_stream_want(owner.stream, HG_WANT_READ);
    TURN_UNTIL(loop, owner.calls > 0);
    for (guint i = 0; i < 2; i++) {
        ck_assert_int_eq(hg_stream_peek(owner.stream, bytes, 3 + i, &done), HG_IO_OK);
        ck_assert_uint_eq(done, 3 + i);
        ck_assert_mem_eq(bytes, "hello", 3 + i);
    }
    ck_assert_int_eq(hg_stream_read(owner.stream, bytes, 4, &done), HG_IO_OK);
    ck_assert_int_eq(hg_stream_peek(owner.stream, bytes, sizeof bytes, &done), HG_IO_OK);
    ck_assert_uint_eq(done, 1);
    close(peer);
    ck_assert_int_eq(hg_stream_peek(owner.stream, bytes, sizeof bytes, &done), HG_IO_OK);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(hg_stream_read(owner.stream, bytes, 1, &done), HG_IO_OK);
    TURN_UNTIL(loop, hg_stream_peek(owner.stream, bytes, 1, &done) == HG_IO_END);
    hg_stream_close(owner.stream);
}
END_TEST

START_TEST(test_end_and_reset)
{
    Owner owner = {0};
    int peer;
    make_stream(&owner, TRUE, &peer);
    hg_stream_want(owner.stream, HG_WANT_READ);
    if (_i == 0)
        close(peer);
    else
        close_with_reset(peer);
    TURN_UNTIL(loop, owner.calls > 0);
    guint8 byte;
    gsize done;
    HgIo io = hg_stream_read(owner.stream, &byte, 1, &done);
    ck_assert_int_eq(io, _i == 0 ? HG_IO_END : HG_IO_ERROR);
    if (_i == 1)
        ck_assert_int_eq(hg_stream_error(owner.stream), ECONNRESET);
    hg_stream_close(owner.stream);
}
END_TEST

START_TEST(test_writes_until_full_then_tells_when_there_is_room)
{
    Owner owner = {0};
    int peer;
    make_stream(&owner, TRUE, &peer);
    static guint8 block[64 * 1024];
    gsize total = 0, done = 0;
    while (hg_stream_write(owner.stream, hg_slice(block, sizeof block), &done) == HG_IO_OK)
        total += done;
    hg_stream_want(owner.stream, HG_WANT_WRITE);
    turn(loop);
    ck_assert_uint_eq(owner.calls, 0);
    g_autoptr(GByteArray) got = g_byte_array_new();
    TURN_UNTIL(loop, (read_available(peer, got), owner.calls > 0));
    ck_assert_uint_eq(owner.ready, HG_WANT_WRITE);
    ck_assert_int_eq(hg_stream_write(owner.stream, hg_slice(block, 1), &done), HG_IO_OK);
    hg_stream_end_writing(owner.stream);
    while (read_available(peer, got))
        ;
    ck_assert_uint_eq(got->len, total + 1);
    hg_stream_close(owner.stream);
    close(peer);
}
END_TEST

START_TEST(test_short_and_empty_calls)
{
    Owner owner = {0};
    int peer;
    make_stream(&owner, FALSE, &peer);
    tap_cap(TAP_SEND, 2);
    gsize done = 0;
    ck_assert_int_eq(hg_stream_write(owner.stream, hg_slice_from_string("abcd"), &done), HG_IO_OK);
    ck_assert_uint_eq(done, 2);
    tap_again_every(TAP_SEND, 1);
    ck_assert_int_eq(hg_stream_write(owner.stream, hg_slice_from_string("cd"), &done), HG_IO_AGAIN);
    tap_reset();
    tap_break_at(TAP_SEND, 1, EPIPE);
    ck_assert_int_eq(hg_stream_write(owner.stream, hg_slice_from_string("cd"), &done), HG_IO_ERROR);
    ck_assert_int_eq(hg_stream_error(owner.stream), EPIPE);
    hg_stream_close(owner.stream);
    close(peer);
}
END_TEST

/* As if they were one run of bytes, wherever the kernel stops. */
START_TEST(test_parts)
{
    Owner owner = {0};
    int peer;
    make_stream(&owner, FALSE, &peer);
    HgSlice parts[HG_STREAM_PARTS] = {hg_slice(NULL, 0), hg_slice_from_string("ab"),
                                      hg_slice(NULL, 0), hg_slice_from_string("cdefg")};
    tap_cap(TAP_SEND, (gsize)_i);
    gsize done = 0;
    ck_assert_int_eq(hg_stream_write_parts(owner.stream, parts, HG_STREAM_PARTS, &done), HG_IO_OK);
    ck_assert_uint_eq(done, _i == 0 ? 7 : (gsize)MIN(_i, 7));
    tap_reset();
    hg_stream_end_writing(owner.stream);
    g_autoptr(GByteArray) got = g_byte_array_new();
    while (read_available(peer, got))
        ;
    ck_assert_uint_eq(got->len, done);
    ck_assert_mem_eq(got->data, "abcdefg", done);
    tap_break_at(TAP_SEND, 1, EPIPE);
    ck_assert_int_eq(hg_stream_write_parts(owner.stream, parts, HG_STREAM_PARTS, &done),
                     HG_IO_ERROR);
    hg_stream_close(owner.stream);
    close(peer);
}
END_TEST

START_TEST(test_closing_inside_the_callback)
{
    Owner owner = {.close_inside = TRUE};
    int peer;
    make_stream(&owner, TRUE, &peer);
    write_all(peer, hg_slice_from_string("x"));
    hg_stream_want(owner.stream, HG_WANT_READ | HG_WANT_WRITE);
    TURN_UNTIL(loop, owner.calls > 0);
    turn_for(loop, 20);
    ck_assert_uint_eq(owner.calls, 1);
    ck_assert_ptr_null(owner.stream);
    close(peer);
}
END_TEST

START_TEST(test_hangup_without_reading)
{
    Owner owner = {0};
    int peer;
    make_stream(&owner, TRUE, &peer);
    write_all(peer, hg_slice_from_string("unread"));
    hg_stream_want(owner.stream, HG_WANT_HANGUP);
    turn_for(loop, 20);
    ck_assert_uint_eq(owner.calls, 0);
    close(peer);
    TURN_UNTIL(loop, owner.calls > 0);
    ck_assert_uint_eq(owner.ready & HG_WANT_HANGUP, HG_WANT_HANGUP);
    hg_stream_close(owner.stream);
}
END_TEST

START_TEST(test_another_owner_and_breaking)
{
    Owner first = {0}, second = {0};
    int peer;
    make_stream(&first, TRUE, &peer);
    second.stream = first.stream;
    hg_stream_set_owner(first.stream, on_ready, &second);
    hg_stream_want(second.stream, HG_WANT_READ);
    hg_stream_break(second.stream);
    TURN_UNTIL(loop, second.calls > 0);
    ck_assert_uint_eq(first.calls, 0);
    guint8 byte;
    gsize done;
    ck_assert_int_eq(hg_stream_read(second.stream, &byte, 1, &done), HG_IO_END);
    hg_stream_close(second.stream);
    close(peer);
}
END_TEST

START_TEST(test_abort_resets_the_peer)
{
    Owner owner = {0};
    int peer;
    make_stream(&owner, TRUE, &peer);
    guint before = count_descriptors();
    hg_stream_abort(owner.stream);
    TURN_UNTIL(loop, count_descriptors() == before - 1);
    guint8 byte;
    ck_assert_int_eq(read(peer, &byte, 1), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    close(peer);
    hg_stream_close(NULL);
    hg_stream_abort(NULL);
}
END_TEST

Suite *stream_suite(void)
{
    Suite *suite = suite_create("net/stream");
    TCase *tests = tcase_create("stream");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_reads_what_came, 0, 2);
    tcase_add_loop_test(tests, test_looking_without_taking, 0, 2);
    tcase_add_loop_test(tests, test_end_and_reset, 0, 2);
    tcase_add_test(tests, test_writes_until_full_then_tells_when_there_is_room);
    tcase_add_test(tests, test_short_and_empty_calls);
    tcase_add_loop_test(tests, test_parts, 0, 9);
    tcase_add_test(tests, test_closing_inside_the_callback);
    tcase_add_test(tests, test_hangup_without_reading);
    tcase_add_test(tests, test_another_owner_and_breaking);
    tcase_add_test(tests, test_abort_resets_the_peer);
    suite_add_tcase(suite, tests);
    return suite;
}

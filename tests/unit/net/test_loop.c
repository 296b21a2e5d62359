/* Tests of net/loop: the letter box (order, many threads, what a stop refuses and what it still
 * runs), and when hg_loop_run() returns. */
#include "harness/loops.h"
#include "harness/sockets.h"
#include "net/loop.h"
#include "net/stream.h"
#include "suites.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* A task that notes its number on a list. */
typedef struct {
    HgTask task;
    GArray *list;
    guint number;
} Note;

static void write_note(HgTask *task)
{
    Note *note = (Note *)(void *)task;
    g_array_append_val(note->list, note->number);
}

static Note make_note(GArray *list, guint number)
{
    return (Note){.task = {.run = write_note}, .list = list, .number = number};
}

static void assert_counted_up(const GArray *list, guint count)
{
    ck_assert_uint_eq(list->len, count);
    for (guint i = 0; i < count; i++)
        HOLDS(g_array_index(list, guint, i) == i);
}

START_TEST(test_tasks_run_in_order_and_once)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(guint));
    HgLoop *loop = hg_loop_new(NULL);
    Note notes[100];
    for (guint i = 0; i < G_N_ELEMENTS(notes); i++) {
        notes[i] = make_note(list, i);
        ck_assert(hg_loop_post(loop, &notes[i].task));
    }
    ck_assert_uint_eq(list->len, 0);
    TURN_UNTIL(loop, list->len >= G_N_ELEMENTS(notes));
    turn_for(loop, 5);
    assert_counted_up(list, G_N_ELEMENTS(notes));
    hg_loop_stop(loop);
    hg_loop_run(loop);
    hg_loop_free(loop);
}
END_TEST

/* A task that posts others, and may then stop the loop. */
typedef struct {
    Note note;
    HgLoop *loop;
    Note later[2];
    gboolean stops;
} Chain;

static void run_chain(HgTask *task)
{
    Chain *chain = (Chain *)(void *)task;
    write_note(task);
    for (guint i = 0; i < G_N_ELEMENTS(chain->later); i++) {
        chain->later[i] = make_note(chain->note.list, chain->note.number + 2 + i);
        HOLDS(hg_loop_post(chain->loop, &chain->later[i].task));
    }
    if (chain->stops)
        hg_loop_stop(chain->loop);
}

/* The task 0 posts 2 and 3 while 1 waits already: 1 comes first, also when 0 stops the loop. */
START_TEST(test_tasks_posted_by_a_task_come_behind_those_that_wait)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(guint));
    HgLoop *loop = hg_loop_new(NULL);
    Chain chain = {.note = make_note(list, 0), .loop = loop, .stops = _i == 1};
    chain.note.task.run = run_chain;
    Note second = make_note(list, 1);
    ck_assert(hg_loop_post(loop, &chain.note.task));
    ck_assert(hg_loop_post(loop, &second.task));
    TURN_UNTIL(loop, list->len >= 4);
    assert_counted_up(list, 4);
    hg_loop_stop(loop);
    hg_loop_run(loop);
    assert_counted_up(list, 4);
    hg_loop_free(loop);
}
END_TEST

START_TEST(test_a_stopped_loop_runs_what_was_posted_and_refuses_the_rest)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(guint));
    HgLoop *loop = hg_loop_new(NULL);
    Note first = make_note(list, 0);
    Note second = make_note(list, 1);
    Note late = make_note(list, 2);
    ck_assert(hg_loop_post(loop, &first.task));
    ck_assert(hg_loop_post(loop, &second.task));
    hg_loop_stop(loop);
    assert_counted_up(list, 2);
    ck_assert(!hg_loop_post(loop, &late.task));
    hg_loop_stop(loop); /* a second time changes nothing */
    hg_loop_run(loop);
    ck_assert(!hg_loop_post(loop, &late.task));
    assert_counted_up(list, 2);
    hg_loop_free(loop);
}
END_TEST

START_TEST(test_loops_that_never_ran_and_none)
{
    hg_loop_free(NULL);
    HgLoop *loop = hg_loop_new(NULL);
    ck_assert_ptr_nonnull(loop);
    hg_loop_free(loop);
}
END_TEST

START_TEST(test_loops_leave_no_descriptor_behind)
{
    HgLoop *first = hg_loop_new(NULL); /* libuv opens some for the process with the first */
    hg_loop_free(first);
    guint before = count_descriptors();
    for (guint i = 0; i < 20; i++) {
        HgLoop *loop = hg_loop_new(NULL);
        turn(loop);
        hg_loop_free(loop);
    }
    ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

/* ---- threads ---- */

#define THREADS 6
#define POSTS   3000

typedef struct {
    HgTask task;
    struct Poster *poster;
    guint number;
    gboolean ran; /* by the loop's thread; read after it has ended */
} Letter;

typedef struct Poster {
    HgLoop *loop;
    pthread_t thread;
    pthread_t *reader;
    guint accepted;
    guint next; /* loop's thread: the number that must come next */
    Letter letters[POSTS];
} Poster;

static void read_letter(HgTask *task)
{
    Letter *letter = (Letter *)(void *)task;
    HOLDS(letter->number == letter->poster->next);
    HOLDS(!letter->ran);
    letter->ran = TRUE;
    letter->poster->next++;
}

/* Posts until all are taken, or the loop refuses: from then on it refuses all. */
static void *post_letters(void *data)
{
    Poster *poster = data;
    for (guint i = 0; i < POSTS; i++) {
        poster->letters[i] = (Letter){.task = {.run = read_letter}, .poster = poster, .number = i};
        if (!hg_loop_post(poster->loop, &poster->letters[i].task))
            break;
        poster->accepted++;
    }
    return NULL;
}

static void *run_loop(void *data)
{
    hg_loop_run(data);
    return NULL;
}

typedef struct {
    HgTask task;
    HgLoop *loop;
} Stop;

static void stop_loop(HgTask *task)
{
    hg_loop_stop(((Stop *)(void *)task)->loop);
}

/* 0: the stop is posted behind everything. 1: it is posted while the others still post; what was
 * accepted runs, what was refused doesn't. */
START_TEST(test_many_threads_post)
{
    HgLoop *loop = hg_loop_new(NULL);
    Poster *posters = g_new0(Poster, THREADS);
    pthread_t runner;
    ck_assert_int_eq(pthread_create(&runner, NULL, run_loop, loop), 0);
    for (guint i = 0; i < THREADS; i++) {
        posters[i].loop = loop;
        ck_assert_int_eq(pthread_create(&posters[i].thread, NULL, post_letters, &posters[i]), 0);
    }
    Stop stop = {.task = {.run = stop_loop}, .loop = loop};
    if (_i == 1)
        ck_assert(hg_loop_post(loop, &stop.task));
    for (guint i = 0; i < THREADS; i++)
        pthread_join(posters[i].thread, NULL);
    if (_i == 0)
        ck_assert(hg_loop_post(loop, &stop.task));
    pthread_join(runner, NULL);
    for (guint i = 0; i < THREADS; i++) {
        ck_assert_uint_eq(posters[i].next, posters[i].accepted);
        if (_i == 0)
            ck_assert_uint_eq(posters[i].accepted, POSTS);
    }
    hg_loop_free(loop);
    g_free(posters);
}
END_TEST

/* ---- what a stop waits for ---- */

typedef struct {
    HgStream *stream;
    atomic_bool closed;
} Holder;

static void close_when_ready(void *owner, HgWant ready)
{
    Holder *holder = owner;
    hg_stream_close(holder->stream);
    atomic_store(&holder->closed, TRUE);
}

START_TEST(test_a_run_goes_on_until_the_last_handle_is_closed)
{
    HgLoop *loop = hg_loop_new(NULL);
    int ours, theirs;
    make_pair(FALSE, &ours, &theirs);
    Holder holder = {.stream = NULL};
    atomic_init(&holder.closed, FALSE);
    holder.stream = hg_stream_new(loop, ours, NULL, NULL, close_when_ready, &holder, NULL);
    hg_stream_want(holder.stream, HG_WANT_READ);
    hg_loop_stop(loop);
    pthread_t runner;
    ck_assert_int_eq(pthread_create(&runner, NULL, run_loop, loop), 0);
    g_usleep(20000); /* long enough for a run that doesn't wait to be over */
    ck_assert(!atomic_load(&holder.closed));
    write_all(theirs, hg_slice_from_string("x"));
    pthread_join(runner, NULL);
    ck_assert(atomic_load(&holder.closed));
    close(theirs);
    hg_loop_free(loop);
}
END_TEST

START_TEST(test_the_clock_goes_forward)
{
    HgLoop *loop = hg_loop_new(NULL);
    guint64 before = hg_loop_now(loop);
    turn_for(loop, 30);
    ck_assert_uint_ge(hg_loop_now(loop), before + 30);
    hg_loop_free(loop);
}
END_TEST

Suite *loop_suite(void)
{
    Suite *suite = suite_create("net/loop");
    TCase *box = tcase_create("letter box");
    tcase_add_test(box, test_tasks_run_in_order_and_once);
    tcase_add_loop_test(box, test_tasks_posted_by_a_task_come_behind_those_that_wait, 0, 2);
    tcase_add_test(box, test_a_stopped_loop_runs_what_was_posted_and_refuses_the_rest);
    tcase_add_loop_test(box, test_many_threads_post, 0, 2);
    suite_add_tcase(suite, box);
    TCase *life = tcase_create("life");
    tcase_add_test(life, test_loops_that_never_ran_and_none);
    tcase_add_test(life, test_loops_leave_no_descriptor_behind);
    tcase_add_test(life, test_a_run_goes_on_until_the_last_handle_is_closed);
    tcase_add_test(life, test_the_clock_goes_forward);
    suite_add_tcase(suite, life);
    return suite;
}

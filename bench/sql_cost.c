/* What reading SQL costs: nanoseconds of CPU per parse (with references) and per classification.
 *
 * usage: bench-sql-cost {3.5|4.0} < statements, each ended by a NUL. Prints one line of JSON. One
 * thread. */
#include "sql/classify.h"
#include "sql/parser.h"
#include "sql/scope.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECONDS 2.0

static double cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* All of standard input, cut at the NULs. */
static GPtrArray *read_statements(void)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    char *text = NULL;
    size_t room = 0;
    while (getdelim(&text, &room, '\0', stdin) > 0)
        g_ptr_array_add(all, g_strdup(text));
    free(text);
    return all;
}

static gsize read_one(const char *text, const HgSqlOptions *options)
{
    g_autoptr(HgSqlTree) tree = hg_sql_parse(hg_slice_from_string(text), options, NULL);
    if (tree == NULL)
        return 0;
    g_autoptr(HgSqlScope) scope = hg_sql_scope_new(tree, FALSE);
    return hg_sql_scope_count(scope);
}

static gsize classify_one(const char *text, const HgSqlOptions *options)
{
    return (gsize)hg_sql_classify(hg_slice_from_string(text), options->engine, NULL);
}

/* Nanoseconds per call, over rounds that fill the time. */
static double measure(const GPtrArray *all, const HgSqlOptions *options,
                      gsize (*call)(const char *text, const HgSqlOptions *options), gsize *sum)
{
    double began = cpu_now(), spent = 0;
    gsize calls = 0;
    while (spent < SECONDS) {
        for (guint i = 0; i < all->len; i++)
            *sum += call(g_ptr_array_index(all, i), options);
        calls += all->len;
        spent = cpu_now() - began;
    }
    return spent * 1e9 / (double)calls;
}

int main(int argc, char **argv)
{
    HgSqlOptions options = {.engine = argc > 1 && strcmp(argv[1], "4.0") == 0 ? HG_SQL_SPARK_40
                                                                              : HG_SQL_SPARK_35};
    g_autoptr(GPtrArray) all = read_statements();
    if (all->len == 0) {
        fprintf(stderr, "no statements on standard input\n");
        return 2;
    }
    gsize sum = 0;
    double parse = measure(all, &options, read_one, &sum);
    double classify = measure(all, &options, classify_one, &sum);
    printf("{\"statements\": %u, \"parse_ns\": %.0f, \"classify_ns\": %.1f, \"sum\": %zu}\n",
           all->len, parse, classify, sum);
    return 0;
}

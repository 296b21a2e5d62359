/* load_report: the load generator's result, one line of JSON on stdout. */
#ifndef BENCH_LOAD_REPORT_H
#define BENCH_LOAD_REPORT_H

#include <sys/types.h>

#include "load.h"

enum {
    MAX_WATCHED = 8,
};

/* Processes whose CPU time is taken over exactly the time measured. */
typedef struct Watch {
    unsigned count;
    pid_t pids[MAX_WATCHED];
    uint64_t cpu_ns[MAX_WATCHED]; /* when begun; afterwards what was used since */
    uint64_t own_cpu_ns;          /* the same for this process */
    uint64_t time_ns;
} Watch;

void watch_begin(Watch *watch);
void watch_end(Watch *watch);

/* Name of the mode, or NULL when there is none of that number. */
const char *load_mode_name(int mode);

/* Prints the result. */
void load_report_print(const LoadPlan *plan, const LoadCounts *counts, const Watch *watch);

#endif

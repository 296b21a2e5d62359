/* load_report: takes CPU times around the measured window and prints the result. No state. */
#include "load_report.h"

#include <stdio.h>
#include <unistd.h>

#include "common.h"

static const char *const mode_names[] = {
    [LOAD_STATUS] = "status",   [LOAD_FETCH] = "fetch", [LOAD_QUERY] = "query",
    [LOAD_SESSION] = "session", [LOAD_IDLE] = "idle",   [LOAD_STREAM] = "stream",
    [LOAD_TABLE] = "table",
};

const char *load_mode_name(int mode)
{
    int count = sizeof mode_names / sizeof *mode_names;
    return mode >= 0 && mode < count ? mode_names[mode] : NULL;
}

void watch_begin(Watch *watch)
{
    for (unsigned i = 0; i < watch->count; i++)
        watch->cpu_ns[i] = bench_cpu_ns(watch->pids[i]);
    watch->own_cpu_ns = bench_cpu_ns(getpid());
    watch->time_ns = bench_now_ns();
}

void watch_end(Watch *watch)
{
    watch->time_ns = bench_now_ns() - watch->time_ns;
    watch->own_cpu_ns = bench_cpu_ns(getpid()) - watch->own_cpu_ns;
    for (unsigned i = 0; i < watch->count; i++) {
        uint64_t now = bench_cpu_ns(watch->pids[i]);
        watch->cpu_ns[i] = now > watch->cpu_ns[i] ? now - watch->cpu_ns[i] : 0;
    }
}

static double quantile_us(const LoadCounts *counts, double quantile)
{
    return histogram_quantile(&counts->latency, quantile) / 1e3;
}

void load_report_print(const LoadPlan *plan, const LoadCounts *counts, const Watch *watch)
{
    double seconds = (double)watch->time_ns / 1e9;
    double operations = counts->operations ? (double)counts->operations : 1;
    printf("{\"mode\":\"%s\",\"sessions\":%u,\"opened\":%u,\"seconds\":%.4f,"
           "\"operations\":%llu,\"bytes\":%llu,\"rows\":%llu,\"errors\":%llu,",
           load_mode_name((int)plan->mode), plan->sessions, counts->opened, seconds,
           (unsigned long long)counts->operations, (unsigned long long)counts->bytes,
           (unsigned long long)counts->rows, (unsigned long long)counts->errors);
    printf("\"ops_per_s\":%.1f,\"mb_per_s\":%.2f,\"p50_us\":%.2f,\"p99_us\":%.2f,"
           "\"p999_us\":%.2f,\"own_cpu_share\":%.3f,\"watched\":[",
           seconds > 0 ? (double)counts->operations / seconds : 0,
           seconds > 0 ? (double)counts->bytes / seconds / 1e6 : 0, quantile_us(counts, .5),
           quantile_us(counts, .99), quantile_us(counts, .999),
           watch->time_ns ? (double)watch->own_cpu_ns / (double)watch->time_ns : 0);
    for (unsigned i = 0; i < watch->count; i++)
        printf("%s{\"pid\":%d,\"cpu_us_per_op\":%.3f,\"cpu_share\":%.3f}", i ? "," : "",
               (int)watch->pids[i], (double)watch->cpu_ns[i] / 1e3 / operations,
               watch->time_ns ? (double)watch->cpu_ns[i] / (double)watch->time_ns : 0);
    puts("]}");
}

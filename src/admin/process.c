/* Figures of the process: see process.h. Reads /proc/self (proc(5)); owns nothing. */
#include "admin/process.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Field `number` of /proc/self/stat, counted as proc(5) does; only behind the name (field 2), which
 * may hold anything. 0 when it can't be read. */
static double read_stat(guint number)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/self/stat", &text, NULL, NULL))
        return 0;
    const char *behind = strrchr(text, ')');
    if (behind == NULL || strlen(behind) < 2)
        return 0;
    g_auto(GStrv) fields = g_strsplit(behind + 2, " ", -1);
    return g_strv_length(fields) > number - 3 ? g_ascii_strtod(fields[number - 3], NULL) : 0;
}

/* Seconds since 1970: the start is told in ticks since the machine was booted. */
static double start_time(void)
{
    struct timespec now;
    struct timespec up;
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &up);
    double booted = (double)(now.tv_sec - up.tv_sec) + (double)(now.tv_nsec - up.tv_nsec) / 1e9;
    return booted + read_stat(22) / (double)sysconf(_SC_CLK_TCK);
}

static double open_descriptors(void)
{
    guint count = 0;
    GDir *folder = g_dir_open("/proc/self/fd", 0, NULL);
    if (folder == NULL)
        return 0;
    while (g_dir_read_name(folder) != NULL)
        count++;
    g_dir_close(folder);
    return count - 1; /* the folder's own */
}

static double descriptor_limit(void)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    return (double)limit.rlim_cur;
}

static double processor_time(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

void hg_admin_sample_process(HgMetricsText *text, HgMetric metric)
{
    switch (metric) {
    case HG_METRIC_PROCESS_START:
        hg_metrics_sample(text, metric, NULL, start_time());
        break;
    case HG_METRIC_PROCESS_CPU:
        hg_metrics_sample(text, metric, NULL, processor_time());
        break;
    case HG_METRIC_PROCESS_RESIDENT:
        hg_metrics_sample(text, metric, NULL, read_stat(24) * (double)sysconf(_SC_PAGESIZE));
        break;
    case HG_METRIC_PROCESS_FDS:
        hg_metrics_sample(text, metric, NULL, open_descriptors());
        break;
    case HG_METRIC_PROCESS_MAX_FDS:
        hg_metrics_sample(text, metric, NULL, descriptor_limit());
        break;
    default:
        break;
    }
}

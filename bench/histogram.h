/* histogram: counts durations in buckets that are less than 1 % wide, so that measuring a
 * million operations a second costs neither memory nor sorting. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_BUCKETS = 58 * 128,
};

/* All zero is empty and valid. */
typedef struct Histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
} Histogram;

/* Counts one duration in nanoseconds. */
void histogram_add(Histogram *histogram, uint64_t ns);

/* The duration, in nanoseconds, that the share `quantile` (0..1) of those counted doesn't
 * exceed; 0 when nothing was counted. */
double histogram_quantile(const Histogram *histogram, double quantile);

#endif

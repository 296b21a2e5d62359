/* histogram: exact below 128 ns; above, each power of two is cut into 128 equal buckets. */
#include "histogram.h"

enum {
    SUB_BITS = 7,
    SUB_BUCKETS = 1 << SUB_BITS,
};

static unsigned bucket_of(uint64_t ns)
{
    if (ns < SUB_BUCKETS)
        return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - SUB_BITS;
    return (shift + 1) * SUB_BUCKETS + (unsigned)(ns >> shift) - SUB_BUCKETS;
}

/* Middle of the bucket. */
static double value_of(unsigned bucket)
{
    if (bucket < SUB_BUCKETS)
        return bucket;
    unsigned shift = bucket / SUB_BUCKETS - 1;
    uint64_t low = (uint64_t)(bucket % SUB_BUCKETS + SUB_BUCKETS) << shift;
    return (double)low + (double)((1ull << shift) - 1) / 2;
}

void histogram_add(Histogram *histogram, uint64_t ns)
{
    histogram->counts[bucket_of(ns)]++;
    histogram->total++;
}

double histogram_quantile(const Histogram *histogram, double quantile)
{
    double wanted = (double)histogram->total * quantile;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && (double)seen >= wanted)
            return value_of(i);
    }
    return 0;
}

/* A budget: one ceiling in bytes shared by many buffers on all threads.
 *
 * Whoever wants to hold bytes takes them from the budget first and gives them back afterwards. At
 * the ceiling new work is refused with a clear error instead of the process growing until the
 * kernel ends it. Counting is one relaxed atomic; no lock. */
#pragma once

#include <glib.h>
#include <stdatomic.h>

typedef struct {
    atomic_size_t used; /* bytes taken now */
    gsize ceiling;      /* bytes; 0 = no ceiling */
} HgBudget;

/* Starts an empty budget with `ceiling` bytes (0 = none). The struct is the caller's. */
void hg_budget_init(HgBudget *budget, gsize ceiling);

/* Takes `bytes`; FALSE (nothing taken) when that would pass the ceiling. Any thread.
 * `budget` may be NULL: then it always succeeds. */
gboolean hg_budget_take(HgBudget *budget, gsize bytes) G_GNUC_WARN_UNUSED_RESULT;

/* Gives back bytes taken earlier. Any thread. `budget` may be NULL. */
void hg_budget_give(HgBudget *budget, gsize bytes);

/* Bytes taken at this moment. Any thread. */
gsize hg_budget_used(const HgBudget *budget);

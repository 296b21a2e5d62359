/* The shared ceiling for buffered bytes: see budget.h. Owns nothing but its counter; any thread. */
#include "base/budget.h"

void hg_budget_init(HgBudget *budget, gsize ceiling)
{
    atomic_init(&budget->used, 0);
    budget->ceiling = ceiling;
}

gboolean hg_budget_take(HgBudget *budget, gsize bytes)
{
    if (budget == NULL)
        return TRUE;
    gsize before = atomic_fetch_add_explicit(&budget->used, bytes, memory_order_relaxed);
    if (budget->ceiling == 0 || (before <= budget->ceiling && bytes <= budget->ceiling - before))
        return TRUE;
    atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);
    return FALSE;
}

void hg_budget_give(HgBudget *budget, gsize bytes)
{
    if (budget != NULL)
        atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);
}

gsize hg_budget_used(const HgBudget *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed);
}

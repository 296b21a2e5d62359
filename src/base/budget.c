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
    /* adding first and looking afterwards would let a big refused take refuse others meanwhile */
    gsize used = atomic_load_explicit(&budget->used, memory_order_relaxed);
    do {
        if (budget->ceiling != 0 && (used > budget->ceiling || bytes > budget->ceiling - used))
            return FALSE;
    } while (!atomic_compare_exchange_weak_explicit(&budget->used, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return TRUE;
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

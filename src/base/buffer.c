/* The growable buffer of hivegate: see buffer.h. Owns its bytes; one thread at a time. */
#include "base/buffer.h"

#include <stdlib.h>

#define MIN_CAPACITY 512
#define MAX_CAPACITY (G_MAXSIZE / 4) /* no memory is that big, and doubling can't wrap */

void hg_buffer_init(HgBuffer *buffer, HgBudget *budget)
{
    *buffer = (HgBuffer){.budget = budget};
}

void hg_buffer_clear(HgBuffer *buffer)
{
    if (buffer->bytes != NULL) {
        free(buffer->bytes);
        hg_budget_give(buffer->budget, HG_BUFFER_HEADROOM + buffer->capacity);
    }
    *buffer = (HgBuffer){.budget = buffer->budget};
}

/* Moves the contents into a block of `capacity` bytes; FALSE when the budget refuses it. */
static gboolean move_to(HgBuffer *buffer, gsize capacity)
{
    if (!hg_budget_take(buffer->budget, HG_BUFFER_HEADROOM + capacity))
        return FALSE;
    guint8 *bytes = malloc(HG_BUFFER_HEADROOM + capacity);
    if (bytes == NULL) {
        hg_budget_give(buffer->budget, HG_BUFFER_HEADROOM + capacity);
        return FALSE;
    }
    gsize size = hg_buffer_size(buffer);
    if (size > 0)
        memcpy(bytes + HG_BUFFER_HEADROOM, hg_buffer_data(buffer), size);
    HgBudget *budget = buffer->budget;
    hg_buffer_clear(buffer);
    *buffer = (HgBuffer){.bytes = bytes, .end = size, .capacity = capacity, .budget = budget};
    return TRUE;
}

gboolean hg_buffer_reserve(HgBuffer *buffer, gsize more, gsize cap)
{
    gsize size = hg_buffer_size(buffer);
    if (more > cap || size > cap - more || size + more > MAX_CAPACITY)
        return FALSE;
    if (buffer->bytes != NULL && hg_buffer_room(buffer) >= more)
        return TRUE;
    if (buffer->bytes != NULL && buffer->capacity >= size + more && buffer->start >= size) {
        memmove(buffer->bytes + HG_BUFFER_HEADROOM, hg_buffer_data(buffer), size);
        buffer->start = 0;
        buffer->end = size;
        return TRUE;
    }
    gsize capacity = MAX(buffer->capacity, (gsize)MIN_CAPACITY);
    while (capacity < size + more)
        capacity *= 2;
    /* doubling may pass a cap that the contents keep: the cap counts what is held, so clip to it */
    capacity = MAX(MIN(capacity, cap), size + more);
    return move_to(buffer, capacity);
}

gboolean hg_buffer_append(HgBuffer *buffer, HgSlice bytes, gsize cap)
{
    if (bytes.size == 0)
        return TRUE;
    if (!hg_buffer_reserve(buffer, bytes.size, cap))
        return FALSE;
    memcpy(hg_buffer_tail(buffer), bytes.data, bytes.size);
    hg_buffer_commit(buffer, bytes.size);
    return TRUE;
}

void hg_buffer_consume(HgBuffer *buffer, gsize size)
{
    g_assert(size <= hg_buffer_size(buffer));
    buffer->start += size;
    if (buffer->start == buffer->end)
        hg_buffer_clear(buffer);
}

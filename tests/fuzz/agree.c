/* Cursor, walker and plain reader over the same bytes: see agree.h. */
#include "agree.h"

#include "fuzz.h"
#include "wire/walker.h"

static ReferenceStatus as_reference(HgWireStatus status)
{
    return status == HG_WIRE_OK      ? REFERENCE_OK
           : status == HG_WIRE_SHORT ? REFERENCE_SHORT
                                     : REFERENCE_BAD;
}

static ReferenceStatus by_cursor(HgSlice bytes, gsize *end)
{
    HgSlice copy = fuzz_copy(bytes);
    HgCursor cursor = hg_cursor(copy);
    HgMessageHead head;
    HgWireStatus status = hg_cursor_read_head(&cursor, &head);
    FUZZ_CHECK(hg_cursor_offset(&cursor) == (status == HG_WIRE_OK ? head.size : 0));
    if (status == HG_WIRE_OK) {
        status = hg_cursor_skip(&cursor, HG_THRIFT_STRUCT, 0);
        FUZZ_CHECK(status == HG_WIRE_OK || hg_cursor_offset(&cursor) == head.size);
    }
    *end = hg_cursor_offset(&cursor);
    fuzz_free(copy);
    return as_reference(status);
}

/* Sizes of pieces: single bytes, a few, many, or the rest, by turns that the seed decides. */
static gsize piece_size(guint32 *state, gsize left)
{
    static const gsize most[] = {1, 1, 3, 7, 16, 100, G_MAXUINT32, 2};
    guint32 random = fuzz_random(state);
    gsize size = 1 + (random >> 3) % most[random % G_N_ELEMENTS(most)];
    return MIN(size, left);
}

/* Feeds the walker; *end is what it used, *before where the piece that settled it began. */
static HgWalk by_walker(HgSlice bytes, guint32 seed, gsize *end, gsize *before, gsize *fed)
{
    g_autoptr(HgWalker) walker = hg_walker_new();
    HgWalk walk = HG_WALK_MORE;
    gsize at = 0;
    *end = 0;
    *before = 0;
    while (walk == HG_WALK_MORE && at < bytes.size) {
        gsize size = piece_size(&seed, bytes.size - at);
        HgSlice piece = fuzz_copy(hg_slice(bytes.data + at, size));
        gsize used;
        walk = hg_walker_feed(walker, piece, &used);
        fuzz_free(piece);
        FUZZ_CHECK(walk == HG_WALK_MORE ? used == size : used <= size);
        *before = at;
        *end += used;
        at += size;
    }
    *fed = at;
    if (walk != HG_WALK_MORE) { /* settled for good */
        gsize used = 1;
        FUZZ_CHECK(hg_walker_feed(walker, bytes, &used) == walk && used == 0);
    }
    return walk;
}

ReferenceStatus agree_on_message(HgSlice bytes, guint32 seed, gsize *end)
{
    gsize plain_end;
    ReferenceStatus status = reference_message(bytes, &plain_end);
    FUZZ_CHECK(by_cursor(bytes, end) == status);
    FUZZ_CHECK(status != REFERENCE_OK || *end == plain_end);
    gsize walked;
    gsize before;
    gsize fed;
    HgWalk walk = by_walker(bytes, seed, &walked, &before, &fed);
    if (status == REFERENCE_SHORT) {
        FUZZ_CHECK(walk == HG_WALK_MORE && walked == bytes.size);
        return status;
    }
    FUZZ_CHECK(walk == (status == REFERENCE_OK ? HG_WALK_DONE : HG_WALK_BAD));
    FUZZ_CHECK(status == REFERENCE_BAD || walked == *end);
    /* not a piece earlier, not a piece later */
    gsize ignored;
    FUZZ_CHECK(by_cursor(hg_slice(bytes.data, before), &ignored) == REFERENCE_SHORT);
    FUZZ_CHECK(by_cursor(hg_slice(bytes.data, fed), &ignored) == status);
    return status;
}

void agree_on_value(HgSlice bytes, guint type, guint depth)
{
    gsize end;
    ReferenceStatus status = reference_value(bytes, type, depth, &end);
    HgSlice copy = fuzz_copy(bytes);
    HgCursor cursor = hg_cursor(copy);
    FUZZ_CHECK(as_reference(hg_cursor_skip(&cursor, (guint8)type, depth)) == status);
    FUZZ_CHECK(hg_cursor_offset(&cursor) == (status == REFERENCE_OK ? end : 0));
    fuzz_free(copy);
}

/* The walker that finds the end of a message in pieces: see walker.h. Owns its stack and the few
 * bytes of a head that was cut by the end of a piece. One thread at a time.
 *
 * The stack holds what is open: a struct, or a run of values. A value of fixed size, a string's
 * bytes and a run of fixed-size values are one number to pass over (`skip`). A head (field, length,
 * container) is read in place when the piece holds all of it; else its bytes are carried over. */
#include "wire/walker.h"

#include "wire/layout.h"

typedef enum {
    STAGE_FIRST_WORD,  /* version and type, or the name's length */
    STAGE_NAME_LENGTH, /* strict heads only */
    STAGE_NAME,        /* `skip` bytes of it to come */
    STAGE_BODY,        /* the rest of the head, and the struct */
    STAGE_OVER,        /* ended, or not Thrift */
} Stage;

/* A frame whose key is no type is an open struct: its STOP byte ends it. Any other is a run, which
 * stays on the stack until its last value is over, so that depth counts as the cursor counts it. */
#define STRUCT_FRAME ((HgRun){.key = HG_THRIFT_STOP})

struct HgWalker {
    HgRun frames[HG_THRIFT_MAX_DEPTH];
    guint depth;     /* frames in use */
    Stage stage;     /* what comes next in the message */
    guint64 skip;    /* bytes to pass over before anything else is read */
    HgWalk verdict;  /* what STAGE_OVER answers */
    gboolean strict; /* the message's head is */
    guint8 awaited;  /* type whose length or head is next; STOP: ask the top frame */
    guint8 carried;  /* bytes in `carry` */
    guint8 carry[8]; /* a head that was cut by the end of a piece */
};

G_STATIC_ASSERT(sizeof(((HgWalker *)0)->carry) >= HG_LAYOUT_MAP_SIZE); /* the longest head */

HgWalker *hg_walker_new(void)
{
    HgWalker *walker = g_new(HgWalker, 1);
    hg_walker_reset(walker);
    return walker;
}

void hg_walker_free(HgWalker *walker)
{
    g_free(walker);
}

void hg_walker_reset(HgWalker *walker)
{
    walker->depth = 0;
    walker->stage = STAGE_FIRST_WORD;
    walker->skip = 0;
    walker->verdict = HG_WALK_MORE;
    walker->strict = FALSE;
    walker->awaited = HG_THRIFT_STOP;
    walker->carried = 0;
}

static void advance(HgSlice *rest, gsize size)
{
    *rest = hg_slice(rest->data + size, rest->size - size);
}

/* The bytes from which the next head is read: the piece itself, or, when the last piece cut the
 * head, a copy of both parts. Nothing is used up before settle(). */
static HgSlice look(HgWalker *walker, HgSlice rest)
{
    if (walker->carried == 0)
        return rest;
    gsize more = MIN(rest.size, sizeof walker->carry - walker->carried);
    if (more > 0)
        memcpy(walker->carry + walker->carried, rest.data, more);
    return hg_slice(walker->carry, walker->carried + more);
}

/* After reading a head of `size` bytes from look(): uses it up, or, when it was cut, carries what
 * there is of it over to the next piece. Gives back the status. */
static HgWireStatus settle(HgWalker *walker, HgSlice *rest, HgWireStatus status, gsize size)
{
    if (status == HG_WIRE_OK) {
        advance(rest, size - walker->carried); /* what was carried was too short to be the head */
        walker->carried = 0;
    } else if (status == HG_WIRE_SHORT && rest->size > 0) {
        memcpy(walker->carry + walker->carried, rest->data, rest->size);
        walker->carried = (guint8)(walker->carried + rest->size);
        advance(rest, rest->size);
    }
    return status;
}

/* Begins a value whose first byte is next. */
static HgWireStatus begin_value(HgWalker *walker, guint8 type)
{
    walker->skip = hg_layout_fixed_size(type);
    if (walker->skip > 0)
        return HG_WIRE_OK;
    if (type != HG_THRIFT_STRING && walker->depth == HG_THRIFT_MAX_DEPTH)
        return HG_WIRE_BAD;
    if (type == HG_THRIFT_STRUCT)
        walker->frames[walker->depth++] = STRUCT_FRAME;
    else
        walker->awaited = type;
    return HG_WIRE_OK;
}

static HgWireStatus walk_field(HgWalker *walker, HgSlice *rest)
{
    guint8 type = HG_THRIFT_STOP;
    gint16 id;
    HgWireStatus status = hg_layout_read_field(look(walker, *rest), &type, &id);
    gsize size = type == HG_THRIFT_STOP ? HG_LAYOUT_STOP_SIZE : HG_LAYOUT_FIELD_SIZE;
    status = settle(walker, rest, status, size);
    if (status != HG_WIRE_OK)
        return status;
    if (type != HG_THRIFT_STOP)
        return begin_value(walker, type);
    walker->depth--;
    return HG_WIRE_OK;
}

static HgWireStatus walk_length(HgWalker *walker, HgSlice *rest)
{
    guint32 length = 0;
    HgWireStatus status = hg_layout_read_length(look(walker, *rest), &length);
    status = settle(walker, rest, status, HG_LAYOUT_LENGTH_SIZE);
    if (status == HG_WIRE_OK) {
        walker->awaited = HG_THRIFT_STOP;
        walker->skip = length;
    }
    return status;
}

static HgWireStatus walk_run_head(HgWalker *walker, HgSlice *rest)
{
    guint8 container = walker->awaited;
    HgRun run;
    HgWireStatus status = hg_layout_read_run(look(walker, *rest), container, &run);
    status = settle(walker, rest, status, hg_layout_run_head_size(container));
    if (status != HG_WIRE_OK)
        return status;
    walker->awaited = HG_THRIFT_STOP;
    if (!hg_layout_run_is_fixed(run, &walker->skip))
        walker->frames[walker->depth++] = run; /* begin_value() saw that there is room */
    return HG_WIRE_OK;
}

/* Goes on with the run on top of the stack, or takes it off when it is over. */
static HgWireStatus walk_run(HgWalker *walker, HgSlice *rest)
{
    HgRun *run = &walker->frames[walker->depth - 1];
    if (run->values > 0 && run->key == HG_THRIFT_STRING && run->value == HG_THRIFT_STRING) {
        const guint8 *end = rest->data + rest->size;
        const guint8 *at = hg_layout_skip_strings(rest->data, end, &run->values);
        *rest = hg_slice(at, (gsize)(end - at));
    }
    if (run->values == 0) {
        walker->depth--;
        return HG_WIRE_OK;
    }
    guint8 type = run->values % 2 == 0 ? run->key : run->value; /* a map has an even number */
    run->values--;
    return begin_value(walker, type);
}

/* One step through the struct of the message. SHORT: the piece is used up. */
static HgWireStatus walk_body(HgWalker *walker, HgSlice *rest)
{
    if (walker->skip > 0) {
        gsize size = MIN(walker->skip, rest->size);
        advance(rest, size);
        walker->skip -= size;
        if (walker->skip > 0)
            return HG_WIRE_SHORT;
    }
    if (walker->awaited == HG_THRIFT_STRING)
        return walk_length(walker, rest);
    if (walker->awaited != HG_THRIFT_STOP)
        return walk_run_head(walker, rest);
    if (walker->depth == 0) {
        walker->stage = STAGE_OVER;
        walker->verdict = HG_WALK_DONE;
        return HG_WIRE_OK;
    }
    if (walker->frames[walker->depth - 1].key == HG_THRIFT_STOP)
        return walk_field(walker, rest);
    return walk_run(walker, rest);
}

static HgWireStatus walk_first_word(HgWalker *walker, HgSlice *rest)
{
    HgFirstWord word;
    HgWireStatus status = hg_layout_read_first_word(look(walker, *rest), &word);
    status = settle(walker, rest, status, HG_LAYOUT_LENGTH_SIZE);
    if (status == HG_WIRE_OK) {
        walker->strict = word.strict;
        walker->skip = word.name_length;
        walker->stage = word.strict ? STAGE_NAME_LENGTH : STAGE_NAME;
    }
    return status;
}

static HgWireStatus walk_name_length(HgWalker *walker, HgSlice *rest)
{
    guint32 length = 0;
    HgWireStatus status = hg_layout_read_name_length(look(walker, *rest), &length);
    status = settle(walker, rest, status, HG_LAYOUT_LENGTH_SIZE);
    if (status == HG_WIRE_OK) {
        walker->skip = length;
        walker->stage = STAGE_NAME;
    }
    return status;
}

static HgWireStatus walk_name(HgWalker *walker, HgSlice *rest)
{
    HgSlice name = hg_slice(rest->data, MIN(walker->skip, rest->size));
    if (!hg_layout_is_name(name))
        return HG_WIRE_BAD;
    advance(rest, name.size);
    walker->skip -= name.size;
    if (walker->skip > 0)
        return HG_WIRE_SHORT;
    walker->skip = walker->strict ? 4 : 5; /* the seqid; the type, too, when it isn't strict */
    walker->frames[walker->depth++] = STRUCT_FRAME;
    walker->stage = STAGE_BODY;
    return HG_WIRE_OK;
}

static HgWireStatus walk(HgWalker *walker, HgSlice *rest)
{
    switch (walker->stage) {
    case STAGE_FIRST_WORD:
        return walk_first_word(walker, rest);
    case STAGE_NAME_LENGTH:
        return walk_name_length(walker, rest);
    case STAGE_NAME:
        return walk_name(walker, rest);
    default:
        return walk_body(walker, rest);
    }
}

HgWalk hg_walker_feed(HgWalker *walker, HgSlice piece, gsize *used)
{
    *used = 0;
    if (piece.size == 0)
        return walker->verdict;
    HgSlice rest = piece;
    HgWireStatus status = HG_WIRE_OK;
    while (status == HG_WIRE_OK && walker->stage != STAGE_OVER)
        status = walk(walker, &rest);
    if (status == HG_WIRE_BAD) {
        walker->stage = STAGE_OVER;
        walker->verdict = HG_WALK_BAD;
    }
    *used = piece.size - rest.size;
    return walker->verdict;
}

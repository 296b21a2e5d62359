/* A walker finds where one Thrift message ends while its bytes arrive in pieces.
 *
 * For connections without SASL frames there is no length up front: the walker is fed each piece as
 * it comes and says how much of it belongs to the message. It keeps a small explicit stack, so its
 * work is linear in the bytes and its memory constant whatever the message's size. Runs of
 * fixed-size elements and long strings are passed over in one step. Pure; one thread at a time. */
#pragma once

#include "wire/cursor.h"

typedef struct HgWalker HgWalker;

typedef enum {
    HG_WALK_MORE, /* all bytes belong to the message, and it goes on */
    HG_WALK_DONE, /* the message ended; *used says where */
    HG_WALK_BAD,  /* not Thrift, or past a cap: nothing more can be known */
} HgWalk;

/* A walker before the first byte of a message. The caller owns it. */
HgWalker *hg_walker_new(void);

/* Frees the walker; NULL is fine. */
void hg_walker_free(HgWalker *walker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgWalker, hg_walker_free)

/* Makes the walker ready for the next message. */
void hg_walker_reset(HgWalker *walker);

/* Feeds the next piece; pieces may be cut anywhere, and be empty. *used (never NULL) gets the bytes
 * of the piece that belong to the message: all of them for MORE; for BAD those in front of the head
 * that can't be. DONE comes with the piece that holds the last byte, BAD with the one that holds
 * the first byte that settles it. After DONE or BAD the walker wants a reset: until then it uses no
 * more bytes and says the same again. The name, the depth and the types are checked as
 * hg_cursor_read_head() and hg_cursor_skip() check them; how big a message may become is the
 * caller's to say. */
HgWalk hg_walker_feed(HgWalker *walker, HgSlice piece, gsize *used);

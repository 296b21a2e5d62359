/* A session or operation handle as it travels: 16 bytes of guid and 16 of secret.
 *
 * Open value. Both of ours and those of a backend have this size, so swapping one for the other is
 * 32 bytes overwritten in place. A handle is a working secret: never log its secret
 * half. */
#pragma once

#include "base/slice.h"

#define HG_HANDLE_HALF      16
#define HG_HANDLE_TEXT_SIZE 37 /* 8-4-4-4-12 hex digits and the NUL */

typedef struct {
    guint8 guid[HG_HANDLE_HALF];
    guint8 secret[HG_HANDLE_HALF];
} HgHandle;

/* Fills both halves from the kernel's random source. Aborts the process when there is none: a
 * guessable handle is worse than no gateway. Any thread. */
void hg_handle_random(HgHandle *out);

/* TRUE when both halves are equal; takes the same time whatever differs. */
gboolean hg_handle_equal(const HgHandle *a, const HgHandle *b);

/* The guid as Java prints a UUID: lower-case hex, dashes. This is how a server names a handle in
 * its error texts. */
void hg_handle_text(const HgHandle *handle, char out[HG_HANDLE_TEXT_SIZE]);

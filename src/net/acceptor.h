/* The acceptor: takes connections from listening sockets on its own loop and hands each to a taker.
 *
 * One thread accepts for all workers, because SO_REUSEPORT spreads long-lived connections unevenly
 * for their whole life (16 of them 11:5 or worse in a fifth of the runs measured). Out of
 * descriptors it neither spins nor leaves clients hanging: with a descriptor kept in reserve it
 * accepts and closes them, and tells its owner. */
#pragma once

#include "net/loop.h"

typedef struct HgAcceptor HgAcceptor;

typedef struct {
    /* A client has connected: the callee owns the non-blocking socket. `listener` is the index that
     * hg_acceptor_add() returned. */
    void (*accepted)(void *owner, guint listener, int take_fd);
    /* A client was turned away because accept() failed with `errnum` (EMFILE, ENFILE, ...). */
    void (*refused)(void *owner, guint listener, int errnum);
} HgAcceptorEvents;

/* An acceptor on a loop. `events` and `owner` outlive it. Loop's thread, or before it runs. */
HgAcceptor *hg_acceptor_new(HgLoop *loop, const HgAcceptorEvents *events, void *owner);

/* Adds a listening socket (takes it) and starts to accept. Returns its index. */
guint hg_acceptor_add(HgAcceptor *acceptor, int take_fd);

/* Closes the listening sockets. Loop's thread. NULL is fine. */
void hg_acceptor_close(HgAcceptor *acceptor);

/* load_conn: one connection of the load generator: it connects, logs in, opens a session and
 * then makes the mode's calls, each when the one before is answered. */
#ifndef BENCH_LOAD_CONN_H
#define BENCH_LOAD_CONN_H

#include "load.h"

typedef struct LoadConn LoadConn;

/* Starts a connection watched by `epoll` with the connection as the event's pointer; plan and
 * counts are borrowed. NULL, after saying why, when the socket can't be had. */
LoadConn *load_conn_new(const LoadPlan *plan, LoadCounts *counts, int epoll);

/* Goes on after `events`. False when the connection has failed (counted and said): it must be
 * hung up then. */
bool load_conn_on_event(LoadConn *conn, uint32_t events);

/* Closes the socket; no event names the connection any more. Doing it twice does nothing. */
void load_conn_hang_up(LoadConn *conn);

/* Hangs up and frees. */
void load_conn_free(LoadConn *conn);

#endif

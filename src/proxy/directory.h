/* The directory: from a handle that a client names to the session or operation behind it.
 *
 * Reachable from every worker, so it is cut into shards with a lock each. A handle is found only
 * when guid and secret are both right; whoever asks must still check that the session belongs to
 * their principal. The directory holds a reference to all that is in it. */
#pragma once

#include "proxy/session.h"

typedef struct HgDirectory HgDirectory;

/* An empty directory. */
HgDirectory *hg_directory_new(void);

/* Frees it and lets go of what is in it. NULL is fine. */
void hg_directory_free(HgDirectory *directory);

/* Puts a session or operation in under its handle. Any thread. */
void hg_directory_add_session(HgDirectory *directory, HgSession *session);
void hg_directory_add_operation(HgDirectory *directory, HgOperation *operation);

/* The session or operation of a handle, referenced, or NULL. Any thread. */
HgSession *hg_directory_find_session(HgDirectory *directory, const HgHandle *handle);
HgOperation *hg_directory_find_operation(HgDirectory *directory, const HgHandle *handle);

/* Takes one operation, or a session with all its operations, out. Returns the operations of the
 * session (referenced, for whoever must cancel them; g_ptr_array_unref). Any thread. */
void hg_directory_remove_operation(HgDirectory *directory, HgOperation *operation);
GPtrArray *hg_directory_remove_session(HgDirectory *directory, HgSession *session);

/* How many entries there are. Any thread. */
guint hg_directory_size(HgDirectory *directory);

/* What there is, for metrics; one look at each entry. Any thread. */
typedef struct {
    guint sessions_open;
    guint sessions_lost;
    guint operations_running;
    guint operations_ended; /* and not closed */
} HgDirectoryCounts;
void hg_directory_count(HgDirectory *directory, HgDirectoryCounts *out);

/* References to all sessions, or all operations, that there are; g_ptr_array_unref, which unrefs
 * them. Any thread. */
GPtrArray *hg_directory_sessions(HgDirectory *directory);
GPtrArray *hg_directory_operations(HgDirectory *directory);

/* The work (hg_session_work()) of all sessions that don't end with a connection, whichever worker
 * they live with. Looks at every session: for the end only. Any thread. */
guint hg_directory_resident_work(HgDirectory *directory);

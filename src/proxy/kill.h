/* Ending other people's sessions and statements, for an administrator.
 *
 * A killed session is lost to its client, who is told so by every further call; a call under way is
 * answered at once. It is closed on its endpoint as if the client had left. A killed statement is
 * cancelled on its endpoint, and everything that is asked of it gets an error. Any thread but a
 * loop's. */
#pragma once

#include "proxy/gateway.h"

typedef enum {
    HG_KILL_DONE,
    HG_KILL_TOO_LATE,  /* it had ended already */
    HG_KILL_NO_ANSWER, /* a worker didn't get to it in time; it still will */
} HgKill;

/* Kills a session. Waits for at most `timeout` ms. */
HgKill hg_kill_session(HgGateway *gateway, HgSession *session, guint timeout);

/* The same for another reason, a static text that its client hears, without waiting. Any thread, a
 * loop's too. */
void hg_kill_session_because(HgGateway *gateway, HgSession *session, const char *why);

/* Kills a statement that runs. Returns when that is noted; its endpoint hears of it by and by. */
HgKill hg_kill_operation(HgGateway *gateway, HgOperation *operation);

/* The same for another reason: `text` is what its client hears from then on, `why` is for the
 * record; both static. Any thread, a loop's too. */
HgKill hg_kill_operation_because(HgGateway *gateway, HgOperation *operation, const char *text,
                                 const char *why);

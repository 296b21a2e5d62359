/* load_call: the calls that the load generator makes: which follows which in each mode, how they
 * are written, and what is read from their replies. Pure: bytes in, bytes out. */
#ifndef BENCH_LOAD_CALL_H
#define BENCH_LOAD_CALL_H

#include "load.h"
#include "tcli.h"

typedef enum Call {
    CALL_OPEN_SESSION,
    CALL_EXECUTE,
    CALL_STATUS,
    CALL_METADATA,
    CALL_FETCH,
    CALL_CLOSE_OPERATION,
    CALL_CLOSE_SESSION,
    CALL_NONE, /* nothing follows: the connection stays as it is, or ends */
} Call;

/* The handles a connection got, as it got them. */
typedef struct Handles {
    Handle session;
    Handle operation;
} Handles;

/* The call that follows the reply to `call`; `rows` is what a fetch brought. */
Call call_after(LoadMode mode, Call call, uint32_t rows);

/* Whether an operation of the mode starts with sending `call`. */
bool call_starts_operation(LoadMode mode, Call call);

/* Whether an operation of the mode ends with the reply to `call`, before `next`. */
bool call_ends_operation(LoadMode mode, Call call, Call next);

/* Appends the SASL PLAIN start and initial response. */
void call_put_login(Bytes *out, const LoadPlan *plan);

/* Appends the request `call` with the head that the transport puts in front. `cookie`: over HTTP,
 * what the server set, or NULL. */
void call_put(Bytes *out, const LoadPlan *plan, Call call, const Handles *handles, uint32_t seqid,
              const char *cookie);

/* Checks the head of a reply (not its length): NULL when it answers the call numbered `seqid`
 * with success, otherwise what is wrong, in a buffer of the caller's. */
const char *call_check_reply(const uint8_t *data, size_t len, uint32_t seqid, char *text,
                             size_t text_size);

/* Takes the handle from the reply to an OpenSession or ExecuteStatement; nothing of others.
 * False when it isn't there. The reply has passed call_check_reply(). */
bool call_take_handle(const uint8_t *data, size_t len, Call call, Handles *handles);

/* Rows of a reply to a fetch that has passed call_check_reply(). */
uint32_t call_count_rows(const uint8_t *data, size_t len);

/* Whether the reply to a fetch carries the stand-in backend's sample rows, all of them intact. */
bool call_rows_are_sample(const uint8_t *data, size_t len);

#endif

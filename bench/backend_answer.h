/* backend_answer: what the stand-in HiveServer2 says to each call. Pure: bytes in, bytes out.
 * A call with a handle that this backend never gave out gets an error status, so a gateway that
 * forwards its own handles by mistake can't look fast. Safe from any thread. */
#ifndef BENCH_BACKEND_ANSWER_H
#define BENCH_BACKEND_ANSWER_H

#include "tcli.h"

typedef struct Answers Answers;

/* Answers whose fetch replies carry about `fetch_bytes` of rows. Never freed: it lives as long
 * as the program. */
Answers *answers_new(size_t fetch_bytes);

/* The tail that all fetch replies share: it follows the bytes that answers_reply() appended
 * when that asked for it. Borrowed. */
const Bytes *answers_fetch_tail(const Answers *answers);

/* The same as chunks of an HTTP body, up to its end. Borrowed. */
const Bytes *answers_chunked_tail(const Answers *answers);

/* Appends the reply to the call at `data` (one whole message of `len` bytes) to `out`, in a
 * frame when `sasl`. Sets `with_tail` when answers_fetch_tail() must follow. False when the call
 * isn't one that a server can answer; the connection is to be closed then. */
bool answers_reply(Answers *answers, const uint8_t *data, size_t len, bool sasl, Bytes *out,
                   bool *with_tail);

#endif

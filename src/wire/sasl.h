/* SASL as Thrift frames it: negotiation frames, the PLAIN response, data frames.
 *
 * Negotiation frame: one status byte, a big-endian 32-bit length, payload. Data frame: length and
 * payload (as Thrift's Java library writes them). Pure functions over slices; any thread. */
#pragma once

#include "base/buffer.h"
#include "wire/thrift.h"

typedef enum {
    HG_SASL_START = 1,
    HG_SASL_OK = 2,
    HG_SASL_BAD = 3,
    HG_SASL_ERROR = 4,
    HG_SASL_COMPLETE = 5,
} HgSaslStatus;

#define HG_SASL_HEAD_SIZE   5    /* bytes before a negotiation frame's payload */
#define HG_SASL_MAX_PAYLOAD 8192 /* of a negotiation frame: a bearer token may be a password */
#define HG_SASL_MAX_NAME    256  /* bytes of a user name, as in auth/name; RFC 4616 asks for 255 */
#define HG_FRAME_HEAD_SIZE  4    /* bytes before a data frame's payload */

typedef struct {
    guint8 status;   /* HgSaslStatus, as sent: unchecked */
    HgSlice payload; /* borrowed */
    gsize size;      /* bytes of the whole frame */
} HgSaslFrame;

/* Reads one negotiation frame. SHORT while it isn't there in full; BAD as soon as the status is
 * none of the five or the length passes HG_SASL_MAX_PAYLOAD, so the first byte of raw Thrift, TLS
 * or HTTP on a SASL port is BAD at once. *out is untouched on another status than OK. */
HgWireStatus hg_sasl_read_frame(HgSlice bytes, HgSaslFrame *out);

/* Appends a negotiation frame. FALSE, and nothing appended, only when the buffer can't grow. */
gboolean hg_sasl_write_frame(HgBuffer *out, HgSaslStatus status,
                             HgSlice payload) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
    HgSlice authzid; /* empty or equal to authcid; borrowed */
    HgSlice authcid; /* the name; 1 to HG_SASL_MAX_NAME bytes, valid UTF-8, no control characters */
    HgSlice password; /* never empty, no NUL; any other bytes. Borrowed: wipe the owner's bytes */
} HgSaslPlain;

/* Takes a PLAIN response apart: authzid NUL authcid NUL password (RFC 4616). NULL when it is sound,
 * else a static text that says what is wrong, fit to be shown to the client, and *out is untouched.
 * Every text begins with "Error validating the login", which is all that Spark says (3.5.3).
 * An authzid that isn't the authcid is refused: Spark would ignore it and run as the authcid. */
const char *hg_sasl_read_plain(HgSlice payload, HgSaslPlain *out) G_GNUC_WARN_UNUSED_RESULT;

/* Appends a PLAIN response with empty authzid as a COMPLETE frame, behind a START frame: all that a
 * client sends to log in. FALSE, and nothing appended, when the buffer can't grow. */
gboolean hg_sasl_write_plain_login(HgBuffer *out, const char *name,
                                   const char *password) G_GNUC_WARN_UNUSED_RESULT;

/* Reads a data frame's length. Needs HG_FRAME_HEAD_SIZE bytes. */
static inline guint32 hg_frame_read_size(const guint8 *head)
{
    return ((guint32)head[0] << 24) | ((guint32)head[1] << 16) | ((guint32)head[2] << 8) | head[3];
}

/* Writes a data frame's length over HG_FRAME_HEAD_SIZE bytes. */
static inline void hg_frame_write_size(guint8 *head, guint32 size)
{
    head[0] = (guint8)(size >> 24);
    head[1] = (guint8)(size >> 16);
    head[2] = (guint8)(size >> 8);
    head[3] = (guint8)size;
}

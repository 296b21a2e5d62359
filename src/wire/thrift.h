/* The Thrift binary protocol's numbers, and the caps under which hivegate reads it.
 *
 * Facts from the Thrift binary protocol specification; what Spark does was measured on 3.5.3. Pure
 * values: no state. */
#pragma once

#include "base/slice.h"

/* What a reader of wire bytes says. */
typedef enum {
    HG_WIRE_OK,
    HG_WIRE_SHORT, /* the bytes end before the value does: more may come */
    HG_WIRE_BAD,   /* the bytes can't be Thrift, or pass a cap: no more bytes will mend it */
} HgWireStatus;

/* Type bytes of fields, list elements, map keys and values. */
typedef enum {
    HG_THRIFT_STOP = 0,
    HG_THRIFT_BOOL = 2,
    HG_THRIFT_BYTE = 3,
    HG_THRIFT_DOUBLE = 4,
    HG_THRIFT_I16 = 6,
    HG_THRIFT_I32 = 8,
    HG_THRIFT_I64 = 10,
    HG_THRIFT_STRING = 11, /* text and binary alike */
    HG_THRIFT_STRUCT = 12,
    HG_THRIFT_MAP = 13,
    HG_THRIFT_SET = 14,
    HG_THRIFT_LIST = 15,
} HgThriftType;

/* Message types. A ONEWAY call is answered like a CALL, as Spark does. */
typedef enum {
    HG_MESSAGE_CALL = 1,
    HG_MESSAGE_REPLY = 2,
    HG_MESSAGE_EXCEPTION = 3,
    HG_MESSAGE_ONEWAY = 4,
} HgMessageType;

/* Types of a TApplicationException that hivegate sends. */
typedef enum {
    HG_EXCEPTION_UNKNOWN_METHOD = 1,
    HG_EXCEPTION_INVALID_MESSAGE_TYPE = 2,
    HG_EXCEPTION_INTERNAL_ERROR = 6,
    HG_EXCEPTION_PROTOCOL_ERROR = 7,
} HgExceptionType;

#define HG_THRIFT_MAX_NAME   256 /* bytes of a method name */
#define HG_THRIFT_MAX_DEPTH  32  /* containers and structs inside each other */
#define HG_THRIFT_MAX_FIELDS 128 /* fields of one struct of a request */

/* The head of a message, strict (version 0x8001) or not. */
typedef struct {
    gboolean strict;
    guint8 type;  /* HgMessageType, as sent: unchecked */
    HgSlice name; /* borrowed from the message */
    gint32 seqid; /* 0 is common: PyHive and impyla never count */
    gsize size;   /* bytes of the head; the args or result struct begins here */
} HgMessageHead;

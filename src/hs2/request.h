/* A typed view of one request, validated in place.
 *
 * What is checked is what is sent: a field twice, a known field with another type than the service
 * declares, a map key twice, NUL or invalid UTF-8 in names, statements and keys are refused,
 * because Java would take the last duplicate and skip the wrong type, and a difference in reading
 * is a hole. Unknown fields stay and pass, each id once in a struct. Nothing is copied; spans are
 * offsets from the first byte of the message. Pure; any thread. */
#pragma once

#include "hs2/handle.h"
#include "hs2/method.h"
#include "wire/cursor.h"

/* A value inside the message. size 0 and offset 0: absent (no value starts at offset 0). */
typedef struct {
    guint32 offset; /* of the value's first byte; for strings: behind the length */
    guint32 size;   /* bytes of the value */
} HgSpan;

#define HG_REQUEST_WHY_SIZE   192
#define HG_REQUEST_MAX_SIZE   104857600u /* bytes of a message: Spark reads no longer string */
#define HG_REQUEST_MAX_MAP    4096       /* entries of a map of texts */
#define HG_REQUEST_MAX_MAPKEY 4096       /* bytes of a key of such a map */

/* Protocol versions: those of Hive, the first of Databricks, and what a client of Databricks that
 * has its version in OpenSession 0x502 may write to 1. */
#define HG_PROTOCOL_HIVE_LAST  10     /* V11; V1 is 0 */
#define HG_PROTOCOL_SPARK_V1   0xA501 /* V2 is 0xA502, and so on */
#define HG_PROTOCOL_SPARK_LAST 0xA5FF
#define HG_PROTOCOL_ELSEWHERE  (-7)

typedef enum {
    HG_REQUEST_OK,
    HG_REQUEST_SHORT,   /* the message isn't there in full yet; why is empty */
    HG_REQUEST_REFUSED, /* well-formed Thrift that breaks a rule: answer it, go on behind `size` */
    HG_REQUEST_BROKEN,  /* not Thrift, or past a cap: where it ends can't be known */
} HgRequestStatus;

typedef struct {
    const HgMethod *method; /* NULL: a method the service doesn't have (still OK) */
    HgMessageHead head;
    gsize size; /* bytes of the whole message; set for OK and REFUSED */

    /* set when method->takes is not NOTHING and the handle is there in full */
    gboolean has_handle;   /* guid and secret both there with 16 bytes */
    guint32 guid_offset;   /* HG_HANDLE_HALF bytes */
    guint32 secret_offset; /* HG_HANDLE_HALF bytes */
    gint32 operation_type; /* TOperationHandle.2, or -1 */

    /* values that later steps need; absent when the request has none */
    HgSpan req_fields;     /* the Req struct's fields, up to and with its STOP byte */
    HgSpan statement;      /* ExecuteStatement 2; DownloadData 3 */
    HgSpan configuration;  /* OpenSession 4, ExecuteStatement 3: the map from its type bytes on */
    HgSpan username;       /* OpenSession 2 */
    HgSpan password;       /* OpenSession 3 */
    gboolean has_protocol; /* OpenSession 1 there */
    gint32 protocol;       /* OpenSession 1; 9 (V10), the service's default, when it isn't there */
    /* what Databricks adds to OpenSession; hs2/dialect says what it means */
    gint32 spark_protocol;  /* 0xA501 to 0xA5FF in 0x502, or else in 1; 0: not of that family */
    gboolean has_get_infos; /* 0x501 there */
    HgSpan properties;      /* 0x503: the map from its type bytes on */
    HgSpan catalog;         /* 0x504.1 */
    HgSpan database;        /* 0x504.2 */
    gint32 info_type;       /* GetInfo 2 */
    gboolean run_async;     /* ExecuteStatement 4 */
    gint16 fetch_type;      /* FetchResults 4; 0 = rows, 1 = log */

    /* OK, but a field that the service requires isn't there, or its enum has no such value. Never
     * forward it: answer it with `why` as HG_EXCEPTION_PROTOCOL_ERROR. Spark does that too, but
     * leaves the message's last bytes unread and so drops the connection at the next call
     * (measured, 3.5.3) */
    gboolean incomplete;

    char why[HG_REQUEST_WHY_SIZE]; /* REFUSED, BROKEN, incomplete: what is wrong, for client and log
                                    */
} HgRequest;

/* Reads one request at the start of `bytes` (bytes behind it may follow). On the hot path (status,
 * fetch) this costs one walk over about 100 bytes and no allocation. While it says SHORT, wait for
 * the whole message rather than call it for each piece: it starts from the first byte each time. */
HgRequestStatus hg_request_read(HgSlice bytes, HgRequest *out) G_GNUC_WARN_UNUSED_RESULT;

/* Copies the request's handle out of the message. Needs has_handle. */
void hg_request_get_handle(const HgRequest *request, const guint8 *message, HgHandle *out);

/* Writes another handle over the request's own, in place. Needs has_handle. */
void hg_request_set_handle(const HgRequest *request, guint8 *message, const HgHandle *handle);

/* The table of TCLIService calls: what hivegate must know of each to pass it on.
 *
 * One row per method of the service up to Hive 4.1 (thrift/TCLIService.thrift); the fields of its
 * request are in hs2/schema. Constant data. */
#pragma once

#include "base/slice.h"

typedef enum {
    HG_METHOD_OPEN_SESSION,
    HG_METHOD_CLOSE_SESSION,
    HG_METHOD_GET_INFO,
    HG_METHOD_EXECUTE_STATEMENT,
    HG_METHOD_GET_TYPE_INFO,
    HG_METHOD_GET_CATALOGS,
    HG_METHOD_GET_SCHEMAS,
    HG_METHOD_GET_TABLES,
    HG_METHOD_GET_TABLE_TYPES,
    HG_METHOD_GET_COLUMNS,
    HG_METHOD_GET_FUNCTIONS,
    HG_METHOD_GET_PRIMARY_KEYS,
    HG_METHOD_GET_CROSS_REFERENCE,
    HG_METHOD_GET_OPERATION_STATUS,
    HG_METHOD_CANCEL_OPERATION,
    HG_METHOD_CLOSE_OPERATION,
    HG_METHOD_GET_RESULT_SET_METADATA,
    HG_METHOD_FETCH_RESULTS,
    HG_METHOD_GET_DELEGATION_TOKEN,
    HG_METHOD_CANCEL_DELEGATION_TOKEN,
    HG_METHOD_RENEW_DELEGATION_TOKEN,
    HG_METHOD_GET_QUERY_ID,
    HG_METHOD_SET_CLIENT_INFO,
    HG_METHOD_UPLOAD_DATA,
    HG_METHOD_DOWNLOAD_DATA,
    HG_METHOD_COUNT,
} HgMethodId;

/* Which handle a request carries in its field 1. */
typedef enum {
    HG_TAKES_NOTHING, /* OpenSession */
    HG_TAKES_SESSION,
    HG_TAKES_OPERATION,
} HgTakes;

/* Which handle a reply may carry. */
typedef enum {
    HG_GIVES_NOTHING,
    HG_GIVES_SESSION,   /* OpenSessionResp field 3 */
    HG_GIVES_OPERATION, /* field 2 of the replies that start an operation */
} HgGives;

typedef struct {
    HgMethodId id;
    const char *name; /* as it travels */
    HgTakes takes;
    HgGives gives;
} HgMethod;

/* The row of a name, or NULL for a method the service doesn't have. Names are case-sensitive.
 * At most four comparisons; any thread. */
const HgMethod *hg_method_find(HgSlice name);

/* The row of an id. */
const HgMethod *hg_method_get(HgMethodId id);

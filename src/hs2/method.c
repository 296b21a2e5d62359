/* The table of methods: see method.h. Constant data; any thread. */
#include "hs2/method.h"

#define ROW(method, method_name, what_it_takes, what_it_gives)                                     \
    [method] = {method, method_name, what_it_takes, what_it_gives}

static const HgMethod methods[HG_METHOD_COUNT] = {
    ROW(HG_METHOD_OPEN_SESSION, "OpenSession", HG_TAKES_NOTHING, HG_GIVES_SESSION),
    ROW(HG_METHOD_CLOSE_SESSION, "CloseSession", HG_TAKES_SESSION, HG_GIVES_NOTHING),
    ROW(HG_METHOD_GET_INFO, "GetInfo", HG_TAKES_SESSION, HG_GIVES_NOTHING),
    ROW(HG_METHOD_EXECUTE_STATEMENT, "ExecuteStatement", HG_TAKES_SESSION, HG_GIVES_OPERATION),
    ROW(HG_METHOD_GET_TYPE_INFO, "GetTypeInfo", HG_TAKES_SESSION, HG_GIVES_OPERATION),
    ROW(HG_METHOD_GET_CATALOGS, "GetCatalogs", HG_TAKES_SESSION, HG_GIVES_OPERATION),
    ROW(HG_METHOD_GET_SCHEMAS, "GetSchemas", HG_TAKES_SESSION, HG_GIVES_OPERATION),
    ROW(HG_METHOD_GET_TABLES, "GetTables", HG_TAKES_SESSION, HG_GIVES_OPERATION),
    ROW(HG_METHOD_GET_TABLE_TYPES, "GetTableTypes", HG_TAKES_SESSION, HG_GIVES_OPERATION),
    ROW(HG_METHOD_GET_COLUMNS, "GetColumns", HG_TAKES_SESSION, HG_GIVES_OPERATION),
    ROW(HG_METHOD_GET_FUNCTIONS, "GetFunctions", HG_TAKES_SESSION, HG_GIVES_OPERATION),
    ROW(HG_METHOD_GET_PRIMARY_KEYS, "GetPrimaryKeys", HG_TAKES_SESSION, HG_GIVES_OPERATION),
    ROW(HG_METHOD_GET_CROSS_REFERENCE, "GetCrossReference", HG_TAKES_SESSION, HG_GIVES_OPERATION),
    ROW(HG_METHOD_GET_OPERATION_STATUS, "GetOperationStatus", HG_TAKES_OPERATION, HG_GIVES_NOTHING),
    ROW(HG_METHOD_CANCEL_OPERATION, "CancelOperation", HG_TAKES_OPERATION, HG_GIVES_NOTHING),
    ROW(HG_METHOD_CLOSE_OPERATION, "CloseOperation", HG_TAKES_OPERATION, HG_GIVES_NOTHING),
    ROW(HG_METHOD_GET_RESULT_SET_METADATA, "GetResultSetMetadata", HG_TAKES_OPERATION,
        HG_GIVES_NOTHING),
    ROW(HG_METHOD_FETCH_RESULTS, "FetchResults", HG_TAKES_OPERATION, HG_GIVES_NOTHING),
    ROW(HG_METHOD_GET_DELEGATION_TOKEN, "GetDelegationToken", HG_TAKES_SESSION, HG_GIVES_NOTHING),
    ROW(HG_METHOD_CANCEL_DELEGATION_TOKEN, "CancelDelegationToken", HG_TAKES_SESSION,
        HG_GIVES_NOTHING),
    ROW(HG_METHOD_RENEW_DELEGATION_TOKEN, "RenewDelegationToken", HG_TAKES_SESSION,
        HG_GIVES_NOTHING),
    ROW(HG_METHOD_GET_QUERY_ID, "GetQueryId", HG_TAKES_OPERATION, HG_GIVES_NOTHING),
    ROW(HG_METHOD_SET_CLIENT_INFO, "SetClientInfo", HG_TAKES_SESSION, HG_GIVES_NOTHING),
    ROW(HG_METHOD_UPLOAD_DATA, "UploadData", HG_TAKES_SESSION, HG_GIVES_OPERATION),
    ROW(HG_METHOD_DOWNLOAD_DATA, "DownloadData", HG_TAKES_SESSION, HG_GIVES_OPERATION),
};

#define LONGEST_NAME 21

/* The methods by the length of their names, most called first. Ends with NULL. */
static const HgMethod *const by_length[LONGEST_NAME + 1][5] = {
    [7] = {&methods[HG_METHOD_GET_INFO]},
    [9] = {&methods[HG_METHOD_GET_TABLES]},
    [10] = {&methods[HG_METHOD_GET_COLUMNS], &methods[HG_METHOD_GET_SCHEMAS],
            &methods[HG_METHOD_GET_QUERY_ID], &methods[HG_METHOD_UPLOAD_DATA]},
    [11] = {&methods[HG_METHOD_OPEN_SESSION], &methods[HG_METHOD_GET_TYPE_INFO],
            &methods[HG_METHOD_GET_CATALOGS]},
    [12] = {&methods[HG_METHOD_FETCH_RESULTS], &methods[HG_METHOD_CLOSE_SESSION],
            &methods[HG_METHOD_GET_FUNCTIONS], &methods[HG_METHOD_DOWNLOAD_DATA]},
    [13] = {&methods[HG_METHOD_GET_TABLE_TYPES], &methods[HG_METHOD_SET_CLIENT_INFO]},
    [14] = {&methods[HG_METHOD_CLOSE_OPERATION], &methods[HG_METHOD_GET_PRIMARY_KEYS]},
    [15] = {&methods[HG_METHOD_CANCEL_OPERATION]},
    [16] = {&methods[HG_METHOD_EXECUTE_STATEMENT]},
    [17] = {&methods[HG_METHOD_GET_CROSS_REFERENCE]},
    [18] = {&methods[HG_METHOD_GET_OPERATION_STATUS], &methods[HG_METHOD_GET_DELEGATION_TOKEN]},
    [20] = {&methods[HG_METHOD_GET_RESULT_SET_METADATA],
            &methods[HG_METHOD_RENEW_DELEGATION_TOKEN]},
    [21] = {&methods[HG_METHOD_CANCEL_DELEGATION_TOKEN]},
};

const HgMethod *hg_method_find(HgSlice name)
{
    if (name.size > LONGEST_NAME)
        return NULL;
    for (const HgMethod *const *row = by_length[name.size]; *row != NULL; row++) {
        if (memcmp((*row)->name, name.data, name.size) == 0)
            return *row;
    }
    return NULL;
}

const HgMethod *hg_method_get(HgMethodId id)
{
    g_assert(id < HG_METHOD_COUNT);
    return &methods[id];
}

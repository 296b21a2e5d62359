/* The tables of request structs: see schema.h. Constant data; any thread. */
#include "hs2/schema.h"

#define BIT(id) (1u << (id))

/* clang-format off: it would give each brace a line */
/* Rows of fields: any, one whose value HgRequest takes, an enum, a struct. */
#define FIELD(name, kind)                                                                          \
    {                                                                                              \
        name, HG_KIND_##kind, HG_CAPTURE_NONE, 0, NULL                                             \
    }
#define TAKEN(name, kind, capture)                                                                 \
    {                                                                                              \
        name, HG_KIND_##kind, HG_CAPTURE_##capture, 0, NULL                                        \
    }
#define ENUM(name, capture, size)                                                                  \
    {                                                                                              \
        name, HG_KIND_I32, HG_CAPTURE_##capture, size, NULL                                        \
    }
#define NESTED(name, schema)                                                                       \
    {                                                                                              \
        name, HG_KIND_STRUCT, HG_CAPTURE_NONE, 0, &(schema)                                        \
    }
#define SESSION   NESTED("sessionHandle", session_handle)
#define OPERATION NESTED("operationHandle", operation_handle)

/* A struct with these rows; and the arguments of a method, whose one field is the request. */
#define STRUCT(name, rows, required)                                                               \
    {                                                                                              \
        name, rows, G_N_ELEMENTS(rows), required, NULL, 0                                          \
    }
/* A struct that Databricks adds fields to, without gaps from 0x501 on. */
#define STRUCT_ADDED(name, rows, required, more)                                                   \
    {                                                                                              \
        name, rows, G_N_ELEMENTS(rows), required, more, G_N_ELEMENTS(more)                         \
    }
#define REQ(request)                                                                               \
    {                                                                                              \
        "req", HG_KIND_STRUCT, HG_CAPTURE_REQ, 0, &(request)                                       \
    }
#define ARGS(method, request)                                                                      \
    {                                                                                              \
        method "_args", (const HgFieldSchema[]){REQ(request)}, 1, BIT(1), NULL, 0                  \
    }
/* clang-format on */

/* Sizes of the service's enums. GetInfo's types have gaps and are answered apart (hs2/info). */
#define OPERATION_TYPES    10
#define FETCH_ORIENTATIONS 6

/* ---- handles ---- */

static const HgFieldSchema identifier_fields[] = {
    TAKEN("guid", BINARY, GUID),
    TAKEN("secret", BINARY, SECRET),
};
static const HgStructSchema identifier =
    STRUCT("THandleIdentifier", identifier_fields, BIT(1) | BIT(2));

static const HgFieldSchema session_handle_fields[] = {
    NESTED("sessionId", identifier),
};
static const HgStructSchema session_handle =
    STRUCT("TSessionHandle", session_handle_fields, BIT(1));

static const HgFieldSchema operation_handle_fields[] = {
    NESTED("operationId", identifier),
    ENUM("operationType", OPERATION_TYPE, OPERATION_TYPES),
    FIELD("hasResultSet", BOOL),
    FIELD("modifiedRowCount", DOUBLE),
};
static const HgStructSchema operation_handle =
    STRUCT("TOperationHandle", operation_handle_fields, BIT(1) | BIT(2) | BIT(3));

/* ---- sessions ---- */

static const HgFieldSchema namespace_fields[] = {
    TAKEN("catalogName", TEXT, CATALOG),
    TAKEN("schemaName", TEXT, DATABASE),
};
static const HgStructSchema namespace = STRUCT("TNamespace", namespace_fields, 0);

/* client_protocol is required but has a default: Spark takes a request without it (measured,
 * 3.5.3). It is an enum, but clients of Databricks send values there that the service doesn't have:
 * hs2/request looks at it itself. */
static const HgFieldSchema open_session_fields[] = {
    TAKEN("client_protocol", I32, PROTOCOL),
    TAKEN("username", TEXT, USERNAME),
    TAKEN("password", TEXT, PASSWORD),
    TAKEN("configuration", TEXT_MAP, CONFIGURATION),
};
static const HgFieldSchema open_session_added[] = {
    TAKEN("getInfos", I32_LIST, GET_INFOS),
    TAKEN("client_protocol_i64", I64, SPARK_PROTOCOL),
    TAKEN("connectionProperties", TEXT_MAP, PROPERTIES),
    NESTED("initialNamespace", namespace),
    FIELD("canUseMultipleCatalogs", BOOL),
};
static const HgStructSchema open_session =
    STRUCT_ADDED("TOpenSessionReq", open_session_fields, 0, open_session_added);

/* Requests of a session handle and nothing else share their fields. */
static const HgFieldSchema session_only_fields[] = {SESSION};
static const HgStructSchema close_session = STRUCT("TCloseSessionReq", session_only_fields, BIT(1));
static const HgStructSchema get_type_info = STRUCT("TGetTypeInfoReq", session_only_fields, BIT(1));
static const HgStructSchema get_catalogs = STRUCT("TGetCatalogsReq", session_only_fields, BIT(1));
static const HgStructSchema get_table_types =
    STRUCT("TGetTableTypesReq", session_only_fields, BIT(1));

static const HgFieldSchema get_info_fields[] = {
    SESSION,
    TAKEN("infoType", I32, INFO_TYPE),
};
static const HgStructSchema get_info = STRUCT("TGetInfoReq", get_info_fields, BIT(1) | BIT(2));

static const HgFieldSchema set_client_info_fields[] = {
    SESSION,
    FIELD("configuration", TEXT_MAP),
};
static const HgStructSchema set_client_info =
    STRUCT("TSetClientInfoReq", set_client_info_fields, BIT(1));

static const HgFieldSchema get_delegation_token_fields[] = {SESSION, FIELD("owner", TEXT),
                                                            FIELD("renewer", TEXT)};
static const HgStructSchema get_delegation_token =
    STRUCT("TGetDelegationTokenReq", get_delegation_token_fields, BIT(1) | BIT(2) | BIT(3));

static const HgFieldSchema delegation_token_fields[] = {SESSION, FIELD("delegationToken", TEXT)};
static const HgStructSchema cancel_delegation_token =
    STRUCT("TCancelDelegationTokenReq", delegation_token_fields, BIT(1) | BIT(2));
static const HgStructSchema renew_delegation_token =
    STRUCT("TRenewDelegationTokenReq", delegation_token_fields, BIT(1) | BIT(2));

/* ---- what starts an operation ---- */

static const HgFieldSchema execute_statement_fields[] = {
    SESSION,
    TAKEN("statement", TEXT, STATEMENT),
    TAKEN("confOverlay", TEXT_MAP, CONFIGURATION),
    TAKEN("runAsync", BOOL, RUN_ASYNC),
    FIELD("queryTimeout", I64),
};
static const HgStructSchema execute_statement =
    STRUCT("TExecuteStatementReq", execute_statement_fields, BIT(1) | BIT(2));

static const HgFieldSchema get_schemas_fields[] = {SESSION, FIELD("catalogName", TEXT),
                                                   FIELD("schemaName", TEXT)};
static const HgStructSchema get_schemas = STRUCT("TGetSchemasReq", get_schemas_fields, BIT(1));

static const HgFieldSchema get_tables_fields[] = {
    SESSION,
    FIELD("catalogName", TEXT),
    FIELD("schemaName", TEXT),
    FIELD("tableName", TEXT),
    FIELD("tableTypes", TEXT_LIST),
};
static const HgStructSchema get_tables = STRUCT("TGetTablesReq", get_tables_fields, BIT(1));

static const HgFieldSchema get_columns_fields[] = {
    SESSION, FIELD("catalogName", TEXT), FIELD("schemaName", TEXT), FIELD("tableName", TEXT),
    FIELD("columnName", TEXT)};
static const HgStructSchema get_columns = STRUCT("TGetColumnsReq", get_columns_fields, BIT(1));

static const HgFieldSchema get_functions_fields[] = {
    SESSION, FIELD("catalogName", TEXT), FIELD("schemaName", TEXT), FIELD("functionName", TEXT)};
static const HgStructSchema get_functions =
    STRUCT("TGetFunctionsReq", get_functions_fields, BIT(1) | BIT(4));

static const HgFieldSchema get_primary_keys_fields[] = {
    SESSION, FIELD("catalogName", TEXT), FIELD("schemaName", TEXT), FIELD("tableName", TEXT)};
static const HgStructSchema get_primary_keys =
    STRUCT("TGetPrimaryKeysReq", get_primary_keys_fields, BIT(1));

static const HgFieldSchema get_cross_reference_fields[] = {
    SESSION,
    FIELD("parentCatalogName", TEXT),
    FIELD("parentSchemaName", TEXT),
    FIELD("parentTableName", TEXT),
    FIELD("foreignCatalogName", TEXT),
    FIELD("foreignSchemaName", TEXT),
    FIELD("foreignTableName", TEXT),
};
static const HgStructSchema get_cross_reference =
    STRUCT("TGetCrossReferenceReq", get_cross_reference_fields, BIT(1));

static const HgFieldSchema upload_data_fields[] = {
    SESSION,
    FIELD("tableName", TEXT),
    FIELD("path", TEXT),
    FIELD("values", BINARY),
};
static const HgStructSchema upload_data =
    STRUCT("TUploadDataReq", upload_data_fields, BIT(1) | BIT(4));

static const HgFieldSchema download_data_fields[] = {
    SESSION,
    FIELD("tableName", TEXT),
    TAKEN("query", TEXT, STATEMENT),
    FIELD("format", TEXT),
    FIELD("downloadOptions", TEXT_MAP),
};
static const HgStructSchema download_data =
    STRUCT("TDownloadDataReq", download_data_fields, BIT(1));

/* ---- what asks for an operation ---- */

static const HgFieldSchema get_operation_status_fields[] = {
    OPERATION,
    FIELD("getProgressUpdate", BOOL),
};
static const HgStructSchema get_operation_status =
    STRUCT("TGetOperationStatusReq", get_operation_status_fields, BIT(1));

static const HgFieldSchema operation_only_fields[] = {OPERATION};
static const HgStructSchema cancel_operation =
    STRUCT("TCancelOperationReq", operation_only_fields, BIT(1));
static const HgStructSchema close_operation =
    STRUCT("TCloseOperationReq", operation_only_fields, BIT(1));
static const HgStructSchema get_result_set_metadata =
    STRUCT("TGetResultSetMetadataReq", operation_only_fields, BIT(1));
static const HgStructSchema get_query_id = STRUCT("TGetQueryIdReq", operation_only_fields, BIT(1));

/* orientation is required but has a default: Spark 3.5.3 takes a request without it (measured). */
static const HgFieldSchema fetch_results_fields[] = {
    OPERATION,
    ENUM("orientation", NONE, FETCH_ORIENTATIONS),
    FIELD("maxRows", I64),
    TAKEN("fetchType", I16, FETCH_TYPE),
};
static const HgStructSchema fetch_results =
    STRUCT("TFetchResultsReq", fetch_results_fields, BIT(1) | BIT(3));

/* ---- the calls ---- */

static const HgStructSchema args[HG_METHOD_COUNT] = {
    [HG_METHOD_OPEN_SESSION] = ARGS("OpenSession", open_session),
    [HG_METHOD_CLOSE_SESSION] = ARGS("CloseSession", close_session),
    [HG_METHOD_GET_INFO] = ARGS("GetInfo", get_info),
    [HG_METHOD_EXECUTE_STATEMENT] = ARGS("ExecuteStatement", execute_statement),
    [HG_METHOD_GET_TYPE_INFO] = ARGS("GetTypeInfo", get_type_info),
    [HG_METHOD_GET_CATALOGS] = ARGS("GetCatalogs", get_catalogs),
    [HG_METHOD_GET_SCHEMAS] = ARGS("GetSchemas", get_schemas),
    [HG_METHOD_GET_TABLES] = ARGS("GetTables", get_tables),
    [HG_METHOD_GET_TABLE_TYPES] = ARGS("GetTableTypes", get_table_types),
    [HG_METHOD_GET_COLUMNS] = ARGS("GetColumns", get_columns),
    [HG_METHOD_GET_FUNCTIONS] = ARGS("GetFunctions", get_functions),
    [HG_METHOD_GET_PRIMARY_KEYS] = ARGS("GetPrimaryKeys", get_primary_keys),
    [HG_METHOD_GET_CROSS_REFERENCE] = ARGS("GetCrossReference", get_cross_reference),
    [HG_METHOD_GET_OPERATION_STATUS] = ARGS("GetOperationStatus", get_operation_status),
    [HG_METHOD_CANCEL_OPERATION] = ARGS("CancelOperation", cancel_operation),
    [HG_METHOD_CLOSE_OPERATION] = ARGS("CloseOperation", close_operation),
    [HG_METHOD_GET_RESULT_SET_METADATA] = ARGS("GetResultSetMetadata", get_result_set_metadata),
    [HG_METHOD_FETCH_RESULTS] = ARGS("FetchResults", fetch_results),
    [HG_METHOD_GET_DELEGATION_TOKEN] = ARGS("GetDelegationToken", get_delegation_token),
    [HG_METHOD_CANCEL_DELEGATION_TOKEN] = ARGS("CancelDelegationToken", cancel_delegation_token),
    [HG_METHOD_RENEW_DELEGATION_TOKEN] = ARGS("RenewDelegationToken", renew_delegation_token),
    [HG_METHOD_GET_QUERY_ID] = ARGS("GetQueryId", get_query_id),
    [HG_METHOD_SET_CLIENT_INFO] = ARGS("SetClientInfo", set_client_info),
    [HG_METHOD_UPLOAD_DATA] = ARGS("UploadData", upload_data),
    [HG_METHOD_DOWNLOAD_DATA] = ARGS("DownloadData", download_data),
};

const HgStructSchema *hg_schema_args(HgMethodId method)
{
    g_assert(method < HG_METHOD_COUNT);
    return &args[method];
}

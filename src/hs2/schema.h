/* What the service says about the structs of its requests: field ids, types, what must be there.
 *
 * The validator (hs2/request) walks a request along these tables. They hold what Hive 4.1 declares
 * (thrift/TCLIService.thrift), and of what Databricks adds (field ids from 0x501 on) only
 * OpenSession's, by which its clients are recognised; any other is an unknown field and passes.
 * Constant data; any thread. */
#pragma once

#include "hs2/method.h"
#include "wire/thrift.h"

/* How a value travels, and what is checked of it. */
typedef enum {
    HG_KIND_BOOL,
    HG_KIND_I16,
    HG_KIND_I32,
    HG_KIND_I64,
    HG_KIND_DOUBLE,
    HG_KIND_TEXT,      /* a string that must be UTF-8 without NUL */
    HG_KIND_BINARY,    /* a string of any bytes */
    HG_KIND_STRUCT,    /* `nested` says what is in it */
    HG_KIND_TEXT_MAP,  /* text to text, no key twice */
    HG_KIND_TEXT_LIST, /* list of text */
    HG_KIND_I32_LIST,  /* list of i32, or of an enum */
} HgKind;

/* Which member of HgRequest takes the value. */
typedef enum {
    HG_CAPTURE_NONE,
    HG_CAPTURE_REQ,
    HG_CAPTURE_GUID,
    HG_CAPTURE_SECRET,
    HG_CAPTURE_OPERATION_TYPE,
    HG_CAPTURE_STATEMENT,
    HG_CAPTURE_CONFIGURATION,
    HG_CAPTURE_USERNAME,
    HG_CAPTURE_PASSWORD,
    HG_CAPTURE_PROTOCOL,
    HG_CAPTURE_INFO_TYPE,
    HG_CAPTURE_RUN_ASYNC,
    HG_CAPTURE_FETCH_TYPE,
    HG_CAPTURE_GET_INFOS,
    HG_CAPTURE_SPARK_PROTOCOL,
    HG_CAPTURE_PROPERTIES,
    HG_CAPTURE_CATALOG,
    HG_CAPTURE_DATABASE,
} HgCapture;

typedef struct HgStructSchema HgStructSchema;

typedef struct {
    const char *name;
    HgKind kind;
    HgCapture capture;
    gint32 enum_size;             /* an enum's values are 0 to this - 1; 0: not checked */
    const HgStructSchema *nested; /* HG_KIND_STRUCT only */
} HgFieldSchema;

struct HgStructSchema {
    const char *name;            /* as Java names it in its errors */
    const HgFieldSchema *fields; /* of the ids 1 to count, without gaps */
    gint16 count;
    guint32 required; /* bit n: field n has to be there and has no default */
    /* of the ids from HG_SCHEMA_FIRST_ADDED on, by Databricks; of another type it is an unknown one
     */
    const HgFieldSchema *added;
    gint16 added_count;
};

#define HG_SCHEMA_FIRST_ADDED 0x501

/* The arguments of a call: a struct whose field 1 is the request struct. */
const HgStructSchema *hg_schema_args(HgMethodId method);

/* The field of an id, or NULL for one that the service doesn't have. */
static inline const HgFieldSchema *hg_schema_field(const HgStructSchema *schema, gint16 id)
{
    if (id >= 1 && id <= schema->count)
        return &schema->fields[id - 1];
    gint added = id - HG_SCHEMA_FIRST_ADDED;
    return added >= 0 && added < schema->added_count ? &schema->added[added] : NULL;
}

/* The type byte that a value of this kind has. */
static inline guint8 hg_schema_wire_type(HgKind kind)
{
    static const guint8 types[] = {
        [HG_KIND_BOOL] = HG_THRIFT_BOOL,     [HG_KIND_I16] = HG_THRIFT_I16,
        [HG_KIND_I32] = HG_THRIFT_I32,       [HG_KIND_I64] = HG_THRIFT_I64,
        [HG_KIND_DOUBLE] = HG_THRIFT_DOUBLE, [HG_KIND_TEXT] = HG_THRIFT_STRING,
        [HG_KIND_BINARY] = HG_THRIFT_STRING, [HG_KIND_STRUCT] = HG_THRIFT_STRUCT,
        [HG_KIND_TEXT_MAP] = HG_THRIFT_MAP,  [HG_KIND_TEXT_LIST] = HG_THRIFT_LIST,
        [HG_KIND_I32_LIST] = HG_THRIFT_LIST,
    };
    return types[kind];
}

/* What GetInfo's types mean for Spark SQL.
 *
 * A Spark Thrift Server answers four of the 48 types and drops the connection at every other, as
 * the value that the reply requires stays unset (measured, 3.5.3). These rows are hivegate's own
 * answers, with the meaning that ODBC's SQLGetInfo gives to the type and the width that it gives to
 * the value. Constant data; any thread. */
#pragma once

#include <glib.h>

/* Which member of TGetInfoValue takes the value. */
typedef enum {
    HG_INFO_FORWARDED, /* the server answers */
    HG_INFO_UNKNOWN,   /* a matter of the driver or the data source: an error */
    HG_INFO_USER,      /* text: the user of the session */
    HG_INFO_TEXT,
    HG_INFO_SMALL,   /* ODBC: SQLUSMALLINT */
    HG_INFO_BITMASK, /* ODBC: SQLUINTEGER bitmask */
    HG_INFO_FLAG,    /* ODBC: SQLUINTEGER, one of several values */
    HG_INFO_LENGTH,  /* ODBC: SQLUINTEGER, a largest size; 0: none, or not known */
} HgInfoKind;

typedef struct {
    gint32 type; /* TGetInfoType */
    HgInfoKind kind;
    gint32 number;    /* SMALL to LENGTH */
    const char *text; /* TEXT */
} HgInfo;

/* The row of a type, or NULL for a number that the service doesn't have. */
const HgInfo *hg_info_find(gint32 type);

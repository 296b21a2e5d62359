/* GetInfo's types: see info.h. Constant data; any thread. */
#include "hs2/info.h"

/* Values of ODBC that the rows below use. */
enum {
    FETCH_NEXT_FIRST_PRIOR = 0x1 | 0x2 | 0x8, /* what Spark's FetchResults knows (measured) */
    CURSORS_SURVIVE_COMMIT = 2,
    IDENTIFIERS_LOWER = 2, /* not case-sensitive, kept in lower case */
    READ_ONLY_CURSORS = 1,
    NO_TRANSACTIONS = 0,
    NULLS_LOW = 1, /* Spark: ASC NULLS FIRST, DESC NULLS LAST */
    ALTER_ADD_COLUMN = 1,
    ALL_OUTER_JOINS = 0x7f,
    INSENSITIVE_CURSORS = 1,
};

static const HgInfo infos[] = {
    {0, HG_INFO_SMALL, 0, NULL},   /* MAX_DRIVER_CONNECTIONS */
    {1, HG_INFO_SMALL, 0, NULL},   /* MAX_CONCURRENT_ACTIVITIES */
    {2, HG_INFO_UNKNOWN, 0, NULL}, /* DATA_SOURCE_NAME: a name in the driver's own settings */
    {8, HG_INFO_BITMASK, FETCH_NEXT_FIRST_PRIOR, NULL},
    {13, HG_INFO_FORWARDED, 0, NULL}, /* SERVER_NAME */
    {14, HG_INFO_TEXT, 0, "\\"},      /* SEARCH_PATTERN_ESCAPE */
    {17, HG_INFO_FORWARDED, 0, NULL}, /* DBMS_NAME */
    {18, HG_INFO_FORWARDED, 0, NULL}, /* DBMS_VER */
    {19, HG_INFO_TEXT, 0, "N"},       /* ACCESSIBLE_TABLES: a listed table may be forbidden */
    {20, HG_INFO_TEXT, 0, "N"},       /* ACCESSIBLE_PROCEDURES */
    {23, HG_INFO_SMALL, CURSORS_SURVIVE_COMMIT, NULL},
    {25, HG_INFO_TEXT, 0, "N"},                     /* DATA_SOURCE_READ_ONLY */
    {26, HG_INFO_BITMASK, NO_TRANSACTIONS, NULL},   /* DEFAULT_TXN_ISOLATION */
    {28, HG_INFO_SMALL, IDENTIFIERS_LOWER, NULL},   /* IDENTIFIER_CASE */
    {29, HG_INFO_TEXT, 0, "`"},                     /* IDENTIFIER_QUOTE_CHAR */
    {30, HG_INFO_SMALL, 0, NULL},                   /* MAX_COLUMN_NAME_LEN */
    {31, HG_INFO_SMALL, 0, NULL},                   /* MAX_CURSOR_NAME_LEN */
    {32, HG_INFO_SMALL, 0, NULL},                   /* MAX_SCHEMA_NAME_LEN */
    {34, HG_INFO_SMALL, 0, NULL},                   /* MAX_CATALOG_NAME_LEN */
    {35, HG_INFO_SMALL, 0, NULL},                   /* MAX_TABLE_NAME_LEN */
    {43, HG_INFO_BITMASK, READ_ONLY_CURSORS, NULL}, /* SCROLL_CONCURRENCY */
    {46, HG_INFO_SMALL, NO_TRANSACTIONS, NULL},     /* TXN_CAPABLE */
    {47, HG_INFO_USER, 0, NULL},                    /* USER_NAME */
    {72, HG_INFO_BITMASK, NO_TRANSACTIONS, NULL},   /* TXN_ISOLATION_OPTION */
    {73, HG_INFO_TEXT, 0, "N"},                     /* INTEGRITY */
    {81, HG_INFO_UNKNOWN, 0, NULL},                 /* GETDATA_EXTENSIONS: of the driver */
    {85, HG_INFO_SMALL, NULLS_LOW, NULL},           /* NULL_COLLATION */
    {86, HG_INFO_BITMASK, ALTER_ADD_COLUMN, NULL},  /* ALTER_TABLE */
    {90, HG_INFO_TEXT, 0, "N"},                     /* ORDER_BY_COLUMNS_IN_SELECT */
    {94, HG_INFO_TEXT, 0, ""},                     /* SPECIAL_CHARACTERS of a name without quotes */
    {97, HG_INFO_SMALL, 0, NULL},                  /* MAX_COLUMNS_IN_GROUP_BY */
    {98, HG_INFO_SMALL, 0, NULL},                  /* MAX_COLUMNS_IN_INDEX */
    {99, HG_INFO_SMALL, 0, NULL},                  /* MAX_COLUMNS_IN_ORDER_BY */
    {100, HG_INFO_SMALL, 0, NULL},                 /* MAX_COLUMNS_IN_SELECT */
    {101, HG_INFO_SMALL, 0, NULL},                 /* MAX_COLUMNS_IN_TABLE */
    {102, HG_INFO_LENGTH, 0, NULL},                /* MAX_INDEX_SIZE */
    {104, HG_INFO_LENGTH, 0, NULL},                /* MAX_ROW_SIZE */
    {105, HG_INFO_LENGTH, 0, NULL},                /* MAX_STATEMENT_LEN */
    {106, HG_INFO_SMALL, 0, NULL},                 /* MAX_TABLES_IN_SELECT */
    {107, HG_INFO_SMALL, 0, NULL},                 /* MAX_USER_NAME_LEN */
    {115, HG_INFO_BITMASK, ALL_OUTER_JOINS, NULL}, /* OJ_CAPABILITIES */
    {10000, HG_INFO_TEXT, 0, "1995"},              /* XOPEN_CLI_YEAR */
    {10001, HG_INFO_FLAG, INSENSITIVE_CURSORS, NULL},
    {10002, HG_INFO_TEXT, 0, "N"},           /* DESCRIBE_PARAMETER */
    {10003, HG_INFO_TEXT, 0, "N"},           /* CATALOG_NAME: Spark lists no catalogs here */
    {10004, HG_INFO_TEXT, 0, "UTF8_BINARY"}, /* COLLATION_SEQ: by the bytes of UTF-8 */
    {10005, HG_INFO_SMALL, 0, NULL},         /* MAX_IDENTIFIER_LEN */
    {10006, HG_INFO_FORWARDED, 0, NULL},     /* ODBC_KEYWORDS */
};

const HgInfo *hg_info_find(gint32 type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(infos); i++) {
        if (infos[i].type == type)
            return &infos[i];
    }
    return NULL;
}

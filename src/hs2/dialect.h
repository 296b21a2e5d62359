/* The dialect of Databricks' clients, spoken to a plain Spark Thrift Server.
 *
 * Drivers made for Databricks (the JDBC driver by Simba, Databricks' own connectors) say in
 * OpenSession that they know a protocol version of Databricks, and don't work with a server that
 * answers with one of Hive. What they need besides was found by running databricks-jdbc 2.6.40 and
 * databricks-sql-connector 4.9.0 against Spark 3.5.3 and 4.0.1:
 *
 *   - A version: the JDBC driver takes 0xA501 (V1) or more, the connector V2. Below V3 the JDBC
 *     driver sends statements that its own parser has rewritten, with a date parameter written
 *     2024-02-29, which is 1993. From V4 on it wants the initial namespace in the reply, with a
 *     catalog, and then believes the server's lists of catalogs, which Spark leaves empty; from
 *     V8 on it sends parameters that Spark doesn't read. The connector wants V4 as soon as it
 *     asks for a schema, and canUseMultipleCatalogs as soon as it asks for a catalog. So it is V3,
 *     and V4 for a connector that asks for either.
 *   - hasMoreRows: Spark always says no, and these clients believe it. Without an edit they end
 *     every result, silently, after the first batch (10,000 rows, or the fetch size). So a batch
 *     that holds rows says yes; the empty one behind the last says no.
 *   - resultFormat: the connector wants "columns" in GetResultSetMetadata and each FetchResults.
 *   - A column: what USE, CREATE, INSERT and the like give has one by its metadata ("Result") and
 *     none in its batch: Spark 3.5 leaves the list of columns out, 4.0 sends an empty one. With the
 *     one the connector fails once the statement has run, with the other when the result is read.
 *     So the batch gets that column, without values.
 *   - A schema and catalog to start in: hs2/open makes use:database of them.
 *
 * Everything here edits bytes in place. Pure; any thread. */
#pragma once

#include "hs2/reply.h"
#include "hs2/request.h"

/* What a session's client has to be told. All zero: it speaks as Hive's clients do, and gets what
 * the server says. */
typedef struct {
    gint32 protocol;       /* serverProtocolVersion in the reply of OpenSession */
    gboolean says_format;  /* its results say that they are columns */
    gboolean has_catalogs; /* the reply of OpenSession says canUseMultipleCatalogs */
} HgDialect;

/* The dialect of an OpenSession that is OK. */
HgDialect hg_dialect_find(const HgRequest *request);

/* The value of use:database for the schema and catalog that the request names in its initial
 * namespace: identifiers quoted where Spark's SQL wants that. NULL when the request isn't of
 * Databricks' family or names neither. Catalogs that only mean "the one there is" (Spark,
 * spark_catalog, hive_metastore) are left out; any other is put in front of the schema, and the
 * server says so when it has no such catalog. Free with g_free. */
char *hg_dialect_database(const HgRequest *request, HgSlice message);

/* By how many bytes hg_dialect_edit() can make a reply longer. */
#define HG_DIALECT_GROWTH 50

/* Edits a reply of `method` for a client of this dialect, given its first bytes as hg_reply_peek()
 * read them. Returns by how many bytes the reply now begins earlier: the bytes in front of
 * `message` take what is added, so HG_DIALECT_GROWTH of them must be writable. The offsets in
 * `head` hold no longer then, so this comes after everything else that is done to the reply. */
guint hg_dialect_edit(const HgDialect *dialect, const HgMethod *method, const HgReplyHead *head,
                      guint8 *message) G_GNUC_WARN_UNUSED_RESULT;

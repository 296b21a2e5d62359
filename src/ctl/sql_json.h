/* The requests of hivegatectl sql: one JSON object on a line. One thread. */
#pragma once

#include "base/slice.h"
#include "ctl/command.h"

#include <jansson.h>

/* A request; `text` lives as long as it does. */
typedef struct {
    json_t *root; /* owned */
    json_t *id;   /* borrowed from root; NULL when there is none */
    json_t *conf; /* the same; an object */
    HgSlice text; /* the statement */
} HgSqlRequest;

/* Reads one line. Returns NULL, or what is wrong with it (to be freed); *request is to be cleared
 * in both cases. */
char *hg_sql_request_read(HgSqlRequest *request, const char *line, gsize size);

void hg_sql_request_clear(HgSqlRequest *request);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgSqlRequest, hg_sql_request_clear)

/* Counts code points in UTF-8 from the place asked for last: all places of a text cost one pass, as
 * long as they are asked for in order. Begins as {.text = ...}. */
typedef struct {
    const guint8 *text;
    gsize at;
    guint points;
} HgSqlPoints;

/* How many code points stand in front of byte `at`. */
guint hg_sql_points_at(HgSqlPoints *points, gsize at);

/* The answer to one request, or to a line that can't be read when `wrong` says why; never NULL. */
typedef json_t *(*HgSqlAnswerFunc)(const HgSqlRequest *request, const char *wrong, gpointer data);

/* Answers the lines of standard input one by one, in their order: memory holds one statement at a
 * time. */
HgCtlResult hg_sql_answer_lines(const HgCtlStreams *streams, HgSqlAnswerFunc answer, gpointer data,
                                GError **error);

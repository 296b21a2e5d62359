/* Reading the requests of hivegatectl sql: see sql_json.h. Owns nothing; one thread. */
#include "ctl/sql_json.h"

#include "base/error.h"
#include "sql/lexer.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

char *hg_sql_request_read(HgSqlRequest *request, const char *line, gsize size)
{
    json_error_t wrong;
    request->root = json_loadb(line, size, JSON_ALLOW_NUL | JSON_DECODE_ANY, &wrong);
    if (request->root == NULL)
        return g_strdup_printf("the line is no JSON: %s at byte %d", wrong.text, wrong.position);
    request->id = json_object_get(request->root, "id");
    request->conf = json_object_get(request->root, "conf");
    json_t *sql = json_object_get(request->root, "sql");
    if (!json_is_string(sql))
        return g_strdup("the line has no statement; expected {\"id\": ..., \"sql\": \"...\"}");
    if (request->conf != NULL && !json_is_null(request->conf) && !json_is_object(request->conf))
        return g_strdup("conf is no object; expected {\"spark.sql...\": \"value\", ...}");
    request->text = hg_slice(json_string_value(sql), json_string_length(sql));
    if (request->text.size > HG_SQL_MAX_TEXT)
        return g_strdup("the statement is too long");
    return NULL;
}

void hg_sql_request_clear(HgSqlRequest *request)
{
    json_decref(request->root);
    *request = (HgSqlRequest){0};
}

guint hg_sql_points_at(HgSqlPoints *points, gsize at)
{
    if (at < points->at) {
        points->at = 0;
        points->points = 0;
    }
    for (; points->at < at; points->at++)
        points->points += (points->text[points->at] & 0xC0) != 0x80;
    return points->points;
}

static json_t *answer_line(const char *line, gsize size, HgSqlAnswerFunc answer, gpointer data)
{
    g_auto(HgSqlRequest) request = {0};
    g_autofree char *wrong = hg_sql_request_read(&request, line, size);
    return answer(&request, wrong, data);
}

HgCtlResult hg_sql_answer_lines(const HgCtlStreams *streams, HgSqlAnswerFunc answer, gpointer data,
                                GError **error)
{
    FILE *in = fdopen(dup(streams->in), "r");
    if (in == NULL) {
        hg_error_set_errno(error, errno, "standard input can't be read");
        return HG_CTL_FAILED;
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, in)) >= 0) {
        if (size > 0 && line[size - 1] == '\n')
            size--;
        json_t *out = answer_line(line, (gsize)size, answer, data);
        json_dumpf(out, streams->out, JSON_COMPACT | JSON_ENSURE_ASCII);
        json_decref(out);
        fputc('\n', streams->out);
    }
    gboolean failed = ferror(in) != 0;
    if (failed)
        hg_error_set_errno(error, errno, "standard input can't be read");
    free(line);
    fclose(in);
    fflush(streams->out);
    return failed ? HG_CTL_FAILED : HG_CTL_DONE;
}

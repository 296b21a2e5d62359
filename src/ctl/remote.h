/* Asking a running hivegate's admin server. One thread. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* Where it is; filled from the command line. */
typedef struct {
    char *admin; /* unix:PATH or https://HOST:PORT; NULL: $HIVEGATE_ADMIN, or the default socket */
    char *token_file;
    char *ca_file;
} HgRemote;

void hg_remote_clear(HgRemote *remote);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgRemote, hg_remote_clear)

/* Adds --admin, --token-file and --ca-file to a command's options. */
void hg_remote_add_options(HgRemote *remote, GOptionContext *context);

/* GET of a path, or POST of `body` (may be NULL) when `method` says so. *out is the answer's JSON,
 * the caller's (json_decref). An error has what the server says, or why it can't be reached. */
gboolean hg_remote_ask(const HgRemote *remote, const char *method, const char *path,
                       const json_t *body, json_t **out, GError **error);

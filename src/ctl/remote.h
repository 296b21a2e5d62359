/* Asking a running hivegate's admin server. One thread. */
#pragma once

#include "base/secret.h"

#include <jansson.h>

/* Where it is; filled from the command line. */
typedef struct {
    char *admin; /* unix:PATH or https://HOST:PORT; NULL: $HIVEGATE_ADMIN, or the default socket */
    char *token_file;
    char *ca_file;
    char *certificate_file; /* with key_file: a client certificate */
    char *key_file;
    char *user; /* logs in; the password comes from the file, or from the terminal, once */
    char *password_file;
    HgSecret *password;
} HgRemote;

void hg_remote_clear(HgRemote *remote);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgRemote, hg_remote_clear)

/* Adds --admin and what else says who asks whom to a command's options. */
void hg_remote_add_options(HgRemote *remote, GOptionContext *context);

/* GET of a path, or POST of `body` (may be NULL) when `method` says so. *out is the answer's JSON,
 * the caller's (json_decref). An error has what the server says, or why it can't be reached. */
gboolean hg_remote_ask(HgRemote *remote, const char *method, const char *path, const json_t *body,
                       json_t **out, GError **error);

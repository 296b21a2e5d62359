/* Certificate authorities and certificates for tests, as PEM files in a folder. Failures end the
 * test. */
#pragma once

#include <glib.h>

typedef struct Authority Authority;

/* An authority with a key of its own; its certificate is in `folder`/`name`.pem. */
Authority *authority_new(const char *folder, const char *name);
void authority_free(Authority *authority);

/* The same, but another authority vouches for it. */
Authority *authority_new_below(Authority *parent, const char *name);

/* Issues `folder`/`name`.pem and .key: CN `common_name`; `alternative_names` as OpenSSL's
 * configuration writes them ("DNS:a,IP:127.0.0.1,email:x@y,URI:z"), or NULL; valid from a day ago
 * for `days` days from now (negative: it has expired). */
void authority_issue(Authority *authority, const char *name, const char *common_name,
                     const char *alternative_names, int days);

/* `folder`/`name`; free with g_free. */
char *certificate_path(Authority *authority, const char *name);

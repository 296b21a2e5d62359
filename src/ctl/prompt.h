/* Getting a password from a person or a pipe, without showing or keeping it. One thread. */
#pragma once

#include "base/secret.h"

/* Asks on the terminal behind `fd` with echo off, and puts the terminal back whatever happens: a
 * signal that ends or stops the process takes effect after that. *out is the caller's. */
gboolean hg_prompt_terminal(int fd, const char *prompt, HgSecret **out, GError **error);

/* Asks for a password on the process's terminal, twice when `confirm`. *out is the caller's. */
gboolean hg_prompt_password(gboolean confirm, HgSecret **out, GError **error);

/* Reads one line from `fd`, without its line end: what --password-stdin means. */
gboolean hg_prompt_line(int fd, HgSecret **out, GError **error);

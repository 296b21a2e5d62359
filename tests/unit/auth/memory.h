/* Looking for a secret in the whole memory of the test's own process. */
#pragma once

#include <glib.h>

#define SECRET_BYTES 24

/* A random secret of printable characters that is nowhere in memory but where reveal() puts it:
 * what is kept is masked. */
typedef struct {
    guint8 masked[SECRET_BYTES];
} HiddenSecret;

HiddenSecret hidden_secret(void);

/* Writes the secret to `out` (no NUL); the caller wipes it. */
void hidden_secret_reveal(const HiddenSecret *secret, char out[SECRET_BYTES]);

/* How many times the secret is in the process's memory now, freed blocks included. */
guint hidden_secret_count(const HiddenSecret *secret);

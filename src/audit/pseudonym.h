/* Names of people as keyed hashes: whoever has the key can make a name's pseudonym and so find its
 * events; nobody else can tell whose they are.
 *
 * A pseudonym is "p-" and the first 32 hexadecimal digits of the HMAC-SHA256 of the name, under a
 * key from a file. The same name has the same pseudonym wherever it stands. Immutable; any thread.
 */
#pragma once

#include "audit/event.h"
#include "base/secret.h"

#define HG_PSEUDONYM_TEXT    35 /* with the NUL */
#define HG_PSEUDONYM_KEY_MIN 32 /* bytes of a key */

typedef struct HgPseudonyms HgPseudonyms;

/* With the key in the file's first line. `addresses`: clients' addresses become pseudonyms, too. */
HgPseudonyms *hg_pseudonyms_load(const char *path, gboolean addresses, GError **error);
void hg_pseudonyms_free(HgPseudonyms *pseudonyms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgPseudonyms, hg_pseudonyms_free)

void hg_pseudonym_make(const HgPseudonyms *pseudonyms, HgSlice name, char out[HG_PSEUDONYM_TEXT]);

/* Room for the pseudonyms of an event. */
typedef struct {
    char texts[4][HG_PSEUDONYM_TEXT];
} HgPseudonymTexts;

/* Puts pseudonyms into the event's principal and effective user, and as the options say its
 * addresses, whose port doesn't count. They are borrowed from *texts. */
void hg_pseudonyms_apply(const HgPseudonyms *pseudonyms, HgAuditEvent *event,
                         HgPseudonymTexts *texts);

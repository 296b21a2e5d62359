/* One identity under one set of policies and one set of schemas: what each table is to it.
 *
 * Remembers what it worked out, so that a second statement costs less. Belongs to one thread; set,
 * schemas and identity must outlive it. Pure. */
#pragma once

#include "policy/access.h"

typedef struct HgSubject HgSubject;

/* `now`: seconds since 1970, for policies that hold for a time only. */
HgSubject *hg_subject_new(const HgPolicySet *set, const HgSchemas *schemas,
                          const HgIdentity *identity, gint64 now);

const HgPolicySet *hg_subject_set(const HgSubject *subject);
const HgSchemas *hg_subject_schemas(const HgSubject *subject);
const HgIdentity *hg_subject_identity(const HgSubject *subject);

/* TRUE when a policy could limit what the identity sees or does: then its statements are analysed
 * and written anew. */
gboolean hg_subject_is_covered(const HgSubject *subject);

/* TRUE when there may be tables whose very existence is hidden from the identity. */
gboolean hg_subject_misses_tables(const HgSubject *subject);

/* The same of columns. */
gboolean hg_subject_misses_columns(const HgSubject *subject);

/* TRUE when all of these capabilities (HG_CAPABILITY_...) are granted. */
gboolean hg_subject_can(const HgSubject *subject, guint capabilities);

/* TRUE when a function that isn't Spark's may be called; the name folded, with its database. */
gboolean hg_subject_may_call(const HgSubject *subject, const char *function);

/* What a table of the schemas is to the identity; borrowed. */
const HgTableAccess *hg_subject_access(HgSubject *subject, const HgTable *table);

/* The same for a table that isn't among them, of which only the name counts. Owned by the caller.
 */
HgTableAccess *hg_subject_access_new(const HgSubject *subject, const HgTable *table);

/* NULL does nothing. */
void hg_subject_free(HgSubject *subject);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSubject, hg_subject_free)

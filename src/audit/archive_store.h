/* Where archives are kept: a folder, or an S3-compatible store.
 *
 * An S3 store is named s3://BUCKET[/PREFIX] and reached by path-style URLs, signed with AWS
 * signature version 4 by libcurl. A file is put with one request (at most 5 GB), its SHA-256 in the
 * signature. Blocks; one thread. */
#pragma once

#include "base/secret.h"

typedef struct HgArchiveStore HgArchiveStore;

typedef struct {
    const char *location; /* a folder, or s3://BUCKET[/PREFIX] */
    const char *endpoint; /* the S3 store's URL; NULL: that of AWS in the region */
    const char *region;   /* NULL: us-east-1 */
    const char *key_id;   /* for S3 */
    HgSecret *secret;     /* for S3; borrowed for its life */
    const char *ca_file;  /* PEM; NULL: the system's */
} HgArchiveStoreOptions;

/* Opens it; a folder must be there. */
HgArchiveStore *hg_archive_store_open(const HgArchiveStoreOptions *options, GError **error);
void hg_archive_store_free(HgArchiveStore *store);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgArchiveStore, hg_archive_store_free)

/* Puts a local file there under the name, which is whole or not there. */
gboolean hg_archive_store_put(HgArchiveStore *store, const char *name, const char *path,
                              GError **error);

/* Gets the file with this name into a local one; HG_ERROR_NOT_FOUND when there is none. */
gboolean hg_archive_store_get(HgArchiveStore *store, const char *name, const char *path,
                              GError **error);

/* The names of all files that begin with "event-", in order: a new array of strings. */
gboolean hg_archive_store_list(HgArchiveStore *store, GPtrArray **names, GError **error);

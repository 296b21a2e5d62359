/* Folders and S3 stores: see archive_store.h. Owns libcurl's handle. */
#include "audit/archive_store.h"

#include "base/error.h"

#include "audit/archive_file.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* SHA-256 of nothing. */
#define EMPTY        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define PIECE        (256 * 1024)
#define CONNECT_S    20L
#define SLOW_S       60L /* without any progress */
#define ANSWER_MAX   (4u << 20)
#define STATUS_OK    200
#define STATUS_NONE  404
#define STATUS_ABOVE 300

struct HgArchiveStore {
    char *folder; /* NULL: S3 */
    char *base;   /* of URLs: ".../bucket/" */
    char *prefix; /* of names, with its "/" when it isn't empty */
    char *signature;
    char *user;
    char *ca_file;
    CURL *curl;
    struct curl_slist *empty; /* header with the hash of no body, for GET */
};

/* ---- opening ---- */

static gboolean open_folder(HgArchiveStore *store, const char *location, GError **error)
{
    if (!g_file_test(location, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, HG_ERROR, HG_ERROR_NOT_FOUND,
                    "%s is no folder; make it, or name s3://BUCKET/PREFIX", location);
        return FALSE;
    }
    store->folder = g_strdup(location);
    return TRUE;
}

/* Splits "BUCKET[/PREFIX]"; only characters that stand in URLs as they are. */
static gboolean read_bucket(HgArchiveStore *store, const char *text, char **bucket, GError **error)
{
    const char *slash = strchr(text, '/');
    gboolean ok = *text != '\0' && slash != text;
    for (const char *at = text; *at != '\0'; at++)
        ok = ok && (g_ascii_isalnum(*at) || strchr("-._/", *at) != NULL);
    if (!ok || strstr(text, "//") != NULL || strstr(text, "..") != NULL) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "s3://%s isn't understood; expected s3://BUCKET/PREFIX of letters, digits, "
                    "'-', '.', '_' and '/'",
                    text);
        return FALSE;
    }
    *bucket = slash != NULL ? g_strndup(text, (gsize)(slash - text)) : g_strdup(text);
    const char *prefix = slash != NULL ? slash + 1 : "";
    gboolean whole = *prefix == '\0' || g_str_has_suffix(prefix, "/");
    store->prefix = g_strconcat(prefix, whole ? "" : "/", NULL);
    return TRUE;
}

static gboolean open_s3(HgArchiveStore *store, const HgArchiveStoreOptions *options, GError **error)
{
    const char *region = options->region != NULL ? options->region : "us-east-1";
    g_autofree char *bucket = NULL;
    g_autofree char *aws = g_strdup_printf("https://s3.%s.amazonaws.com", region);
    g_autofree char *endpoint = g_strdup(options->endpoint != NULL ? options->endpoint : aws);
    if (!read_bucket(store, options->location + strlen("s3://"), &bucket, error))
        return FALSE;
    if (options->key_id == NULL || options->secret == NULL) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID,
                            "the S3 store wants a key: set AWS_ACCESS_KEY_ID and "
                            "AWS_SECRET_ACCESS_KEY");
        return FALSE;
    }
    if (g_str_has_suffix(endpoint, "/"))
        endpoint[strlen(endpoint) - 1] = '\0';
    store->base = g_strdup_printf("%s/%s/", endpoint, bucket);
    store->signature = g_strdup_printf("aws:amz:%s:s3", region);
    store->user = g_strdup_printf("%s:%s", options->key_id,
                                  (const char *)hg_secret_slice(options->secret).data);
    store->ca_file = g_strdup(options->ca_file);
    store->curl = curl_easy_init();
    store->empty = curl_slist_append(NULL, "x-amz-content-sha256: " EMPTY);
    if (store->curl != NULL && store->empty != NULL)
        return TRUE;
    g_set_error_literal(error, HG_ERROR, HG_ERROR_LIMIT, "there is no memory for libcurl");
    return FALSE;
}

HgArchiveStore *hg_archive_store_open(const HgArchiveStoreOptions *options, GError **error)
{
    g_autoptr(HgArchiveStore) store = g_new0(HgArchiveStore, 1);
    gboolean s3 = g_str_has_prefix(options->location, "s3://");
    if (!(s3 ? open_s3(store, options, error) : open_folder(store, options->location, error)))
        return NULL;
    return g_steal_pointer(&store);
}

void hg_archive_store_free(HgArchiveStore *store)
{
    if (store == NULL)
        return;
    if (store->curl != NULL)
        curl_easy_cleanup(store->curl);
    curl_slist_free_all(store->empty);
    hg_secret_free_string(store->user);
    g_free(store->folder);
    g_free(store->base);
    g_free(store->prefix);
    g_free(store->signature);
    g_free(store->ca_file);
    g_free(store);
}

/* ---- folders ---- */

/* Copies what is left of `in`, and makes it durable. */
static gboolean copy_all(int in, int out)
{
    g_autofree guint8 *piece = g_malloc(PIECE);
    gssize got;
    while ((got = read(in, piece, PIECE)) > 0)
        for (gssize done = 0, put; done < got; done += put)
            if ((put = write(out, piece + done, (gsize)(got - done))) < 0)
                return FALSE;
    return got == 0 && fsync(out) == 0;
}

static gboolean copy_file(const char *from, const char *to, GError **error)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        hg_error_set_errno(error, errno, "can't open %s", from);
        if (error != NULL && *error != NULL && errno == ENOENT)
            (*error)->code = HG_ERROR_NOT_FOUND;
        return FALSE;
    }
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    gboolean ok = out >= 0 && copy_all(in, out);
    if (!ok)
        hg_error_set_errno(error, errno, "can't copy %s to %s", from, to);
    if (out >= 0)
        close(out);
    close(in);
    return ok;
}

static gboolean put_into_folder(HgArchiveStore *store, const char *name, const char *path,
                                GError **error)
{
    g_autofree char *at = g_build_filename(store->folder, name, NULL);
    g_autofree char *temporary = g_strconcat(at, ".tmp", NULL);
    if (!copy_file(path, temporary, error)) {
        unlink(temporary);
        return FALSE;
    }
    int folder = open(store->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean ok = folder >= 0 && rename(temporary, at) == 0 && fsync(folder) == 0;
    if (!ok)
        hg_error_set_errno(error, errno, "can't write %s", at);
    if (folder >= 0)
        close(folder);
    return ok;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean list_folder(HgArchiveStore *store, GPtrArray *names, GError **error)
{
    g_autoptr(GError) failed = NULL;
    GDir *dir = g_dir_open(store->folder, 0, &failed);
    if (dir == NULL) {
        g_set_error(error, HG_ERROR, HG_ERROR_IO, "can't list the archive: %s", failed->message);
        return FALSE;
    }
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;)
        if (g_str_has_prefix(name, "event-") && !g_str_has_suffix(name, ".tmp"))
            g_ptr_array_add(names, g_strdup(name));
    g_dir_close(dir);
    return TRUE;
}

/* ---- S3 ---- */

/* For answers whose body says nothing that is needed. */
static size_t on_nothing(char *bytes, size_t size, size_t count, void *data)
{
    return size * count;
}

/* What every request has. Signals are left to libcurl, which keeps SIGPIPE away meanwhile. */
static void prepare(HgArchiveStore *store, const char *url)
{
    CURL *curl = store->curl;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SLOW_S);
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, store->signature);
    curl_easy_setopt(curl, CURLOPT_USERPWD, store->user);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, store->empty);
    if (store->ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, store->ca_file);
}

/* Makes the request; any answer but success is an error. */
static gboolean perform(HgArchiveStore *store, const char *what, GError **error)
{
    char text[CURL_ERROR_SIZE] = "";
    long status = 0;
    curl_easy_setopt(store->curl, CURLOPT_ERRORBUFFER, text);
    CURLcode rc = curl_easy_perform(store->curl);
    curl_easy_getinfo(store->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(store->curl, CURLOPT_ERRORBUFFER, NULL);
    if (rc != CURLE_OK) {
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "the S3 store: %s: %s", what,
                    *text != '\0' ? text : curl_easy_strerror(rc));
        return FALSE;
    }
    if (status >= STATUS_OK && status < STATUS_ABOVE)
        return TRUE;
    g_set_error(error, HG_ERROR, status == STATUS_NONE ? HG_ERROR_NOT_FOUND : HG_ERROR_DENIED,
                "the S3 store: %s: it answers with status %ld%s", what, status,
                status == 403 ? ": the key may not do this, or is wrong" : "");
    return FALSE;
}

static gboolean put_to_s3(HgArchiveStore *store, const char *name, const char *path, GError **error)
{
    g_autofree char *url = g_strconcat(store->base, store->prefix, name, NULL);
    g_autofree char *what = g_strconcat("writing ", name, NULL);
    char sha256[65];
    guint64 size = 0;
    if (!hg_archive_hash_file(path, sha256, &size, error))
        return FALSE;
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        hg_error_set_errno(error, errno, "can't open %s", path);
        return FALSE;
    }
    g_autofree char *header = g_strconcat("x-amz-content-sha256: ", sha256, NULL);
    struct curl_slist *headers = curl_slist_append(NULL, header);
    prepare(store, url);
    curl_easy_setopt(store->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(store->curl, CURLOPT_READDATA, file);
    curl_easy_setopt(store->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(store->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(store->curl, CURLOPT_WRITEFUNCTION, on_nothing);
    gboolean ok = perform(store, what, error);
    curl_slist_free_all(headers);
    fclose(file);
    return ok;
}

static gboolean get_from_s3(HgArchiveStore *store, const char *name, const char *path,
                            GError **error)
{
    g_autofree char *url = g_strconcat(store->base, store->prefix, name, NULL);
    g_autofree char *what = g_strconcat("reading ", name, NULL);
    FILE *file = fopen(path, "wbe");
    if (file == NULL) {
        hg_error_set_errno(error, errno, "can't make %s", path);
        return FALSE;
    }
    prepare(store, url);
    curl_easy_setopt(store->curl, CURLOPT_WRITEDATA, file);
    gboolean ok = perform(store, what, error);
    if (fclose(file) != 0 && ok) {
        hg_error_set_errno(error, errno, "can't write %s", path);
        ok = FALSE;
    }
    if (!ok)
        unlink(path);
    return ok;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *data)
{
    GString *answer = data;
    if (answer->len + size * count > ANSWER_MAX)
        return 0;
    g_string_append_len(answer, bytes, (gssize)(size * count));
    return size * count;
}

/* The text between <name> and </name>, from *at on, which moves behind it; NULL when there is none.
 */
static char *next_element(const char **at, const char *name)
{
    g_autofree char *open = g_strdup_printf("<%s>", name);
    g_autofree char *end = g_strdup_printf("</%s>", name);
    const char *from = strstr(*at, open);
    const char *to = from != NULL ? strstr(from, end) : NULL;
    if (to == NULL)
        return NULL;
    from += strlen(open);
    *at = to + strlen(end);
    return g_strndup(from, (gsize)(to - from));
}

/* One page of ListObjectsV2; *after is the last name of it, or NULL when there are no more. */
static gboolean list_page(HgArchiveStore *store, GPtrArray *names, char **after, GError **error)
{
    g_autoptr(GString) answer = g_string_new(NULL);
    g_autofree char *prefix = g_strconcat(store->prefix, "event-", NULL);
    g_autofree char *escaped = g_uri_escape_string(prefix, NULL, FALSE);
    g_autofree char *start = *after != NULL ? g_uri_escape_string(*after, NULL, FALSE) : NULL;
    g_autofree char *url =
        g_strdup_printf("%s?list-type=2&prefix=%s%s%s", store->base, escaped,
                        start != NULL ? "&start-after=" : "", start != NULL ? start : "");
    prepare(store, url);
    curl_easy_setopt(store->curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(store->curl, CURLOPT_WRITEDATA, answer);
    if (!perform(store, "listing", error))
        return FALSE;
    const char *at = answer->str, *start_at = answer->str;
    g_autofree char *truncated = next_element(&start_at, "IsTruncated");
    g_clear_pointer(after, g_free);
    for (char *key; (key = next_element(&at, "Key")) != NULL; g_free(key)) {
        if (g_str_has_prefix(key, prefix) && strchr(key + strlen(store->prefix), '/') == NULL)
            g_ptr_array_add(names, g_strdup(key + strlen(store->prefix)));
        g_free(*after);
        *after = g_strdup(key);
    }
    if (g_strcmp0(truncated, "true") != 0)
        g_clear_pointer(after, g_free);
    return TRUE;
}

static gboolean list_s3(HgArchiveStore *store, GPtrArray *names, GError **error)
{
    char *after = NULL;
    do
        if (!list_page(store, names, &after, error)) {
            g_free(after);
            return FALSE;
        }
    while (after != NULL);
    return TRUE;
}

/* ---- both ---- */

gboolean hg_archive_store_put(HgArchiveStore *store, const char *name, const char *path,
                              GError **error)
{
    return store->folder != NULL ? put_into_folder(store, name, path, error)
                                 : put_to_s3(store, name, path, error);
}

gboolean hg_archive_store_get(HgArchiveStore *store, const char *name, const char *path,
                              GError **error)
{
    if (store->folder == NULL)
        return get_from_s3(store, name, path, error);
    g_autofree char *at = g_build_filename(store->folder, name, NULL);
    return copy_file(at, path, error);
}

gboolean hg_archive_store_list(HgArchiveStore *store, GPtrArray **names, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    if (!(store->folder != NULL ? list_folder(store, found, error) : list_s3(store, found, error)))
        return FALSE;
    g_ptr_array_sort(found, by_name);
    *names = g_steal_pointer(&found);
    return TRUE;
}

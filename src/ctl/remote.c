/* HTTP to the admin server, over libcurl: see remote.h. Owns nothing between calls. */
#include "ctl/remote.h"

#include "app/config.h"
#include "base/error.h"
#include "ctl/prompt.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MOST    (256 * 1024 * 1024)
#define ANSWER_SECONDS 60

void hg_remote_clear(HgRemote *remote)
{
    g_free(remote->admin);
    g_free(remote->token_file);
    g_free(remote->ca_file);
    g_free(remote->certificate_file);
    g_free(remote->key_file);
    g_free(remote->user);
    g_free(remote->password_file);
    hg_secret_unref(remote->password);
}

void hg_remote_add_options(HgRemote *remote, GOptionContext *context)
{
    const GOptionEntry entries[] = {
        {"admin", 'a', 0, G_OPTION_ARG_STRING, &remote->admin,
         "Where the admin server is: unix:PATH or https://HOST:PORT; without it, $HIVEGATE_ADMIN, "
         "or unix:" HG_ADMIN_DEFAULT_SOCKET,
         "ADDRESS"},
        {"token-file", 0, 0, G_OPTION_ARG_FILENAME, &remote->token_file,
         "File whose first line is the token for https", "FILE"},
        {"ca-file", 0, 0, G_OPTION_ARG_FILENAME, &remote->ca_file,
         "PEM file with the authorities of the server's certificate; without it, the system's",
         "FILE"},
        {"certificate-file", 0, 0, G_OPTION_ARG_FILENAME, &remote->certificate_file,
         "PEM file with a client certificate that lets an administrator in", "FILE"},
        {"key-file", 0, 0, G_OPTION_ARG_FILENAME, &remote->key_file,
         "PEM file with its private key", "FILE"},
        {"user", 'u', 0, G_OPTION_ARG_STRING, &remote->user,
         "Log in, and see to what is your own (admin: own_sessions)", "NAME"},
        {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &remote->password_file,
         "File whose first line is the user's password; without it, the terminal is asked", "FILE"},
        {0},
    };
    g_option_context_add_main_entries(context, entries, NULL);
}

static const char *address_of(const HgRemote *remote)
{
    if (remote->admin != NULL)
        return remote->admin;
    const char *named = g_getenv("HIVEGATE_ADMIN");
    return named != NULL && *named != '\0' ? named : "unix:" HG_ADMIN_DEFAULT_SOCKET;
}

static size_t on_bytes(char *bytes, size_t one, size_t size, void *data)
{
    GString *answer = data;
    if (answer->len + size > ANSWER_MOST)
        return 0;
    g_string_append_len(answer, bytes, (gssize)size);
    return size;
}

/* The URL of a path, and what the address needs besides. */
static gboolean aim(const HgRemote *remote, CURL *curl, const char *path, char **url,
                    GError **error)
{
    const char *address = address_of(remote);
    if (g_str_has_prefix(address, "unix:") && address[5] != '\0') {
        if (remote->user != NULL) {
            g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                        "--user is for --admin https://HOST:PORT: who can open %s is an "
                        "administrator",
                        address);
            return FALSE;
        }
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, address + 5);
        *url = g_strconcat("http://localhost", path, NULL);
        return TRUE;
    }
    if (!g_str_has_prefix(address, "https://")) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s is no address of an admin server; expected unix:PATH or https://HOST:PORT",
                    address);
        return FALSE;
    }
    gsize size = strlen(address);
    *url = g_strdup_printf("%.*s%s", (int)(size - (address[size - 1] == '/')), address, path);
    if (remote->ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, remote->ca_file);
    return TRUE;
}

static gboolean add_token(const HgRemote *remote, struct curl_slist **headers, GError **error)
{
    g_autoptr(HgSecret) token = NULL;
    HgFileExposure exposure;
    if (remote->token_file == NULL)
        return TRUE;
    if (!hg_secret_load_file(remote->token_file, &token, &exposure, error)) {
        g_prefix_error(error, "--token-file: ");
        return FALSE;
    }
    char *header =
        g_strconcat("Authorization: Bearer ", (const char *)hg_secret_slice(token).data, NULL);
    *headers = curl_slist_append(*headers, header);
    hg_secret_free_string(header);
    return TRUE;
}

/* A client certificate, and a user with a password. */
static gboolean add_identity(HgRemote *remote, CURL *curl, GError **error)
{
    HgFileExposure exposure;
    if ((remote->certificate_file == NULL) != (remote->key_file == NULL)) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID,
                            "--certificate-file and --key-file belong together");
        return FALSE;
    }
    if (remote->certificate_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, remote->certificate_file);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, remote->key_file);
    }
    if (remote->user == NULL)
        return TRUE;
    if (remote->password == NULL &&
        !(remote->password_file != NULL
              ? hg_secret_load_file(remote->password_file, &remote->password, &exposure, error)
              : hg_prompt_password(FALSE, &remote->password, error)))
        return FALSE;
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERNAME, remote->user);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, (const char *)hg_secret_slice(remote->password).data);
    return TRUE;
}

static gboolean read_answer(CURL *curl, const GString *text, json_t **out, GError **error)
{
    long status = 0;
    json_error_t problem;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    json_t *answer = json_loadb(text->str, text->len, 0, &problem);
    if (status == 200 && answer != NULL) {
        *out = answer;
        return TRUE;
    }
    const char *why = json_string_value(json_object_get(answer, "error"));
    g_autofree char *plain = g_strndup(text->str, MIN(text->len, 300));
    g_set_error(error, HG_ERROR, HG_ERROR_FAILED, "%s",
                why != NULL                  ? why
                : *g_strchomp(plain) != '\0' ? plain
                                             : "the answer is empty");
    json_decref(answer);
    return FALSE;
}

static gboolean perform(const HgRemote *remote, CURL *curl, const char *url, GString *answer,
                        GError **error)
{
    char detail[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ANSWER_SECONDS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        return TRUE;
    const char *why = detail[0] != '\0' ? detail : curl_easy_strerror(code);
    if (g_str_has_prefix(address_of(remote), "unix:")) /* its texts are about TCP */
        why = access(address_of(remote) + 5, R_OK | W_OK) != 0 ? g_strerror(errno)
                                                               : curl_easy_strerror(code);
    g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE,
                "can't ask hivegate at %s: %s; is it running, is --admin right, and may you open "
                "it?",
                address_of(remote), why);
    return FALSE;
}

gboolean hg_remote_ask(HgRemote *remote, const char *method, const char *path, const json_t *body,
                       json_t **out, GError **error)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    g_autofree char *url = NULL;
    g_autoptr(GString) answer = g_string_new(NULL);
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    gboolean ok = FALSE;
    if (curl == NULL) {
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED, "libcurl can't be used");
    } else if (aim(remote, curl, path, &url, error) && add_token(remote, &headers, error) &&
               add_identity(remote, curl, error)) {
        headers = curl_slist_append(headers, "Expect:");
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        if (strcmp(method, "POST") == 0)
            curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, text != NULL ? text : "{}");
        ok = perform(remote, curl, url, answer, error) && read_answer(curl, answer, out, error);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    free(text);
    return ok;
}

/* Drives one of the methods for tokens: jwt, introspection, tokeninfo.
 *
 *   tokens-driver METHOD CONFIG
 *
 * CONFIG is a file with what stands below authentication.METHOD in a configuration. Each line of
 * standard input is a JSON object: {"id", "name", "secret", "bearer"} asks about a login, in a
 * thread of its own; {"id", "reload": true} has the files read again; {"id", "describe": true}
 * tells about keys. Each is answered by a line. The end of the input waits for all answers and
 * frees everything. */
#include "app/config_read.h"
#include "app/config_yaml.h"
#include "app/options_rows.h"
#include "auth/introspection_method.h"
#include "auth/json.h"
#include "auth/jwt_method.h"
#include "auth/tokeninfo_method.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const HgMethodTable *table;
    void *self;
    pthread_mutex_t output;
} Driver;

typedef struct {
    Driver *driver;
    json_t *request;
} Work;

static G_NORETURN void fail(const char *what)
{
    fprintf(stderr, "tokens-driver: %s\n", what);
    exit(2);
}

/* Reads the settings as hivegate reads them; the texts belong to `owned`. */
static void read_settings(const char *path, const HgSection *section, gpointer out,
                          GPtrArray *owned)
{
    g_autofree char *text = NULL;
    gsize size = 0;
    if (!g_file_get_contents(path, &text, &size, NULL))
        fail("no such file");
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new(path);
    g_autofree char *folder = g_path_get_dirname(path);
    HgConfigReader reader = {folder, diagnostics, owned};
    g_autoptr(HgYaml) root = hg_yaml_parse(hg_slice(text, size), diagnostics);
    if (root != NULL)
        hg_config_read(&reader, section, root, "", out);
    if (hg_diagnostics_errors(diagnostics) > 0) {
        g_autofree char *problems = hg_diagnostics_text(diagnostics);
        fail(problems);
    }
}

/* Makes the method; its settings are only needed for that. */
static gboolean make(Driver *driver, const char *method, const char *path, GError **error)
{
    g_autoptr(GPtrArray) owned = g_ptr_array_new_with_free_func(g_free);
    if (strcmp(method, "jwt") == 0) {
        HgJwtMethodConfig config = {0};
        read_settings(path, hg_option_jwt_section(), &config, owned);
        driver->table = hg_jwt_method();
        return hg_jwt_method_new(&config, (HgJwtMethod **)&driver->self, error);
    }
    if (strcmp(method, "introspection") == 0) {
        HgIntrospectionConfig config = {0};
        read_settings(path, hg_option_introspection_section(), &config, owned);
        driver->table = hg_introspection_method();
        return hg_introspection_new(&config, (HgIntrospection **)&driver->self, error);
    }
    HgTokeninfoConfig config = {0};
    read_settings(path, hg_option_tokeninfo_section(), &config, owned);
    driver->table = hg_tokeninfo_method();
    return hg_tokeninfo_new(&config, (HgTokeninfo **)&driver->self, error);
}

/* ---- answers ---- */

static json_t *texts_of(const char *const *texts)
{
    json_t *list = texts != NULL ? json_array() : json_null();
    for (gsize i = 0; texts != NULL && texts[i] != NULL; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

static json_t *check(const Driver *driver, const json_t *request)
{
    static const char *const verdicts[] = {"not mine", "accepted", "denied", "unavailable"};
    HgCredentials credentials = {
        .name = hg_slice_from_string(hg_json_string(request, "name")),
        .secret = hg_slice_from_string(hg_json_string(request, "secret")),
        .bearer = json_is_true(json_object_get(request, "bearer")),
    };
    g_auto(HgLogin) login = {0};
    gint64 begun = g_get_monotonic_time();
    driver->table->check(driver->self, &credentials, &login);
    json_t *answer =
        json_pack("{s:s, s:s?, s:s?, s:I, s:I}", "verdict", verdicts[login.verdict], "why",
                  login.why, "say", login.say, "good_until", (json_int_t)login.good_until, "ms",
                  (json_int_t)((g_get_monotonic_time() - begun) / 1000));
    if (login.principal != NULL) {
        json_object_set_new(answer, "realm", json_string(hg_principal_realm(login.principal)));
        json_object_set_new(answer, "user", json_string(hg_principal_name(login.principal)));
        json_object_set_new(answer, "groups", texts_of(hg_principal_groups(login.principal)));
        json_object_set_new(answer, "attributes",
                            texts_of(hg_principal_attributes(login.principal)));
    }
    return answer;
}

static json_t *reload(const Driver *driver)
{
    g_autoptr(GError) error = NULL;
    gboolean ok = driver->table->reload != NULL && driver->table->reload(driver->self, &error);
    return json_pack("{s:b, s:s?}", "ok", ok, "why", error != NULL ? error->message : NULL);
}

static json_t *describe(const Driver *driver)
{
    g_autofree char *text = hg_jwt_method_describe(driver->self);
    return json_pack("{s:s}", "text", text);
}

static void *run(void *data)
{
    Work *work = data;
    Driver *driver = work->driver;
    json_t *answer = json_is_true(json_object_get(work->request, "reload")) ? reload(driver)
                     : json_is_true(json_object_get(work->request, "describe"))
                         ? describe(driver)
                         : check(driver, work->request);
    json_object_set(answer, "id", json_object_get(work->request, "id"));
    char *line = json_dumps(answer, JSON_COMPACT);
    pthread_mutex_lock(&driver->output);
    puts(line);
    fflush(stdout);
    pthread_mutex_unlock(&driver->output);
    free(line);
    json_decref(answer);
    json_decref(work->request);
    g_free(work);
    return NULL;
}

static void serve(Driver *driver)
{
    g_autoptr(GArray) threads = g_array_new(FALSE, FALSE, sizeof(pthread_t));
    char *line = NULL;
    size_t space = 0;
    while (getline(&line, &space, stdin) > 0) {
        pthread_t thread;
        Work *work = g_new0(Work, 1);
        work->driver = driver;
        work->request = json_loads(line, 0, NULL);
        if (work->request == NULL)
            fail("a line of the input isn't JSON");
        if (pthread_create(&thread, NULL, run, work) != 0)
            fail("no thread");
        g_array_append_val(threads, thread);
    }
    for (guint i = 0; i < threads->len; i++)
        pthread_join(g_array_index(threads, pthread_t, i), NULL);
    free(line);
}

int main(int argc, char **argv)
{
    Driver driver = {.output = PTHREAD_MUTEX_INITIALIZER};
    g_autoptr(GError) error = NULL;
    signal(SIGPIPE, SIG_IGN);
    if (argc != 3)
        fail("usage: tokens-driver METHOD CONFIG");
    if (!make(&driver, argv[1], argv[2], &error))
        fail(error->message);
    puts("{\"ready\":true}");
    fflush(stdout);
    serve(&driver);
    driver.table->free(driver.self);
    return 0;
}

/* Fuzz target: the text of a configuration file. No text crashes the reader or makes it work
 * without bound; it gives a configuration or says what is wrong, each time the same, in lines that
 * a terminal can show. */
#include "app/config.h"
#include "fuzz.h"

static void check_line(const char *line)
{
    FUZZ_CHECK(g_str_has_prefix(line, "hivegate.yaml"));
    FUZZ_CHECK(strlen(line) < 2000);
    FUZZ_CHECK(g_utf8_validate(line, -1, NULL));
    for (const char *at = line; *at != '\0'; at++)
        FUZZ_CHECK((guchar)*at >= ' ' && *at != 0x7f);
}

static void check_diagnostics(HgDiagnostics *diagnostics)
{
    hg_diagnostics_sort(diagnostics);
    guint count = hg_diagnostics_count(diagnostics);
    guint all = hg_diagnostics_errors(diagnostics) + hg_diagnostics_warnings(diagnostics);
    FUZZ_CHECK(count <= 100 && count <= all && (count == all || count == 100));
    for (guint i = 0; i < count; i++)
        check_line(hg_diagnostics_nth(diagnostics, i));
}

/* What a configuration promises to who reads it. */
static void check_config(const HgConfig *config)
{
    FUZZ_CHECK(config->n_listeners > 0 && config->n_pools > 0);
    for (guint i = 0; i < config->n_listeners; i++)
        FUZZ_CHECK(config->listeners[i].name != NULL && config->listeners[i].bind.size > 0);
    for (guint i = 0; i < config->n_pools; i++) {
        const HgPoolConfig *pool = &config->pools[i];
        FUZZ_CHECK(pool->name != NULL && pool->n_endpoints > 0);
        FUZZ_CHECK((pool->login == HG_CONFIG_LOGIN_SERVICE) == (pool->user != NULL));
        FUZZ_CHECK(pool->password_file == NULL || pool->password_env == NULL);
    }
    g_autofree char *summary = hg_config_summary(config);
    FUZZ_CHECK(summary != NULL && g_utf8_validate(summary, -1, NULL));
}

static HgConfig *parse(HgSlice text, HgDiagnostics **diagnostics)
{
    *diagnostics = hg_diagnostics_new("hivegate.yaml");
    return hg_config_parse("hivegate.yaml", text, *diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice text = fuzz_copy(hg_slice(data, size));
    g_autoptr(HgDiagnostics) diagnostics = NULL;
    g_autoptr(HgConfig) config = parse(text, &diagnostics);
    FUZZ_CHECK((config == NULL) == (hg_diagnostics_errors(diagnostics) > 0));
    check_diagnostics(diagnostics);
    if (config != NULL)
        check_config(config);
    g_autoptr(HgDiagnostics) more = NULL;
    g_autoptr(HgConfig) again = parse(text, &more);
    hg_diagnostics_sort(more);
    g_autofree char *said = hg_diagnostics_text(diagnostics);
    g_autofree char *said_again = hg_diagnostics_text(more);
    FUZZ_CHECK((again == NULL) == (config == NULL) && strcmp(said, said_again) == 0);
    fuzz_free(text);
    return 0;
}

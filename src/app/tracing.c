/* Tracing as the configuration has it: see tracing.h. Owns the tracer and the header with its
 * token. */
#include "app/tracing.h"

#include "base/secret.h"
#include "net/http_client.h"

struct HgTracing {
    HgTracer *tracer;
    char *header; /* NULL: none */
    const char *headers[2];
    HgSqlRedaction *redaction; /* NULL: statements aren't shown */
};

static HgMark place(const HgYaml *map, const char *key)
{
    const HgYaml *value = hg_yaml_get(map, key);
    return hg_yaml_mark(value != NULL ? value : map);
}

static void check_token(const HgTracingConfig *tracing, const HgYaml *map,
                        HgDiagnostics *diagnostics)
{
    g_autoptr(HgSecret) token = NULL;
    g_autoptr(GError) error = NULL;
    HgFileExposure exposure = HG_FILE_PRIVATE;
    if (!hg_secret_load_file(tracing->token_file, &token, &exposure, &error))
        hg_diagnostics_error(diagnostics, place(map, "token_file"), "tracing.token_file: %s",
                             error->message);
    else if (exposure != HG_FILE_PRIVATE)
        hg_diagnostics_warn(diagnostics, place(map, "token_file"),
                            "tracing.token_file: others than its owner can get at it; chmod 600");
}

void hg_config_check_tracing(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    const HgTracingConfig *tracing = &config->tracing;
    const HgYaml *map = hg_yaml_get(root, "tracing");
    gboolean is_https = FALSE;
    gboolean is_loopback = FALSE;
    g_autoptr(GError) error = NULL;
    if (tracing->url == NULL)
        return;
    if (!hg_http_url_check(tracing->url, &is_https, &is_loopback, NULL, &error)) {
        hg_diagnostics_error(diagnostics, place(map, "url"), "tracing.url: %s", error->message);
        return;
    }
    if (tracing->token_file == NULL)
        return;
    if (!is_https && !is_loopback)
        hg_diagnostics_error(diagnostics, place(map, "token_file"),
                             "tracing.token_file: the token would go to another machine in clear; "
                             "expected https in tracing.url");
    check_token(tracing, map, diagnostics);
}

static gboolean read_token(const HgTracingConfig *config, HgTracing *tracing, GError **error)
{
    g_autoptr(HgSecret) token = NULL;
    HgFileExposure exposure;
    if (config->token_file == NULL)
        return TRUE;
    if (!hg_secret_load_file(config->token_file, &token, &exposure, error))
        return FALSE;
    tracing->header =
        g_strconcat("Authorization: Bearer ", (const char *)hg_secret_slice(token).data, NULL);
    tracing->headers[0] = tracing->header;
    return TRUE;
}

gboolean hg_tracing_new(const HgConfig *config, const char *version, HgLog *log, HgTracing **out,
                        GError **error)
{
    const HgTracingConfig *from = &config->tracing;
    *out = NULL;
    if (from->url == NULL)
        return TRUE;
    g_autoptr(HgTracing) tracing = g_new0(HgTracing, 1);
    if (!read_token(from, tracing, error))
        return FALSE;
    if (from->statements) {
        tracing->redaction = hg_sql_redaction_new(config->audit.redact.hide_literals,
                                                  config->audit.redact.patterns, error);
        if (tracing->redaction == NULL)
            return FALSE;
    }
    HgTracerConfig options = {.url = from->url,
                              .headers = tracing->header != NULL ? tracing->headers : NULL,
                              .ca_file = from->ca_file,
                              .one_in = from->one_in,
                              .follow = from->follow,
                              .queue = from->queue,
                              .interval_ms = from->interval_ms,
                              .timeout_ms = from->timeout_ms,
                              .version = version,
                              .log = log};
    if (!hg_tracer_new(&options, &tracing->tracer, error))
        return FALSE;
    *out = g_steal_pointer(&tracing);
    return TRUE;
}

HgTracer *hg_tracing_tracer(const HgTracing *tracing)
{
    return tracing != NULL ? tracing->tracer : NULL;
}

const HgSqlRedaction *hg_tracing_redaction(const HgTracing *tracing)
{
    return tracing != NULL ? tracing->redaction : NULL;
}

void hg_tracing_free(HgTracing *tracing)
{
    if (tracing == NULL)
        return;
    hg_tracer_free(tracing->tracer);
    hg_secret_free_string(tracing->header);
    hg_sql_redaction_free(tracing->redaction);
    g_free(tracing);
}

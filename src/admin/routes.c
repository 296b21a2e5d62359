/* Metrics and health: see routes.h. Owns nothing. */
#include "admin/routes.h"

#include "admin/process.h"
#include "proxy/control.h"

#include <string.h>

#define LIVE_WITHIN 2000 /* ms in which each loop has to answer */

void hg_admin_answer_text(HgAdminAnswer *out, guint status, char *take_text)
{
    *out = (HgAdminAnswer){status, "text/plain; charset=utf-8", take_text};
}

static void sample(HgMetricsText *text, HgMetric metric, void *data)
{
    const HgAdminOptions *admin = data;
    const char *version = admin->version;
    if (metric == HG_METRIC_BUILD_INFO)
        hg_metrics_sample(text, metric, &version, 1);
    hg_control_sample(admin->gateway, text, metric);
    hg_admin_sample_process(text, metric);
}

static void show_metrics(const HgAdminOptions *admin, HgAdminAnswer *out)
{
    *out = (HgAdminAnswer){200, "text/plain; version=0.0.4; charset=utf-8",
                           hg_metrics_text(admin->metrics, sample, (void *)admin)};
}

static void show_live(const HgAdminOptions *admin, HgAdminAnswer *out)
{
    if (hg_control_is_alive(admin->gateway, LIVE_WITHIN))
        hg_admin_answer_text(out, 200, g_strdup("ok\n"));
    else
        hg_admin_answer_text(
            out, 503, g_strdup_printf("a worker's loop hasn't turned for %d ms\n", LIVE_WITHIN));
}

static void show_ready(const HgAdminOptions *admin, HgAdminAnswer *out)
{
    GString *why = g_string_new(NULL);
    gboolean ready = hg_control_is_ready(admin->gateway, why);
    if (ready)
        g_string_append(why, "ok\n");
    hg_admin_answer_text(out, ready ? 200 : 503, g_string_free(why, FALSE));
}

gboolean hg_admin_route_health(const HgAdminOptions *admin, const HgAdminRequest *request,
                               HgAdminAnswer *out)
{
    static const struct {
        const char *path;
        void (*show)(const HgAdminOptions *admin, HgAdminAnswer *out);
    } routes[] = {{"/metrics", show_metrics}, {"/livez", show_live}, {"/readyz", show_ready}};
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(routes); i++) {
        if (strcmp(request->path, routes[i].path) != 0)
            continue;
        routes[i].show(admin, out);
        return TRUE;
    }
    return FALSE;
}

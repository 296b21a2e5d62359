/* The admin server: metrics, health and control of a running gateway, over HTTP.
 *
 * It has threads of its own and never holds up a worker. Main thread starts and ends it. */
#pragma once

#include "admin/door.h"
#include "base/log.h"
#include "proxy/gateway.h"

typedef struct HgAdmin HgAdmin;

typedef struct {
    HgAdminDoorOptions door;
    gboolean control; /* else only metrics and health */
} HgAdminListen;

typedef struct {
    const HgAdminListen *listen; /* the sockets are taken, also on failure */
    guint n_listen;
    HgGateway *gateway; /* with all below: borrowed, and outlives the server */
    HgMetrics *metrics;
    HgLog *log;
    const char *version;
    /* what the program has to do for it, from any thread: the configuration as JSON (g_free), and a
     * reload, whose error says what couldn't be read */
    char *(*show_config)(void *app);
    gboolean (*reload)(void *app, GError **error);
    void *app;
} HgAdminOptions;

/* Starts it. NULL with *error when a door can't be opened. */
HgAdmin *hg_admin_new(const HgAdminOptions *options, GError **error);

/* Ends it when the requests under way are answered; before the gateway is freed, not before it is
 * stopped: who asks meanwhile hears that it is stopping. NULL is fine. */
void hg_admin_free(HgAdmin *admin);

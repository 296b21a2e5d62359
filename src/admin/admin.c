/* The admin server's life: see admin.h. Owns the doors, and a thread that measures the loops once a
 * second. */
#include "admin/admin.h"

#include "admin/actions.h"
#include "admin/json.h"
#include "admin/routes.h"
#include "admin/views.h"
#include "base/error.h"
#include "proxy/control.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

struct HgAdmin {
    HgAdminOptions options;
    GPtrArray *doors;
    pthread_t watch;
    gboolean watching; /* the thread has been started */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    gboolean ending; /* under the lock */
};

/* ---- the watch ---- */

static void *watch(void *data)
{
    HgAdmin *admin = data;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&admin->lock);
    while (!admin->ending) {
        next.tv_sec++;
        if (pthread_cond_timedwait(&admin->ended, &admin->lock, &next) != ETIMEDOUT)
            continue;
        pthread_mutex_unlock(&admin->lock);
        hg_control_measure_loops(admin->options.gateway);
        clock_gettime(CLOCK_MONOTONIC, &next);
        pthread_mutex_lock(&admin->lock);
    }
    pthread_mutex_unlock(&admin->lock);
    return NULL;
}

static gboolean start_watch(HgAdmin *admin, GError **error)
{
    int rc = pthread_create(&admin->watch, NULL, watch, admin);
    if (rc != 0)
        hg_error_set_errno(error, rc, "can't start the admin server's thread");
    admin->watching = rc == 0;
    return admin->watching;
}

static void end_watch(HgAdmin *admin)
{
    if (!admin->watching)
        return;
    pthread_mutex_lock(&admin->lock);
    admin->ending = TRUE;
    pthread_cond_signal(&admin->ended);
    pthread_mutex_unlock(&admin->lock);
    pthread_join(admin->watch, NULL);
}

/* ---- requests ---- */

static void answer_unknown(const HgAdminRequest *request, HgAdminAnswer *out)
{
    hg_admin_answer_text(
        out, 404,
        g_strdup_printf("hivegate: there is no %s %s here\n", request->method, request->path));
}

/* What people may ask who see to their own. */
static gboolean is_for_all(const HgAdminRequest *request)
{
    static const char *const paths[] = {"/v1/sessions", "/v1/operations", "/v1/kill",
                                        "/livez",       "/readyz",        NULL};
    return g_strv_contains(paths, request->path);
}

static void handle_health(const HgAdminRequest *request, HgAdminAnswer *out, void *data)
{
    const HgAdmin *admin = data;
    if (!hg_admin_route_health(&admin->options, request, out))
        answer_unknown(request, out);
}

static void handle_control(const HgAdminRequest *request, HgAdminAnswer *out, void *data)
{
    const HgAdmin *admin = data;
    if (request->principal != NULL && !is_for_all(request))
        hg_admin_answer_error(out, 403,
                              "only an administrator may do that; %s may list and kill their own "
                              "sessions and operations",
                              hg_principal_name(request->principal));
    else if (!hg_admin_route_views(&admin->options, request, out) &&
             !hg_admin_route_actions(&admin->options, request, out))
        handle_health(request, out, data);
}

/* ---- life ---- */

static void free_door(gpointer door)
{
    hg_admin_door_free(door);
}

static gboolean open_doors(HgAdmin *admin, GError **error)
{
    const HgAdminOptions *options = &admin->options;
    for (guint i = 0; i < options->n_listen; i++) {
        const HgAdminListen *listen = &options->listen[i];
        HgAdminDoor *door = hg_admin_door_new(
            &listen->door, listen->control ? handle_control : handle_health, admin, error);
        if (door == NULL) {
            while (++i < options->n_listen)
                close(options->listen[i].door.take_fd);
            return FALSE;
        }
        g_ptr_array_add(admin->doors, door);
    }
    return TRUE;
}

HgAdmin *hg_admin_new(const HgAdminOptions *options, GError **error)
{
    HgAdmin *admin = g_new0(HgAdmin, 1);
    pthread_condattr_t attributes;
    admin->options = *options;
    admin->doors = g_ptr_array_new_with_free_func(free_door);
    pthread_mutex_init(&admin->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&admin->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    if (open_doors(admin, error) && start_watch(admin, error)) {
        admin->options.listen = NULL; /* the caller's */
        return admin;
    }
    hg_admin_free(admin);
    return NULL;
}

void hg_admin_free(HgAdmin *admin)
{
    if (admin == NULL)
        return;
    g_ptr_array_unref(admin->doors);
    end_watch(admin);
    pthread_cond_destroy(&admin->ended);
    pthread_mutex_destroy(&admin->lock);
    g_free(admin);
}

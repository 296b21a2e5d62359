/* A door: one listening socket of the admin server, over libmicrohttpd.
 *
 * Each connection has a thread of its own, of which there are only so many; a request is handed
 * over whole, once its sender is known to be allowed. */
#pragma once

#include "admin/access.h"

typedef struct HgAdminDoor HgAdminDoor;

typedef struct {
    int take_fd;             /* a listening socket */
    const char *certificate; /* PEM, with `key`: TLS; NULL: none. Copied */
    const char *key;
    const char *client_ca;       /* PEM: client certificates of these authorities are asked for;
                                    NULL: none. Copied */
    HgAdminAccessOptions access; /* who may do what; `certificates` needs client_ca */
} HgAdminDoorOptions;

/* A request; everything in it is borrowed for the call. */
typedef struct {
    const char *method;
    const char *path; /* without the query */
    HgSlice body;
    const char *sender;           /* for people: "uid 0", "alice at 192.0.2.7:4711" */
    const HgPrincipal *principal; /* who may see and do only what is theirs; NULL: everything */
} HgAdminRequest;

typedef struct {
    guint status;     /* 200 */
    const char *type; /* Content-Type; static */
    char *body;       /* text; the door frees it */
} HgAdminAnswer;

/* Answers a request, on the connection's thread. */
typedef void (*HgAdminHandler)(const HgAdminRequest *request, HgAdminAnswer *out, void *data);

/* Opens a door. NULL with *error when that fails; the socket is closed then. */
HgAdminDoor *hg_admin_door_new(const HgAdminDoorOptions *options, HgAdminHandler handler,
                               void *data, GError **error);

/* Closes it when the requests under way are answered. NULL is fine. */
void hg_admin_door_free(HgAdminDoor *door);

/* Who may do what at a door of the admin server.
 *
 * A token or a client certificate lets somebody do everything; whoever logs in as clients do may
 * list and kill what is theirs. Any thread; checking may block, as a directory may be asked. */
#pragma once

#include "auth/authenticator.h"
#include "base/log.h"
#include "base/secret.h"

typedef struct HgAdminAccess HgAdminAccess;

typedef struct {
    gboolean everybody;    /* whoever gets to the door may do everything: a Unix socket */
    HgSecret *token;       /* which `Authorization: Bearer` may hold; NULL: none. Referenced */
    gboolean certificates; /* whoever shows a client certificate that holds may do everything */
    const char *const *certificate_names; /* of which one must be the common name; ends with NULL;
                                             NULL: any. Borrowed */
    HgAuthenticator *authenticator; /* whose first chain lets people see to their own; NULL: nobody.
                                       Borrowed */
    HgLog *log;                     /* borrowed */
} HgAdminAccessOptions;

/* What somebody shows at the door; borrowed. Texts may be NULL. */
typedef struct {
    const char *bearer; /* behind `Authorization: Bearer ` */
    const char *user;   /* of Basic authentication, with `password` */
    const char *password;
    const char *certificate; /* the common name of a client certificate that holds */
    HgPeerAddress address;
} HgAdminProof;

typedef enum {
    HG_ADMIN_NOTHING, /* whatever was shown isn't good enough */
    HG_ADMIN_BUSY,    /* too many logins are being checked */
    HG_ADMIN_OWN,     /* what is the principal's */
    HG_ADMIN_EVERYTHING,
} HgAdminReach;

/* A copy of the options. */
HgAdminAccess *hg_admin_access_new(const HgAdminAccessOptions *options);

/* NULL is fine. */
void hg_admin_access_free(HgAdminAccess *access);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgAdminAccess, hg_admin_access_free)

/* How far somebody may reach; with HG_ADMIN_OWN *out is the caller's reference. A failed login is
 * noted in the log, and counts like one of a client. Blocks. */
HgAdminReach hg_admin_access_check(HgAdminAccess *access, const HgAdminProof *proof,
                                   HgPrincipal **out);

/* What whoever may do nothing should show instead; static. */
const char *hg_admin_access_wanted(const HgAdminAccess *access);

/* TRUE when a password may be among it. */
gboolean hg_admin_access_takes_passwords(const HgAdminAccess *access);

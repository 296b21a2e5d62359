/* The method `tokeninfo`: tokens that a server is asked about in the style of Zalando's: a GET with
 * the token, answered by `uid`, `scope`, `realm`, `expires_in`. See method.h for the threads.
 *
 * It is documented nowhere as a standard; the answer's members are those of Zalando's STUPS
 * (https://planb.readthedocs.io: "token info"). */
#pragma once

#include "auth/claims.h"
#include "auth/token_login.h"
#include "auth/token_server.h"

typedef enum {
    HG_TOKENINFO_HEADER, /* Authorization: Bearer */
    HG_TOKENINFO_QUERY,  /* ?access_token=, which ends up in the logs of servers and proxies */
} HgTokeninfoSend;

typedef struct {
    const char *name; /* the realm of its users */
    HgTokenServerConfig server;
    HgTokeninfoSend send;
    HgClaimsConfig claims;
    HgTokenLoginConfig login;
} HgTokeninfoConfig;

typedef struct HgTokeninfo HgTokeninfo;

/* The method's object, for hg_tokeninfo_method(). Asks nobody. `config` is only read during the
 * call. */
gboolean hg_tokeninfo_new(const HgTokeninfoConfig *config, HgTokeninfo **out, GError **error);

/* Its functions; static. */
const HgMethodTable *hg_tokeninfo_method(void);

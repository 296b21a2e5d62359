/* The rows of `admin`: see options.h. Static data; any thread. */
#include "app/config.h"
#include "app/options_rows.h"

static const HgOption listen_rows[] = {
    {.name = "bind",
     ADDRESS(HgAdminListenConfig, bind),
     .required = TRUE,
     .text = "unix:PATH, or an address and port, which needs TLS and a token, client "
             "certificates or logins."},
    {.name = "mode",
     MODE(HgAdminListenConfig, mode),
     .fallback = "0600",
     .text = "Permissions of a Unix socket: who can open it may do everything. 0660 lets its "
             "group in."},
    {.name = "certificate_file",
     STRING(HgAdminListenConfig, certificate_file, HG_OPTION_PATH),
     .text = "PEM file with the certificate and those between it and its authority."},
    {.name = "key_file",
     STRING(HgAdminListenConfig, key_file, HG_OPTION_PATH),
     .text = "PEM file with its private key."},
    {.name = "token_file",
     STRING(HgAdminListenConfig, token_file, HG_OPTION_PATH),
     .text = "File whose first line is a token: requests that have it (`Authorization: Bearer`) "
             "may do everything."},
    {.name = "client_ca_file",
     STRING(HgAdminListenConfig, client_ca_file, HG_OPTION_PATH),
     .text = "PEM file with authorities of client certificates: who shows one may do everything."},
    {.name = "client_names",
     LIST(HgAdminListenConfig, client_names, HG_OPTION_TEXTS),
     .min = 1,
     .max = 64,
     .text = "Common names of which a client certificate must have one; without it, any."},
    {.name = "own_sessions",
     SWITCH(HgAdminListenConfig, own_sessions),
     .fallback = "false",
     .text = "Whether everybody who can log in (`authentication: chain`; Basic, or a bearer token) "
             "may list and kill their own sessions and operations."},
};
static const HgSection listen_section = DESCRIBE(HgAdminListenConfig, listen_rows);

static const HgOption rows[] = {
    {.name = "enabled",
     SWITCH(HgAdminConfig, enabled),
     .fallback = "true",
     .text = "Whether hivegate can be seen into and steered at all."},
    {.name = "listen",
     LIST(HgAdminConfig, listen, HG_OPTION_SECTIONS),
     .section = &listen_section,
     .min = 1,
     .max = 16,
     .text = "Where `hivegatectl` and others reach it. Without it, " HG_ADMIN_DEFAULT_SOCKET
             " if the folder is there."},
    {.name = "metrics_listen",
     ADDRESS(HgAdminConfig, metrics_listen),
     .text = "A further address, without TLS and token, with nothing but `/metrics`, `/livez` and "
             "`/readyz`: for Prometheus and probes."},
};

const HgSection *hg_option_admin_section(void)
{
    static const HgSection section = DESCRIBE(HgAdminConfig, rows);
    return &section;
}

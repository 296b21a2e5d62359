/* The configuration as an immutable snapshot: plain values that anybody may read.
 *
 * Made by hg_config_load() from a YAML file, described row by row in app/options. Counted; all
 * texts and lists belong to the snapshot. Times are in milliseconds, sizes in bytes. Any thread may
 * read. */
#pragma once

#include "app/config_diagnostics.h"
#include "app/config_pools.h"
#include "audit/exporter.h"
#include "audit/spool.h"
#include "auth/certificate.h"
#include "auth/impersonation.h"
#include "auth/introspection_method.h"
#include "auth/jwt_method.h"
#include "auth/ldap.h"
#include "auth/method.h"
#include "auth/throttle.h"
#include "auth/tokeninfo_method.h"
#include "base/address.h"
#include "base/log.h"
#include "base/network.h"
#include "base/secret.h"
#include "net/tls.h"

typedef enum {
    HG_CONFIG_TRANSPORT_BINARY, /* Thrift's binary protocol over TCP or a Unix socket */
    HG_CONFIG_TRANSPORT_HTTP,   /* the same messages as bodies of HTTP requests */
} HgConfigTransport;

typedef enum {
    HG_CONFIG_SASL_PLAIN, /* SASL frames, mechanism PLAIN */
    HG_CONFIG_SASL_NONE,  /* bare Thrift messages */
} HgConfigSasl;

typedef enum {
    HG_CONFIG_LOGIN_AS_USER, /* with the user's name and hivegate's own secret */
    HG_CONFIG_LOGIN_SERVICE, /* as a service account that names the user */
} HgConfigLogin;

typedef enum {
    HG_CONFIG_DISCOVERY_STATIC, /* the endpoints are listed */
    HG_CONFIG_DISCOVERY_DNS,
    HG_CONFIG_DISCOVERY_KUBERNETES,
    HG_CONFIG_DISCOVERY_ZOOKEEPER,
} HgConfigDiscovery;

typedef struct {
    const char *path; /* without the '/' in front, as JDBC's httpPath */
    const HgNetwork *trusted_proxies;
    guint n_trusted_proxies;
    gboolean xsrf_header;
} HgListenerHttpConfig;

typedef struct {
    const char *path; /* without the '/' in front */
} HgPoolHttpConfig;

typedef struct {
    const HgNetwork *from; /* none: nobody sends the PROXY protocol's header */
    guint n_from;
} HgProxyProtocolConfig;

typedef struct {
    const HgTlsPair *certificates; /* none: the listener has no TLS */
    guint n_certificates;
    HgTlsClientCertificate client_certificate;
    const char *client_ca_file;
    HgTlsVersion min_version;
    const char *ciphers;      /* NULL: the library's default */
    const char *ciphersuites; /* NULL: the library's default */
} HgListenerTlsConfig;

typedef enum {
    HG_CONFIG_TLS_OFF, /* there is no `tls` */
    HG_CONFIG_TLS_FULL,
    HG_CONFIG_TLS_CHAIN,
    HG_CONFIG_TLS_NO_CHECK,
} HgConfigVerify;

typedef struct {
    HgConfigVerify verify;
    const char *ca_file;     /* NULL: the system's */
    const char *server_name; /* NULL: the endpoint's host */
    const char *certificate_file;
    const char *key_file;
    HgTlsVersion min_version;
    const char *ciphers;
    const char *ciphersuites;
} HgPoolTlsConfig;

typedef struct {
    const char *name;
    HgAddress bind;
    guint mode; /* permission bits of a Unix socket */
    HgConfigTransport transport;
    HgConfigSasl sasl;
    HgProxyProtocolConfig proxy_protocol;
    HgListenerHttpConfig http;
    HgListenerTlsConfig tls;
    const char *const *chain; /* its own authentication chain; NULL: it has none */
    guint n_chain;
} HgListenerConfig;

typedef struct {
    const char *file; /* NULL when the chain doesn't name `users` */
} HgUsersConfig;

typedef struct {
    const char *key_file; /* NULL: a random key */
    HgSecret *key;        /* NULL before loading, and without a file */
    gint64 max_age_ms;    /* whole seconds; 0 = no cookies */
} HgCookieConfig;

typedef struct {
    HgCertificateField field;
    const char *pattern; /* NULL: the field is the name */
} HgCertificateConfig;

typedef struct {
    const char *const *chain; /* names of methods, NULL-terminated */
    guint n_chain;
    HgCertificateConfig certificate;
    HgUsersConfig users;
    HgLdapConfig ldap;                   /* without urls when there is none */
    HgJwtMethodConfig jwt;               /* no issuers: there is no such section */
    HgIntrospectionConfig introspection; /* server.url NULL: there is no such section */
    HgTokeninfoConfig tokeninfo;         /* server.url NULL: there is no such section */
    HgCookieConfig cookie;
    HgThrottleConfig throttle;
    HgTokenExpiry token_expiry;
    gint64 cache_ttl_ms;   /* 0 = successes are not remembered */
    gint64 failure_ttl_ms; /* 0 = failures are not remembered */
    guint cache_entries;
} HgAuthenticationConfig;

typedef struct {
    const char *const *users;
    guint n_users;
    const char *const *groups;
    guint n_groups;
    const char *pattern;
} HgMayActAsConfig;

/* One rule; NULL for what isn't there. */
typedef struct {
    const char *principal;
    const char *principal_group;
    const char *principal_pattern;
    const char *realm;
    HgMayActAsConfig may_act_as;
} HgImpersonationConfig;

typedef struct {
    const char *const
        *users; /* with n_users 0 and so on: not by that; with none at all: everybody */
    guint n_users;
    const char *const *groups;
    guint n_groups;
    const char *const *set; /* names and values in turns */
    guint n_set;
} HgVariableDefaultsConfig;

typedef struct {
    const char *const *allow; /* NULL: all */
    guint n_allow;
    const char *const *deny;
    guint n_deny;
    const HgVariableDefaultsConfig *defaults;
    guint n_defaults;
} HgSessionVariablesConfig;

typedef struct {
    const char *host; /* DNS name or address, without brackets */
    const char *port;
} HgEndpointConfig;

typedef struct {
    const char *name;
    HgConfigDiscovery discovery;
    const HgEndpointConfig *endpoints;
    guint n_endpoints;
    HgPoolDnsConfig dns;
    HgPoolKubernetesConfig kubernetes;
    HgPoolZookeeperConfig zookeeper;
    HgPoolBalancingConfig balancing;
    HgPoolHealthConfig health;
    HgConfigTransport transport;
    HgConfigSasl sasl;
    HgPoolHttpConfig http;
    HgPoolTlsConfig tls;
    HgConfigLogin login;
    const char *user;          /* login: service; else NULL */
    const char *password_file; /* where `password` comes from; at most one of the two is set */
    const char *password_env;
    HgSecret *password; /* hivegate's own; a placeholder when neither is set. NULL before loading */
    gint64 connect_timeout_ms;
    gint64 login_timeout_ms;
    gint64 open_timeout_ms;
    guint sessions;          /* at once; 0 = no limit */
    gint64 drain_timeout_ms; /* 0 = any time */
} HgPoolConfig;

typedef struct {
    guint connections;          /* 0 = as many as the descriptor limit allows */
    guint sessions;             /* 0 = as many as the descriptor limit allows */
    guint sessions_per_user;    /* 0 = half of all */
    guint sessions_per_address; /* 0 = no limit */
    guint connection_rate;      /* a second; 0 = no limit */
    gint64 statement_size;      /* bytes; 0 = no limit */
    gint64 run_time_ms;         /* 0 = any time */
    gint64 memory;              /* bytes of buffers in all */
    gint64 message_size;        /* bytes of one request */
    gint64 login_timeout_ms;
    gint64 request_timeout_ms;
    gint64 http_idle_ms;    /* 0 = HTTP connections may be idle for any time */
    gint64 session_idle_ms; /* 0 = sessions over HTTP don't end by themselves */
} HgLimitsConfig;

typedef struct {
    gint64 keepalive_idle_ms; /* whole seconds; 0 = no keep-alive */
    gint64 keepalive_interval_ms;
    guint keepalive_count;
    gint64 user_timeout_ms; /* 0 = the kernel's own */
} HgTcpSideConfig;

typedef struct {
    HgTcpSideConfig clients;
    HgTcpSideConfig endpoints;
} HgTcpConfig;

typedef struct {
    guint threads;
    guint queue;
} HgJobsConfig;

typedef struct {
    const char *file; /* NULL: no policies are enforced */
    const char *user; /* as whom tables are looked up; NULL: the pool's service account */
    gint64 schema_ttl_ms;
    gint64 lookup_timeout_ms;
    guint tables;
} HgPoliciesConfig;

#define HG_ADMIN_DEFAULT_SOCKET "/run/hivegate/admin.sock"
#define HG_ADMIN_TOKEN_MIN      16 /* characters */

typedef struct {
    HgAddress bind;
    guint mode;                   /* permission bits of a Unix socket */
    const char *certificate_file; /* with key_file: TLS; NULL: none */
    const char *key_file;
    const char *token_file;          /* NULL: no token */
    const char *client_ca_file;      /* NULL: no client certificates */
    const char *const *client_names; /* ends with NULL; NULL: any */
    guint n_client_names;
    gboolean own_sessions; /* whoever logs in may see to their own */
} HgAdminListenConfig;

typedef struct {
    gboolean enabled;
    const HgAdminListenConfig *listen; /* none: HG_ADMIN_DEFAULT_SOCKET */
    guint n_listen;
    HgAddress metrics_listen; /* size 0: none */
} HgAdminConfig;

typedef struct {
    gboolean hide_literals;
    const char *const *patterns; /* NULL: none */
    guint n_patterns;
} HgAuditRedactConfig;

typedef struct {
    const char *key_file; /* NULL: none are made */
    const char *file;
    const char *url;
    const char *ca_file; /* for the URL */
    gint64 interval_ms;
} HgAuditAnchorsConfig;

typedef struct {
    const char *key_file; /* NULL: names as they are */
    gboolean addresses;
} HgAuditPseudonymsConfig;

typedef struct {
    const char *host; /* NULL: nothing is exported */
    guint port;
    HgExportForm form;
    gboolean tls;
    const char *ca_file;
    const char *certificate_file;
    const char *key_file;
} HgAuditExportConfig;

typedef struct {
    const char *spool;         /* NULL: nothing is recorded */
    const char *postgres;      /* NULL: events stay in the spool */
    const char *password_file; /* NULL: none */
    HgSpoolDurability durability;
    gint64 interval_ms;
    gint64 limit;  /* bytes of the spool */
    gint64 memory; /* bytes that wait to be written */
    HgSpoolWhenFull when_full;
    HgAuditRedactConfig redact;
    HgAuditAnchorsConfig anchors;
    HgAuditPseudonymsConfig pseudonyms;
    HgAuditExportConfig export;
} HgAuditConfig;

typedef struct {
    const char *url; /* NULL: nothing is traced */
    guint one_in;
    gboolean follow;
    gboolean statements;
    const char *token_file; /* NULL: none */
    const char *ca_file;    /* NULL: the system's */
    guint queue;
    gint64 interval_ms;
    gint64 timeout_ms;
} HgTracingConfig;

typedef struct {
    HgLogLevel level;
    HgLogFormat format;
} HgLogConfig;

typedef struct {
    guint workers; /* 0 = one per processor; hg_config_load() puts the number in */
    const HgListenerConfig *listeners;
    guint n_listeners;
    HgAuthenticationConfig authentication;
    const HgImpersonationConfig *impersonation;
    guint n_impersonation;
    HgSessionVariablesConfig session_variables;
    const HgPoolConfig *pools;
    guint n_pools;
    const HgRouteConfig *routing; /* none: all sessions go to the one pool */
    guint n_routing;
    HgAnnouncementConfig announcement; /* hosts NULL: none */
    HgLimitsConfig limits;
    HgTcpConfig tcp;
    HgJobsConfig jobs;
    HgPoliciesConfig policies;
    HgAdminConfig admin;
    HgAuditConfig audit;
    gint64 shutdown_wait_ms;
    HgTracingConfig tracing;
    gint64 shutdown_timeout_ms;
    HgLogConfig log;
} HgConfig;

/* Reads the file and everything it points to (users file, password files, variables). NULL when
 * there is any error; every error and warning of all of it is in `diagnostics`, which the caller
 * made with the same path. Relative paths count from the folder of the file. Blocks on the disk. */
HgConfig *hg_config_load(const char *path, HgDiagnostics *diagnostics);

/* The part of hg_config_load() that only looks at the text: no file is touched, and passwords that
 * come from elsewhere stay NULL. `name` is the path the text would have. Pure. */
HgConfig *hg_config_parse(const char *name, HgSlice text, HgDiagnostics *diagnostics);

/* Takes another reference, and gives it back. Unref of NULL does nothing. Any thread. */
HgConfig *hg_config_ref(HgConfig *config);
void hg_config_unref(HgConfig *config);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgConfig, hg_config_unref)

/* Its rules of impersonation; the caller's (hg_impersonation_free()). */
gboolean hg_config_impersonation(const HgConfig *config, HgImpersonation **out, GError **error);

/* What the configuration amounts to, in a few lines for a person. Free with g_free. */
char *hg_config_summary(const HgConfig *config);

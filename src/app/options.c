/* The rows of all options: see options.h. Static data; any thread.
 *
 * To add an option: a member in app/config.h, a row here, and the reference page anew:
 * build/hivegate --help-config-markdown >docs/configuration.md. */
#include "app/options.h"

#include "app/config.h"
#include "app/options_rows.h"

/* Choices are stored through an int. */
G_STATIC_ASSERT(sizeof(HgConfigTransport) == sizeof(int) && sizeof(HgConfigSasl) == sizeof(int) &&
                sizeof(HgConfigLogin) == sizeof(int) && sizeof(HgConfigDiscovery) == sizeof(int) &&
                sizeof(HgTlsVersion) == sizeof(int) &&
                sizeof(HgTlsClientCertificate) == sizeof(int) &&
                sizeof(HgConfigVerify) == sizeof(int) && sizeof(HgLogLevel) == sizeof(int) &&
                sizeof(HgLogFormat) == sizeof(int));

static const HgOptionChoice transports[] = {
    {"binary", HG_CONFIG_TRANSPORT_BINARY, "Thrift's binary protocol over TCP", FALSE},
    {"http", HG_CONFIG_TRANSPORT_HTTP, "the same over HTTP: JDBC's `transportMode=http`", FALSE},
    {0},
};

static const HgOptionChoice sasls[] = {
    {"plain", HG_CONFIG_SASL_PLAIN, "SASL with user name and password", FALSE},
    {"none", HG_CONFIG_SASL_NONE, "no SASL: name and password come with OpenSession", FALSE},
    {0},
};

static const HgOptionChoice logins[] = {
    {"as-user", HG_CONFIG_LOGIN_AS_USER, "log in with the user's name and hivegate's own password",
     FALSE},
    {"service", HG_CONFIG_LOGIN_SERVICE,
     "log in as `user` and name the real user in hive.server2.proxy.user", FALSE},
    {0},
};

static const HgOptionChoice tls_versions[] = {
    {"1.2", HG_TLS_1_2, "TLS 1.2 and later", FALSE},
    {"1.3", HG_TLS_1_3, "TLS 1.3 and later", FALSE},
    {"1.0", 0, "TLS 1.0 is broken; expected 1.2 or 1.3", TRUE},
    {"1.1", 0, "TLS 1.1 is broken; expected 1.2 or 1.3", TRUE},
    {0},
};

static const HgOptionChoice client_certificates[] = {
    {"none", HG_TLS_CLIENT_NONE, "clients aren't asked for one", FALSE},
    {"optional", HG_TLS_CLIENT_OPTIONAL, "one that comes must be good", FALSE},
    {"required", HG_TLS_CLIENT_REQUIRED, "nobody comes in without a good one", FALSE},
    {0},
};

static const HgOptionChoice verifies[] = {
    {"full", HG_CONFIG_TLS_FULL, "signed by the authority, and made out to the endpoint's host",
     FALSE},
    {"chain", HG_CONFIG_TLS_CHAIN, "signed by the authority", FALSE},
    {"none", HG_CONFIG_TLS_NO_CHECK, "nothing: whoever sits between can read and change everything",
     FALSE},
    {0},
};

static const HgOptionChoice discoveries[] = {
    {"static", HG_CONFIG_DISCOVERY_STATIC, "the endpoints are listed under `endpoints`", FALSE},
    {"dns", HG_CONFIG_DISCOVERY_DNS, "by records of DNS, as `dns` says", FALSE},
    {"kubernetes", HG_CONFIG_DISCOVERY_KUBERNETES,
     "by the EndpointSlices of a Service, as `kubernetes` says", FALSE},
    {"zookeeper", HG_CONFIG_DISCOVERY_ZOOKEEPER,
     "by the servers' own announcements, as `zookeeper` says", FALSE},
    {0},
};

static const HgOptionChoice log_levels[] = {
    {"debug", HG_LOG_DEBUG, "everything, for finding a fault", FALSE},
    {"info", HG_LOG_INFO, "what the process does", FALSE},
    {"warn", HG_LOG_WARN, "what somebody should look at", FALSE},
    {"error", HG_LOG_ERROR, "what failed", FALSE},
    {0},
};

static const HgOptionChoice log_formats[] = {
    {"text", HG_LOG_FORMAT_TEXT, "time, level, event and key=value, for people", FALSE},
    {"json", HG_LOG_FORMAT_JSON, "one object per line, for collectors", FALSE},
    {0},
};

static const HgOption certificate_rows[] = {
    {.name = "certificate_file",
     STRING(HgTlsPair, certificate_file, HG_OPTION_PATH),
     .required = TRUE,
     .reloadable = TRUE,
     .text = "The certificate and the chain above it, in PEM."},
    {.name = "key_file",
     STRING(HgTlsPair, key_file, HG_OPTION_PATH),
     .required = TRUE,
     .reloadable = TRUE,
     .text = "Its key, in PEM, without a passphrase."},
};
static const HgSection certificate_section = DESCRIBE(HgTlsPair, certificate_rows);

#define PROTOCOL_ROWS(type)                                                                        \
    {.name = "min_version",                                                                        \
     CHOICE(type, min_version, HgTlsVersion, tls_versions),                                        \
     .fallback = "1.2",                                                                            \
     .text = "The oldest version of TLS that is spoken."},                                         \
        {.name = "ciphers",                                                                        \
         STRING(type, ciphers, HG_OPTION_TEXT),                                                    \
         .text = "Ciphers of TLS 1.2, as `openssl ciphers` takes them. Without it, OpenSSL's."},   \
    {                                                                                              \
        .name = "ciphersuites", STRING(type, ciphersuites, HG_OPTION_TEXT),                        \
        .text = "Cipher suites of TLS 1.3, with colons between them. Without it, OpenSSL's."       \
    }

static const HgOption listener_tls_rows[] = {
    {.name = "certificates",
     LIST(HgListenerTlsConfig, certificates, HG_OPTION_SECTIONS),
     .section = &certificate_section,
     .required = TRUE,
     .min = 1,
     .max = 64,
     .text = "What the listener shows to clients. One whose name fits what a client asks for (SNI) "
             "goes before the first. Changed files count for new connections within half a minute, "
             "or at once after SIGHUP."},
    {.name = "client_certificate",
     CHOICE(HgListenerTlsConfig, client_certificate, HgTlsClientCertificate, client_certificates),
     .fallback = "none",
     .text = "Whether clients have to show a certificate (two-way TLS)."},
    {.name = "client_ca_file",
     STRING(HgListenerTlsConfig, client_ca_file, HG_OPTION_PATH),
     .reloadable = TRUE,
     .text = "The authorities whose client certificates are good, in PEM. Required when clients "
             "are asked for one."},
    PROTOCOL_ROWS(HgListenerTlsConfig),
};
static const HgSection listener_tls_section = DESCRIBE(HgListenerTlsConfig, listener_tls_rows);

static const HgOption pool_tls_rows[] = {
    {.name = "verify",
     CHOICE(HgPoolTlsConfig, verify, HgConfigVerify, verifies),
     .required = TRUE,
     .text = "What an endpoint's certificate must be."},
    {.name = "ca_file",
     STRING(HgPoolTlsConfig, ca_file, HG_OPTION_PATH),
     .reloadable = TRUE,
     .text = "The authorities that sign the endpoints' certificates, in PEM. Without it, the "
             "system's."},
    {.name = "server_name",
     STRING(HgPoolTlsConfig, server_name, HG_OPTION_TEXT),
     .text = "The name that the certificates are made out to, when it isn't the endpoint's host."},
    {.name = "certificate_file",
     STRING(HgPoolTlsConfig, certificate_file, HG_OPTION_PATH),
     .reloadable = TRUE,
     .text = "hivegate's own certificate, for endpoints that ask for one (two-way TLS), in PEM."},
    {.name = "key_file",
     STRING(HgPoolTlsConfig, key_file, HG_OPTION_PATH),
     .reloadable = TRUE,
     .text = "Its key, in PEM, without a passphrase."},
    PROTOCOL_ROWS(HgPoolTlsConfig),
};
static const HgSection pool_tls_section = DESCRIBE(HgPoolTlsConfig, pool_tls_rows);

static const HgOption listener_http_rows[] = {
    {.name = "path",
     STRING(HgListenerHttpConfig, path, HG_OPTION_TEXT),
     .fallback = "cliservice",
     .text = "Where clients send their requests: JDBC's `httpPath`."},
    {.name = "trusted_proxies",
     LIST(HgListenerHttpConfig, trusted_proxies, HG_OPTION_NETWORKS),
     .min = 1,
     .max = 256,
     .text = "HTTP proxies whose X-Forwarded-For header says who the client is: the last address "
             "in it that isn't one of these. `unix` is for all that connect over a Unix socket. "
             "From anybody else the header doesn't count. Name the proxies, not the networks of "
             "clients: whoever is in the list can claim any address."},
    {.name = "xsrf_header",
     SWITCH(HgListenerHttpConfig, xsrf_header),
     .fallback = "false",
     .text = "Refuse requests without an X-XSRF-HEADER, which no page in a browser can send to "
             "another site: `hive.server2.xsrf.filter.enabled`. Hive's JDBC driver sends it."},
};
static const HgSection listener_http_section = DESCRIBE(HgListenerHttpConfig, listener_http_rows);

static const HgOption proxy_protocol_rows[] = {
    {.name = "from",
     LIST(HgProxyProtocolConfig, from, HG_OPTION_NETWORKS),
     .required = TRUE,
     .min = 1,
     .max = 256,
     .text = "The balancers: each connection from these networks must begin with a PROXY header, "
             "version 1 or 2, and is ended when it doesn't. `unix` is for all connections over a "
             "Unix socket. From any other address a connection is the client's own."},
};
static const HgSection proxy_protocol_section =
    DESCRIBE(HgProxyProtocolConfig, proxy_protocol_rows);

static const HgOption listener_rows[] = {
    {.name = "name",
     STRING(HgListenerConfig, name, HG_OPTION_NAME),
     .required = TRUE,
     .text = "Names the listener in logs and messages; no two are the same."},
    {.name = "bind",
     ADDRESS(HgListenerConfig, bind),
     .required = TRUE,
     .text = "Where to listen. `[::]:10000` takes IPv6 only; for both families add a listener on "
             "`0.0.0.0:10000`. Port 0 asks the kernel for a free one."},
    {.name = "mode",
     MODE(HgListenerConfig, mode),
     .fallback = "0660",
     .text = "Permissions of a Unix socket: who may connect. Only with `bind: unix:...`."},
    {.name = "transport",
     CHOICE(HgListenerConfig, transport, HgConfigTransport, transports),
     .fallback = "binary",
     .text = "How clients speak."},
    {.name = "sasl",
     CHOICE(HgListenerConfig, sasl, HgConfigSasl, sasls),
     .fallback = "plain",
     .text = "How clients log in on the binary transport; JDBC's `auth=noSasl` needs `none`. Over "
             "HTTP they send name and password with each request."},
    {.name = "proxy_protocol",
     SECTION(HgListenerConfig, proxy_protocol, proxy_protocol_section),
     .text = "Balancers that pass connections on and say in front of each whose it is (HAProxy's "
             "`send-proxy` and `send-proxy-v2`, nginx's `proxy_protocol on`): "
             "docs/behind-a-balancer.md."},
    {.name = "http",
     SECTION(HgListenerConfig, http, listener_http_section),
     .text = "The HTTP transport."},
    {.name = "tls",
     SECTION(HgListenerConfig, tls, listener_tls_section),
     .text = "TLS: JDBC's `ssl=true`. Without it the listener speaks plain text."},
    {.name = "chain",
     LIST(HgListenerConfig, chain, HG_OPTION_NAMES),
     .min = 1,
     .max = 8,
     .text = "Who is asked about logins on this listener, in place of `authentication.chain`."},
};
static const HgSection listener_section = DESCRIBE(HgListenerConfig, listener_rows);

static const HgOption may_act_as_rows[] = {
    {.name = "users",
     LIST(HgMayActAsConfig, users, HG_OPTION_NAMES),
     .min = 1,
     .max = 10000,
     .text = "Names of users, as sessions are to run under them: no other spelling is taken."},
    {.name = "groups",
     LIST(HgMayActAsConfig, groups, HG_OPTION_NAMES),
     .min = 1,
     .max = 10000,
     .text = "Groups: their members, as the chain of the listener knows them."},
    {.name = "pattern",
     STRING(HgMayActAsConfig, pattern, HG_OPTION_TEXT),
     .text =
         "A regular expression that the whole name has to match: the name that the chain of the "
         "listener has for the user, or, when nobody there knows them, the name as asked for."},
};
static const HgSection may_act_as_section = DESCRIBE(HgMayActAsConfig, may_act_as_rows);

static const HgOption impersonation_rows[] = {
    {.name = "principal",
     STRING(HgImpersonationConfig, principal, HG_OPTION_TEXT),
     .text = "Who may act as others: a user name."},
    {.name = "principal_group",
     STRING(HgImpersonationConfig, principal_group, HG_OPTION_TEXT),
     .text = "Or a group whose members may."},
    {.name = "principal_pattern",
     STRING(HgImpersonationConfig, principal_pattern, HG_OPTION_TEXT),
     .text = "Or a regular expression that the whole user name has to match."},
    {.name = "realm",
     STRING(HgImpersonationConfig, realm, HG_OPTION_TEXT),
     .text =
         "Only when this realm vouches for the principal: `users`, `certificate`, `ldap`, or the "
         "`name` of an issuer or token server. Without it, any: whoever is called so in any realm "
         "may, which `hivegate --check-config` warns of when there are several."},
    {.name = "may_act_as",
     SECTION(HgImpersonationConfig, may_act_as, may_act_as_section),
     .required = TRUE,
     .text = "As whom."},
};
static const HgSection impersonation_section = DESCRIBE(HgImpersonationConfig, impersonation_rows);

static const HgOption variable_defaults_rows[] = {
    {.name = "users",
     LIST(HgVariableDefaultsConfig, users, HG_OPTION_NAMES),
     .min = 1,
     .max = 10000,
     .text = "For sessions that run as one of these users. Without `users` and `groups`, for all."},
    {.name = "groups",
     LIST(HgVariableDefaultsConfig, groups, HG_OPTION_NAMES),
     .min = 1,
     .max = 10000,
     .text = "For sessions of members of these groups."},
    {.name = "set",
     LIST(HgVariableDefaultsConfig, set, HG_OPTION_PAIRS),
     .required = TRUE,
     .text = "What is set when the client doesn't set it: names, such as "
             "`spark.sql.shuffle.partitions`, and values."},
};
static const HgSection variable_defaults_section =
    DESCRIBE(HgVariableDefaultsConfig, variable_defaults_rows);

static const HgOption session_variables_rows[] = {
    {.name = "allow",
     LIST(HgSessionVariablesConfig, allow, HG_OPTION_NAMES),
     .min = 0,
     .max = 10000,
     .text =
         "What clients may set when they open a session: names with `*` and `?`, without "
         "`set:`, `hiveconf:` and `hivevar:`. Without it, everything but what is never allowed: "
         "system properties, the server's own settings (memory, class path, master), and what "
         "loads code. The fetch size that JDBC drivers send, and the database, are always "
         "allowed."},
    {.name = "deny",
     LIST(HgSessionVariablesConfig, deny, HG_OPTION_NAMES),
     .min = 0,
     .max = 10000,
     .text = "What they may not set, whatever `allow` says."},
    {.name = "defaults",
     LIST(HgSessionVariablesConfig, defaults, HG_OPTION_SECTIONS),
     .section = &variable_defaults_section,
     .min = 1,
     .max = 1000,
     .text = "What is set for whom. Where several entries set the same name, the last one counts."},
};
static const HgSection session_variables_section =
    DESCRIBE(HgSessionVariablesConfig, session_variables_rows);

static const HgOption pool_http_rows[] = {
    {.name = "path",
     STRING(HgPoolHttpConfig, path, HG_OPTION_TEXT),
     .fallback = "cliservice",
     .text = "Where the endpoints take requests: `hive.server2.thrift.http.path`."},
};
static const HgSection pool_http_section = DESCRIBE(HgPoolHttpConfig, pool_http_rows);

static const HgOption pool_rows[] = {
    {.name = "name",
     STRING(HgPoolConfig, name, HG_OPTION_NAME),
     .required = TRUE,
     .text = "Names the pool in logs and messages."},
    {.name = "discovery",
     CHOICE(HgPoolConfig, discovery, HgConfigDiscovery, discoveries),
     .fallback = "static",
     .text = "Where the endpoints come from. While a source is away, the last ones stay in use."},
    {.name = "endpoints",
     LIST(HgPoolConfig, endpoints, HG_OPTION_ENDPOINTS),
     .min = 1,
     .max = 10000,
     .text = "The Spark Thrift Servers (or HiveServer2s), with `discovery: static`."},
    {.name = "dns",
     SECTION_ELSEWHERE(HgPoolConfig, dns, hg_option_pool_dns_section),
     .text = "Endpoints from DNS."},
    {.name = "kubernetes",
     SECTION_ELSEWHERE(HgPoolConfig, kubernetes, hg_option_pool_kubernetes_section),
     .text = "Endpoints from Kubernetes."},
    {.name = "zookeeper",
     SECTION_ELSEWHERE(HgPoolConfig, zookeeper, hg_option_pool_zookeeper_section),
     .text = "Endpoints from ZooKeeper, where HiveServer2s announce themselves."},
    {.name = "balancing",
     SECTION_ELSEWHERE(HgPoolConfig, balancing, hg_option_pool_balancing_section),
     .text = "Which endpoint a session goes to."},
    {.name = "health",
     SECTION_ELSEWHERE(HgPoolConfig, health, hg_option_pool_health_section),
     .text = "Probes of the endpoints."},
    {.name = "transport",
     CHOICE(HgPoolConfig, transport, HgConfigTransport, transports),
     .fallback = "binary",
     .text = "How the endpoints speak."},
    {.name = "sasl",
     CHOICE(HgPoolConfig, sasl, HgConfigSasl, sasls),
     .fallback = "plain",
     .text =
         "How hivegate logs in at the endpoints on the binary transport. Over HTTP it sends its "
         "name and password with each request."},
    {.name = "http", SECTION(HgPoolConfig, http, pool_http_section), .text = "The HTTP transport."},
    {.name = "tls",
     SECTION(HgPoolConfig, tls, pool_tls_section),
     .text = "TLS towards the endpoints. Without it hivegate speaks plain text to them."},
    {.name = "login",
     CHOICE(HgPoolConfig, login, HgConfigLogin, logins),
     .fallback = "as-user",
     .text =
         "In whose name hivegate logs in. A client's password is never passed on. Spark and Hive "
         "read no names beyond ASCII in a SASL login: such users need `service`."},
    {.name = "user",
     STRING(HgPoolConfig, user, HG_OPTION_TEXT),
     .text = "The service account. Required with `login: service`, and only then."},
    {.name = "password_file",
     STRING(HgPoolConfig, password_file, HG_OPTION_PATH),
     .text =
         "A file with one line: hivegate's own password at the endpoints. With `login: service` "
         "this or `password_env` is required; without either the password is the word "
         "`hivegate`, which a Spark server without authentication takes. SIGHUP reads it again: "
         "new "
         "connections log in with what it holds then, and over HTTP all requests do.",
     .reloadable = TRUE},
    {.name = "password_env",
     STRING(HgPoolConfig, password_env, HG_OPTION_VARIABLE),
     .text = "The name of an environment variable that holds the password, instead of a file."},
    {.name = "password",
     .kind = HG_OPTION_NOT_HERE,
     .text = "put it into a file of its own and name that in password_file, or name an environment "
             "variable in password_env"},
    {.name = "connect_timeout",
     DURATION(HgPoolConfig, connect_timeout_ms),
     .fallback = "5s",
     .min = 10,
     .max = MINUTES(5),
     .text = "How long connecting to an endpoint may take before the next one is tried."},
    {.name = "login_timeout",
     DURATION(HgPoolConfig, login_timeout_ms),
     .fallback = "10s",
     .min = 10,
     .max = MINUTES(10),
     .text = "How long the login at an endpoint may take."},
    {.name = "open_timeout",
     DURATION(HgPoolConfig, open_timeout_ms),
     .fallback = "2m",
     .min = 100,
     .max = HOURS(1),
     .text = "How long an endpoint may take to open a session. Hive may start an application for "
             "it, so be generous."},
    {.name = "sessions",
     COUNT(HgPoolConfig, sessions),
     .fallback = "0",
     .min = 0,
     .max = 1000000,
     .text =
         "Sessions in the pool at once; more are refused, or go to the rule's fallback. 0 sets no "
         "limit."},
    {.name = "drain_timeout",
     DURATION(HgPoolConfig, drain_timeout_ms),
     .fallback = "0s",
     .min = 0,
     .max = HOURS(24),
     .text =
         "How long sessions may stay on an endpoint that is drained, by command or because it is "
         "about to end, or that its source doesn't name any more; then they end with an error. "
         "0 sets no limit."},
};
static const HgSection pool_section = DESCRIBE(HgPoolConfig, pool_rows);

static const HgOption limits_rows[] = {
    {.name = "connections",
     COUNT(HgLimitsConfig, connections),
     .fallback = "0",
     .min = 0,
     .max = 1000000,
     .text = "Client connections at once; more are refused. 0 takes what the limit of open files "
             "(`ulimit -n`) allows."},
    {.name = "sessions",
     COUNT(HgLimitsConfig, sessions),
     .fallback = "0",
     .min = 0,
     .max = 1000000,
     .text =
         "Sessions at once; more are refused. Each has a connection to its endpoint. 0 takes what "
         "the limit of open files (`ulimit -n`) allows."},
    {.name = "sessions_per_user",
     COUNT(HgLimitsConfig, sessions_per_user),
     .fallback = "0",
     .min = 0,
     .max = 1000000,
     .text =
         "Sessions of one user at once, so that nobody takes what the others need. 0 takes half "
         "of `sessions`."},
    {.name = "sessions_per_address",
     COUNT(HgLimitsConfig, sessions_per_address),
     .fallback = "0",
     .min = 0,
     .max = 1000000,
     .text =
         "Sessions from one client address at once (that of the client itself, where a balancer "
         "names it). 0 sets no limit."},
    {.name = "connection_rate",
     COUNT(HgLimitsConfig, connection_rate),
     .fallback = "0",
     .min = 0,
     .max = 1000000,
     .text = "Connections that one address may make a second, and at first twice as many at once; "
             "more are closed. Addresses in `proxy_protocol.from` have no limit. 0 sets none."},
    {.name = "statement_size",
     SIZE(HgLimitsConfig, statement_size),
     .fallback = "0",
     .min = 0,
     .max = GIB(1),
     .text = "Size of one statement's text, as the client sends it. 0 sets no limit but that of "
             "`message_size`. A statement to which `policies` have to be applied may have 1 MiB in "
             "any case."},
    {.name = "run_time",
     DURATION(HgLimitsConfig, run_time_ms),
     .fallback = "0s",
     .min = 0,
     .max = HOURS(24),
     .text = "How long a statement may run before it is cancelled. One that wasn't run "
             "asynchronously has no handle to cancel it by: its session ends. 0 sets no limit."},
    {.name = "memory",
     SIZE(HgLimitsConfig, memory),
     .fallback = "1GiB",
     .min = MIB(16),
     .max = GIB(1024),
     .text = "Memory for messages under way, of all connections together. At the ceiling new "
             "requests are refused."},
    {.name = "message_size",
     SIZE(HgLimitsConfig, message_size),
     .fallback = "100MiB",
     .min = KIB(64),
     .max = GIB(1),
     .text = "Size of one request of a client, such as a long statement. Spark's own limit is "
             "100MiB. Replies have no limit."},
    {.name = "login_timeout",
     DURATION(HgLimitsConfig, login_timeout_ms),
     .fallback = "20s",
     .min = 100,
     .max = MINUTES(10),
     .text = "How long a client may take from connecting to the end of its login."},
    {.name = "request_timeout",
     DURATION(HgLimitsConfig, request_timeout_ms),
     .fallback = "1m",
     .min = 100,
     .max = HOURS(1),
     .text = "How long a client may take to send one request, from its first to its last byte. An "
             "idle client has no limit on the binary transport."},
    {.name = "http_idle",
     DURATION(HgLimitsConfig, http_idle_ms),
     .fallback = "30m",
     .min = 0,
     .max = HOURS(24),
     .text = "How long an HTTP connection may be idle before it is closed. Its sessions go on. 0 "
             "sets no limit."},
    {.name = "session_idle",
     DURATION(HgLimitsConfig, session_idle_ms),
     .fallback = "8h",
     .min = 0,
     .max = HOURS(24 * 30),
     .text = "How long nothing may be asked of a session that was opened over HTTP before it is "
             "closed: such a session doesn't end with a connection. 0 sets no limit."},
};
static const HgSection limits_section = DESCRIBE(HgLimitsConfig, limits_rows);

static const HgOption tcp_side_rows[] = {
    {.name = "keepalive_idle",
     DURATION(HgTcpSideConfig, keepalive_idle_ms),
     .fallback = "60s",
     .min = 0,
     .max = SECONDS(32767),
     .step = SECONDS(1),
     .text = "Silence before the first keep-alive probe. Cloud balancers forget silent connections "
             "after some minutes. 0 sends no probes."},
    {.name = "keepalive_interval",
     DURATION(HgTcpSideConfig, keepalive_interval_ms),
     .fallback = "15s",
     .min = SECONDS(1),
     .max = SECONDS(32767),
     .step = SECONDS(1),
     .text = "Time between probes."},
    {.name = "keepalive_count",
     COUNT(HgTcpSideConfig, keepalive_count),
     .fallback = "4",
     .min = 1,
     .max = 127,
     .text = "Unanswered probes that end the connection."},
    {.name = "user_timeout",
     DURATION(HgTcpSideConfig, user_timeout_ms),
     .fallback = "2m",
     .min = 0,
     .max = HOURS(24),
     .step = SECONDS(1),
     .text = "How long sent data may stay unacknowledged (TCP_USER_TIMEOUT). 0 leaves it to the "
             "kernel."},
};
static const HgSection tcp_side_section = DESCRIBE(HgTcpSideConfig, tcp_side_rows);

static const HgOption tcp_rows[] = {
    {.name = "clients",
     SECTION(HgTcpConfig, clients, tcp_side_section),
     .text = "Connections of clients."},
    {.name = "endpoints",
     SECTION(HgTcpConfig, endpoints, tcp_side_section),
     .text = "Connections to endpoints."},
};
static const HgSection tcp_section = DESCRIBE(HgTcpConfig, tcp_rows);

static const HgOption jobs_rows[] = {
    {.name = "threads",
     COUNT(HgJobsConfig, threads),
     .fallback = "8",
     .min = 1,
     .max = 256,
     .text = "Threads for work that blocks: asking directories and token servers, and checking "
             "passwords (20 ms and 16 MiB each time, on as many threads as there are processors)."},
    {.name = "queue",
     COUNT(HgJobsConfig, queue),
     .fallback = "1024",
     .min = 1,
     .max = 1000000,
     .text = "Work that may wait for a thread; more is refused."},
};
static const HgSection jobs_section = DESCRIBE(HgJobsConfig, jobs_rows);

static const HgOption log_rows[] = {
    {.name = "level",
     CHOICE(HgLogConfig, level, HgLogLevel, log_levels),
     .fallback = "info",
     .text = "The least important lines that are written. `--log-level` overrides it."},
    {.name = "format",
     CHOICE(HgLogConfig, format, HgLogFormat, log_formats),
     .fallback = "text",
     .text = "The form of a line. `--log-format` overrides it."},
};
static const HgSection log_section = DESCRIBE(HgLogConfig, log_rows);

static const HgOption config_rows[] = {
    {.name = "workers",
     COUNT(HgConfig, workers),
     .fallback = "0",
     .min = 0,
     .max = 256,
     .text = "Threads that serve connections. 0 is one per processor."},
    {.name = "listeners",
     LIST(HgConfig, listeners, HG_OPTION_SECTIONS),
     .section = &listener_section,
     .required = TRUE,
     .min = 1,
     .max = 64,
     .text = "Where clients come in."},
    {.name = "authentication",
     SECTION_ELSEWHERE(HgConfig, authentication, hg_option_authentication_section),
     .required = TRUE,
     .text = "Who may come in."},
    {.name = "impersonation",
     LIST(HgConfig, impersonation, HG_OPTION_SECTIONS),
     .section = &impersonation_section,
     .min = 1,
     .max = 1000,
     .text = "Who may run sessions as whom, with `hive.server2.proxy.user` or `doAs`. Without a "
             "rule nobody may act as anybody else."},
    {.name = "session_variables",
     SECTION(HgConfig, session_variables, session_variables_section),
     .text = "What sessions are opened with."},
    {.name = "pools",
     LIST(HgConfig, pools, HG_OPTION_SECTIONS),
     .section = &pool_section,
     .required = TRUE,
     .min = 1,
     .max = 64,
     .text = "Where sessions go. With several, `routing` says which goes where."},
    {.name = "routing",
     .kind = HG_OPTION_SECTIONS,
     .offset = offsetof(HgConfig, routing),
     .count_offset = OFFSET(HgConfig, n_routing, guint),
     .elsewhere = hg_option_routing_section,
     .min = 1,
     .max = 1000,
     .text = "Which pool a session goes to: the first rule whose conditions all hold decides. A "
             "session that no rule takes is refused."},
    {.name = "announcement",
     SECTION_ELSEWHERE(HgConfig, announcement, hg_option_announcement_section),
     .text = "hivegate's own announcement in ZooKeeper, for clients with "
             "`serviceDiscoveryMode=zooKeeper`."},
    {.name = "limits",
     SECTION(HgConfig, limits, limits_section),
     .text = "What clients may use up."},
    {.name = "tcp", SECTION(HgConfig, tcp, tcp_section), .text = "How dead peers are noticed."},
    {.name = "policies",
     SECTION_ELSEWHERE(HgConfig, policies, hg_option_policies_section),
     .text = "What users may see: row filters, column masks and access. Without a file, "
             "everything."},
    {.name = "admin",
     SECTION_ELSEWHERE(HgConfig, admin, hg_option_admin_section),
     .text = "Metrics, health and control."},
    {.name = "audit",
     SECTION_ELSEWHERE(HgConfig, audit, hg_option_audit_section),
     .text = "Who did what: recorded on disk before it happens, and shipped to PostgreSQL "
             "(docs/audit.md)."},
    {.name = "tracing",
     SECTION_ELSEWHERE(HgConfig, tracing, hg_option_tracing_section),
     .text = "Spans of logins, sessions and statements for OpenTelemetry (docs/tracing.md)."},
    {.name = "jobs", SECTION(HgConfig, jobs, jobs_section), .text = "Work that blocks."},
    {.name = "shutdown_wait",
     DURATION(HgConfig, shutdown_wait_ms),
     .fallback = "0s",
     .min = 0,
     .max = HOURS(1),
     .text =
         "How long after SIGTERM hivegate still takes clients, with `/readyz` saying no and its "
         "announcement withdrawn, so that balancers lead clients elsewhere first. A second signal "
         "ends the wait."},
    {.name = "shutdown_timeout",
     DURATION(HgConfig, shutdown_timeout_ms),
     .fallback = "30s",
     .min = 0,
     .max = HOURS(24),
     .text = "How long running statements may take to finish after SIGTERM."},
    {.name = "log", SECTION(HgConfig, log, log_section), .text = "What is written to stderr."},
};
static const HgSection config_section = DESCRIBE(HgConfig, config_rows);

const HgSection *hg_options(void)
{
    return &config_section;
}

const HgSection *hg_option_section(const HgOption *option)
{
    return option->elsewhere != NULL ? option->elsewhere() : option->section;
}

const HgOption *hg_option_find(const HgSection *section, const char *name)
{
    for (gsize i = 0; i < section->count; i++)
        if (strcmp(section->rows[i].name, name) == 0)
            return &section->rows[i];
    return NULL;
}

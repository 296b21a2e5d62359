/* Tests of app/config, reading text alone: values, defaults, and every error with its place. */
#include "app/config.h"
#include "suites.h"

#include <string.h>

/* The least that is a configuration, in pieces that tests replace. */
#define LISTENERS "listeners: [{name: a, bind: '127.0.0.1:10000'}]\n"
#define AUTH      "authentication: {chain: [users], users: {file: users.txt}}\n"
#define POOLS     "pools: [{name: p, endpoints: ['h:1']}]\n"
#define LEAST     LISTENERS AUTH POOLS

static HgConfig *parse_as(const char *name, const char *text)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new(name);
    HgConfig *config = hg_config_parse(name, hg_slice_from_string(text), diagnostics);
    g_autofree char *wrong = hg_diagnostics_text(diagnostics);
    ck_assert_msg(config != NULL, "%s", wrong);
    ck_assert_str_eq(wrong, "");
    return config;
}

static HgConfig *parse(const char *text)
{
    return parse_as("c.yaml", text);
}

START_TEST(test_defaults)
{
    g_autoptr(HgConfig) config = parse(LEAST);
    ck_assert_uint_eq(config->workers, 0);
    ck_assert_uint_eq(config->n_listeners, 1);
    ck_assert_uint_eq(config->listeners[0].mode, 0660);
    ck_assert_int_eq(config->listeners[0].transport, HG_CONFIG_TRANSPORT_BINARY);
    ck_assert_int_eq(config->listeners[0].sasl, HG_CONFIG_SASL_PLAIN);
    ck_assert_int_eq(config->authentication.cache_ttl_ms, 300000);
    ck_assert_uint_eq(config->authentication.cache_entries, 10000);
    const HgPoolConfig *pool = &config->pools[0];
    ck_assert_int_eq(pool->discovery, HG_CONFIG_DISCOVERY_STATIC);
    ck_assert_int_eq(pool->transport, HG_CONFIG_TRANSPORT_BINARY);
    ck_assert_int_eq(pool->sasl, HG_CONFIG_SASL_PLAIN);
    ck_assert_int_eq(pool->login, HG_CONFIG_LOGIN_AS_USER);
    ck_assert_ptr_null(pool->user);
    ck_assert(hg_slice_equal_string(hg_secret_slice(pool->password), "hivegate"));
    ck_assert_int_eq(pool->connect_timeout_ms, 5000);
    ck_assert_int_eq(pool->login_timeout_ms, 10000);
    ck_assert_int_eq(pool->open_timeout_ms, 120000);
    ck_assert_uint_eq(config->limits.connections, 0);
    ck_assert_int_eq(config->limits.memory, 1 << 30);
    ck_assert_int_eq(config->limits.message_size, 100 << 20);
    ck_assert_int_eq(config->limits.login_timeout_ms, 20000);
    ck_assert_int_eq(config->limits.request_timeout_ms, 60000);
    const HgTcpSideConfig *sides[] = {&config->tcp.clients, &config->tcp.endpoints};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(sides[i]->keepalive_idle_ms, 60000);
        ck_assert_int_eq(sides[i]->keepalive_interval_ms, 15000);
        ck_assert_uint_eq(sides[i]->keepalive_count, 4);
        ck_assert_int_eq(sides[i]->user_timeout_ms, 120000);
    }
    ck_assert_uint_eq(config->jobs.threads, 8);
    ck_assert_uint_eq(config->jobs.queue, 1024);
    ck_assert_int_eq(config->shutdown_timeout_ms, 30000);
    ck_assert_int_eq(config->log.level, HG_LOG_INFO);
    ck_assert_int_eq(config->log.format, HG_LOG_FORMAT_TEXT);
}
END_TEST

static const char everything[] =
    "workers: 3\n"
    "listeners:\n"
    "  - name: four\n"
    "    bind: 127.0.0.1:10000\n"
    "    transport: binary\n"
    "    sasl: none\n"
    "  - {name: six, bind: '[::1]:10000', sasl: plain}\n"
    "  - {name: local, bind: unix:run/h.sock, mode: 0600}\n"
    "authentication:\n"
    "  chain: [users]\n"
    "  users: {file: ../users.txt}\n"
    "  cache_ttl: 30s\n"
    "  cache_entries: 7\n"
    "pools:\n"
    "  - name: main\n"
    "    discovery: static\n"
    "    endpoints: [\"10.0.0.1:10001\", 'spark.example:2', '[::1]:3']\n"
    "    transport: binary\n"
    "    sasl: none\n"
    "    login: service\n"
    "    user: hive gate\n"
    "    password_file: /etc/hivegate/password\n"
    "    connect_timeout: 1s\n"
    "    login_timeout: 2s\n"
    "    open_timeout: 3s\n"
    "limits: {connections: 5, memory: 64MiB, message_size: 1MiB,\n"
    "         login_timeout: 1s, request_timeout: 500ms}\n"
    "tcp:\n"
    "  clients: {keepalive_idle: 0, keepalive_interval: 2s,\n"
    "            keepalive_count: 3, user_timeout: 4s}\n"
    "  endpoints: {keepalive_idle: 5s}\n"
    "jobs: {threads: 8, queue: 9}\n"
    "shutdown_timeout: 1m\n"
    "log: {level: debug, format: json}\n";

START_TEST(test_listeners_and_authentication)
{
    g_autoptr(HgConfig) config = parse_as("/etc/hivegate/c.yaml", everything);
    ck_assert_uint_eq(config->workers, 3);
    ck_assert_uint_eq(config->n_listeners, 3);
    ck_assert_str_eq(config->listeners[0].name, "four");
    ck_assert_int_eq(config->listeners[0].sasl, HG_CONFIG_SASL_NONE);
    g_autofree char *six = hg_address_format(&config->listeners[1].bind);
    ck_assert_str_eq(six, "[::1]:10000");
    g_autofree char *local = hg_address_format(&config->listeners[2].bind);
    ck_assert_str_eq(local, "unix:/etc/hivegate/run/h.sock");
    ck_assert_uint_eq(config->listeners[2].mode, 0600);
    ck_assert_uint_eq(config->authentication.n_chain, 1);
    ck_assert_str_eq(config->authentication.chain[0], "users");
    ck_assert_ptr_null(config->authentication.chain[1]);
    ck_assert_str_eq(config->authentication.users.file, "/etc/hivegate/../users.txt");
    ck_assert_int_eq(config->authentication.cache_ttl_ms, 30000);
    ck_assert_uint_eq(config->authentication.cache_entries, 7);
}
END_TEST

START_TEST(test_pool)
{
    g_autoptr(HgConfig) config = parse_as("/etc/hivegate/c.yaml", everything);
    const HgPoolConfig *pool = &config->pools[0];
    ck_assert_uint_eq(config->n_pools, 1);
    ck_assert_str_eq(pool->name, "main");
    ck_assert_uint_eq(pool->n_endpoints, 3);
    ck_assert_str_eq(pool->endpoints[0].host, "10.0.0.1");
    ck_assert_str_eq(pool->endpoints[0].port, "10001");
    ck_assert_str_eq(pool->endpoints[1].host, "spark.example");
    ck_assert_str_eq(pool->endpoints[2].host, "::1");
    ck_assert_int_eq(pool->sasl, HG_CONFIG_SASL_NONE);
    ck_assert_int_eq(pool->login, HG_CONFIG_LOGIN_SERVICE);
    ck_assert_str_eq(pool->user, "hive gate");
    ck_assert_str_eq(pool->password_file, "/etc/hivegate/password");
    ck_assert_ptr_null(pool->password_env);
    ck_assert_ptr_null(pool->password); /* only hg_config_load() touches files */
    ck_assert_int_eq(pool->connect_timeout_ms, 1000);
    ck_assert_int_eq(pool->login_timeout_ms, 2000);
    ck_assert_int_eq(pool->open_timeout_ms, 3000);
}
END_TEST

START_TEST(test_the_rest)
{
    g_autoptr(HgConfig) config = parse_as("/etc/hivegate/c.yaml", everything);
    ck_assert_uint_eq(config->limits.connections, 5);
    ck_assert_int_eq(config->limits.memory, 64 << 20);
    ck_assert_int_eq(config->limits.message_size, 1 << 20);
    ck_assert_int_eq(config->limits.login_timeout_ms, 1000);
    ck_assert_int_eq(config->limits.request_timeout_ms, 500);
    ck_assert_int_eq(config->tcp.clients.keepalive_idle_ms, 0);
    ck_assert_int_eq(config->tcp.clients.keepalive_interval_ms, 2000);
    ck_assert_uint_eq(config->tcp.clients.keepalive_count, 3);
    ck_assert_int_eq(config->tcp.clients.user_timeout_ms, 4000);
    ck_assert_int_eq(config->tcp.endpoints.keepalive_idle_ms, 5000);
    ck_assert_int_eq(config->tcp.endpoints.keepalive_interval_ms, 15000);
    ck_assert_uint_eq(config->jobs.threads, 8);
    ck_assert_uint_eq(config->jobs.queue, 9);
    ck_assert_int_eq(config->shutdown_timeout_ms, 60000);
    ck_assert_int_eq(config->log.level, HG_LOG_DEBUG);
    ck_assert_int_eq(config->log.format, HG_LOG_FORMAT_JSON);
}
END_TEST

START_TEST(test_relative_paths)
{
    g_autoptr(HgConfig) here = parse_as("c.yaml", LEAST);
    g_autoptr(HgConfig) below = parse_as("conf/c.yaml", LEAST);
    g_autoptr(HgConfig) root = parse_as("/c.yaml", LEAST);
    ck_assert_str_eq(here->authentication.users.file, "users.txt");
    ck_assert_str_eq(below->authentication.users.file, "conf/users.txt");
    ck_assert_str_eq(root->authentication.users.file, "/users.txt");
}
END_TEST

START_TEST(test_counted)
{
    HgConfig *config = parse(LEAST);
    HgConfig *other = hg_config_ref(config);
    hg_config_unref(config);
    ck_assert_str_eq(other->pools[0].endpoints[0].host, "h");
    hg_config_unref(other);
    hg_config_unref(NULL);
}
END_TEST

START_TEST(test_summary)
{
    g_autoptr(HgConfig) config = parse_as("/etc/hivegate/c.yaml", everything);
    g_autofree char *text = hg_config_summary(config);
    ck_assert_str_eq(text, "  listener four: 127.0.0.1:10000, binary, sasl none\n"
                           "  listener six: [::1]:10000, binary, sasl plain\n"
                           "  listener local: unix:/etc/hivegate/run/h.sock, binary, sasl plain\n"
                           "  authentication: users\n"
                           "  pool main: 3 endpoints, binary, sasl none, login as hive gate\n"
                           "  workers: 3\n");
}
END_TEST

/* The diagnostics of a text that must be refused; free with g_free. */
static char *errors_of(const char *text)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("c");
    g_autoptr(HgConfig) config = hg_config_parse("c", hg_slice_from_string(text), diagnostics);
    ck_assert_msg(config == NULL, "taken:\n%s", text);
    ck_assert_uint_gt(hg_diagnostics_errors(diagnostics), 0);
    return hg_diagnostics_text(diagnostics);
}

/* Exactly this one error. */
static void check_error(const char *text, const char *expected)
{
    g_autofree char *errors = errors_of(text);
    g_autofree char *line = g_strconcat(expected, "\n", NULL);
    ck_assert_msg(strcmp(errors, line) == 0, "in:\n%s\ngot:\n%s\nexpected:\n%s", text, errors,
                  expected);
}

START_TEST(test_policies)
{
    check_error(LEAST "policies: {user: hive}\n",
                "c:4:11: policies.file is missing; expected the path of a policies file");
    check_error(LEAST "policies: {file: p.yaml}\n",
                "c:4:11: policies.user is missing: pools[0] has login: as-user, so hivegate has no "
                "name of its own there; expected a user who may DESCRIBE every table");
    g_autoptr(HgConfig) config = parse(LEAST "policies: {file: p.yaml, user: hive}\n");
    ck_assert_str_eq(config->policies.user, "hive");
    ck_assert_int_eq(config->policies.schema_ttl_ms, 30000);
    g_autoptr(HgConfig) without = parse(LEAST);
    ck_assert_ptr_null(without->policies.file);
}
END_TEST

START_TEST(test_values)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"workers: two", "c:4:10: workers: \"two\" is not a whole number; expected a whole number "
                         "from 0 to 256"},
        {"workers: 257", "c:4:10: workers: \"257\" is out of range; expected a whole number from 0 "
                         "to 256"},
        {"workers: 1.5", "c:4:10: workers: \"1.5\" is not a whole number; expected a whole number "
                         "from 0 to 256"},
        {"workers:", "c:4:9: workers: there is no value; expected a whole number from 0 to 256"},
        {"workers: ~", "c:4:10: workers: there is no value; expected a whole number from 0 to 256"},
        {"workers: [1]", "c:4:10: workers: a list is here; expected a whole number from 0 to 256"},
        {"workers: {a: 1}",
         "c:4:10: workers: a map is here; expected a whole number from 0 to 256"},
        {"shutdown_timeout: 30", "c:4:19: shutdown_timeout: \"30\" has no unit (ms, s, m, h, d); "
                                 "expected a duration from 0 to 1d"},
        {"shutdown_timeout: soon", "c:4:19: shutdown_timeout: \"soon\" is not a duration; expected "
                                   "a duration from 0 to 1d"},
        {"shutdown_timeout: 25h", "c:4:19: shutdown_timeout: \"25h\" is out of range; expected a "
                                  "duration from 0 to 1d"},
        {"tcp: {clients: {keepalive_idle: 1500ms}}",
         "c:4:33: tcp.clients.keepalive_idle: \"1500ms\" is too fine; expected a duration from 0 "
         "to "
         "32767s, a multiple of 1s"},
        {"limits: {memory: 1GB}", "c:4:18: limits.memory: \"1GB\" is not a size; expected a size "
                                  "from 16MiB to 1TiB"},
        {"limits: {memory: 1KiB}", "c:4:18: limits.memory: \"1KiB\" is out of range; expected a "
                                   "size from 16MiB to 1TiB"},
        {"log: {level: INFO}", "c:4:14: log.level: \"INFO\" is not known; expected one of debug, "
                               "info, warn, error"},
        {"log: 3", "c:4:6: log: a single value is here; expected a map"},
        {"log: []", "c:4:6: log: a list is here; expected a map"},
        {"log:", "c:4:5: log: there is no value; expected a map"},
        {"wrokers: 1",
         "c:4:1: unknown key \"wrokers\"; expected one of workers, listeners, "
         "authentication, impersonation, session_variables, pools, routing, "
         "announcement, limits, tcp, "
         "policies, admin, audit, tracing, jobs, shutdown_wait, shutdown_timeout, log; did you "
         "mean workers?"},
        {"tls: {}", "c:4:1: unknown key \"tls\"; expected one of workers, listeners, "
                    "authentication, impersonation, session_variables, pools, routing, "
                    "announcement, limits, tcp, "
                    "policies, admin, audit, tracing, jobs, shutdown_wait, shutdown_timeout, log"},
        {"log: {lvl: info}",
         "c:4:7: unknown key \"lvl\" in log; expected one of level, format; did you mean level?"},
        {"workers: 1\nworkers: 2",
         "c:5:1: workers is here a second time, after line 4; expected it "
         "once: delete one of the two"},
        {"audit: {postgres: 'host=db'}",
         "c:4:8: audit.spool is missing; expected the folder in which events are kept until "
         "PostgreSQL has them"},
        {"audit: {spool: s, password_file: p}",
         "c:4:34: audit.password_file is of no use; expected audit.postgres too"},
        {"audit: {spool: s, postgres: 'host=db password=x'}",
         "c:4:29: audit.postgres holds a password, which doesn't belong into this file; expected "
         "it in audit.password_file"},
        {"audit: {spool: s, postgres: 'postgresql://u:x@db/d'}",
         "c:4:29: audit.postgres holds a password, which doesn't belong into this file; expected "
         "it in audit.password_file"},
        {"audit: {spool: s, postgres: 'hosst=db'}",
         "c:4:29: audit.postgres: can't be understood: invalid connection option \"hosst\""},
        {"audit: {spool: s, when_full: wait}",
         "c:4:30: audit.when_full: \"wait\" is not known; expected one of refuse, drop"},
        {"jobs: {threads: 0}", "c:4:17: jobs.threads: \"0\" is out of range; expected a whole "
                               "number from 1 to 256"},
        {"limits: {message_size: 32MiB, memory: 16MiB}",
         "c:4:24: limits.message_size (32MiB) is above limits.memory (16MiB), so that such a "
         "message could never come in; expected it to be smaller"},
        {"limits: {memory: 64MiB}",
         "c:4:18: limits.message_size (100MiB) is above limits.memory (64MiB), so that such a "
         "message could never come in; expected it to be smaller"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strconcat(LEAST, cases[i].text, "\n", NULL);
        check_error(text, cases[i].error);
    }
}
END_TEST

START_TEST(test_listener_errors)
{
    static const struct {
        const char *listeners, *error;
    } cases[] = {
        {"[]", "c:1:12: listeners: the list is empty; expected a list of maps, each with '-' in "
               "front"},
        {"x",
         "c:1:12: listeners: a single value is here; expected a list of maps, each with '-' in "
         "front"},
        {"", "c:1:11: listeners: there is no value; expected a list of maps, each with '-' in "
             "front"},
        {"{name: a}", "c:1:12: listeners: a map is here; expected a list of maps, each with '-' in "
                      "front"},
        {"[a]", "c:1:13: listeners[0]: not a map; expected keys with values, such as name: ..."},
        {"[{bind: '127.0.0.1:1'}]", "c:1:13: listeners[0].name is missing; expected a name of 1 to "
                                    "64 letters, digits, '-', '_' and '.'"},
        {"[{name: a}]", "c:1:13: listeners[0].bind is missing; expected ADDRESS:PORT, [IPV6]:PORT "
                        "or unix:PATH"},
        {"[{name: 'a b', bind: '127.0.0.1:1'}]",
         "c:1:20: listeners[0].name: \"a b\" is not a name; expected a name of 1 to 64 letters, "
         "digits, '-', '_' and '.'"},
        {"[{name: '', bind: '127.0.0.1:1'}]",
         "c:1:20: listeners[0].name: is empty; expected a name of 1 to 64 letters, digits, '-', "
         "'_' and '.'"},
        {"[{name: a, bind: 'localhost:1'}]",
         "c:1:29: listeners[0].bind: \"localhost:1\" has no valid IPv4 address; names are not "
         "looked up here, write an address such as 127.0.0.1, or 0.0.0.0 for every interface"},
        {"[{name: a, bind: '127.0.0.1:1', transport: https}]",
         "c:1:55: listeners[0].transport: \"https\" is not known; expected one of binary, http"},
        {"[{name: a, bind: '127.0.0.1:1', transport: http, sasl: plain}]",
         "c:1:67: listeners[0].sasl: HTTP has no SASL; expected no sasl with transport: http"},
        {"[{name: a, bind: '127.0.0.1:1', http: {path: x}}]",
         "c:1:50: listeners[0].http is of no use; expected transport: http"},
        {"[{name: a, bind: '127.0.0.1:1', transport: http, http: {path: 'a b'}}]",
         "c:1:74: listeners[0].http.path: expected a path of an URL without the '/' in front, such "
         "as cliservice"},
        {"[{name: a, bind: '127.0.0.1:1', sasl: gssapi}]",
         "c:1:50: listeners[0].sasl: \"gssapi\" is not known; expected one of plain, none"},
        {"[{name: a, bind: '127.0.0.1:1', mode: 0600}]",
         "c:1:50: listeners[0].mode: only a Unix socket has permissions; expected bind: unix:PATH, "
         "or no mode"},
        {"[{name: a, bind: 'unix:s', mode: 8}]",
         "c:1:45: listeners[0].mode: \"8\" is not a mode; expected permissions in octal, such as "
         "0660"},
        {"[{name: a, bind: 'unix:s', mode: 4777}]",
         "c:1:45: listeners[0].mode: \"4777\" has bits that a socket doesn't have; expected "
         "permissions in octal, such as 0660"},
        {"[{name: a, bind: '127.0.0.1:1'}, {name: a, bind: '127.0.0.1:2'}]",
         "c:1:52: \"a\" is the name of the listener on line 1 already; expected a name of its own"},
        {"[{name: a, bind: '127.0.0.1:1'}, {name: b, bind: '0.0.0.0:1'}]",
         "c:1:61: listeners[1].bind: 0.0.0.0:1 can't be bound beside 127.0.0.1:1 of line 1; "
         "expected another address or port"},
        {"[{name: a, bind: 'unix:s'}, {name: b, bind: 'unix:s'}]",
         "c:1:56: listeners[1].bind: unix:s can't be bound beside unix:s of line 1; expected "
         "another address or port"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strconcat("listeners: ", cases[i].listeners, "\n" AUTH POOLS, NULL);
        check_error(text, cases[i].error);
    }
}
END_TEST

#define TCP   "[{name: a, bind: '127.0.0.1:1', "
#define LOCAL "[{name: a, bind: 'unix:s', "
#define HTTP  TCP "transport: http, http: "

START_TEST(test_proxy_errors)
{
    static const struct {
        const char *listeners, *error;
    } cases[] = {
        {TCP "proxy_protocol: true}]",
         "c:1:60: listeners[0].proxy_protocol: a single value is here; expected a map"},
        {TCP "proxy_protocol: {}}]",
         "c:1:60: listeners[0].proxy_protocol.from is missing; expected a list of networks, such "
         "as [10.0.0.0/8, 192.0.2.7, \"2001:db8::/32\"]"},
        {TCP "proxy_protocol: {from: 10.0.0.0/8}}]",
         "c:1:67: listeners[0].proxy_protocol.from: a single value is here; expected a list of "
         "networks, such as [10.0.0.0/8, 192.0.2.7, \"2001:db8::/32\"]"},
        {TCP "proxy_protocol: {from: []}}]",
         "c:1:67: listeners[0].proxy_protocol.from: the list is empty; expected a list of "
         "networks, such as [10.0.0.0/8, 192.0.2.7, \"2001:db8::/32\"]"},
        {TCP "proxy_protocol: {from: [10.0.0.1/8]}}]",
         "c:1:68: listeners[0].proxy_protocol.from: \"10.0.0.1/8\" has bits behind its first 8; "
         "expected 10.0.0.0/8 for the network, or 10.0.0.1 for that address alone"},
        {TCP "proxy_protocol: {from: [10.0.0.1, [a]]}}]",
         "c:1:78: listeners[0].proxy_protocol.from: an item is not a text; expected a list of "
         "networks, such as [10.0.0.0/8, 192.0.2.7, \"2001:db8::/32\"]"},
        {TCP "proxy_protocol: {from: [10.0.0.1, unix]}}]",
         "c:1:67: listeners[0].proxy_protocol.from: nobody connects to this listener over a Unix "
         "socket; expected no unix, or bind: unix:PATH"},
        {LOCAL "proxy_protocol: {from: [10.0.0.1]}}]",
         "c:1:62: listeners[0].proxy_protocol.from: whoever connects to a Unix socket has no "
         "address; expected [unix]"},
        {LOCAL "proxy_protocol: {from: [unix, 10.0.0.1]}}]",
         "c:1:62: listeners[0].proxy_protocol.from: whoever connects to a Unix socket has no "
         "address; expected [unix]"},
        {HTTP "{trusted_proxies: [localhost]}}]",
         "c:1:86: listeners[0].http.trusted_proxies: \"localhost\" is no network; expected an "
         "address with or without a length, such as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32, or the "
         "word unix"},
        {HTTP "{xsrf_header: yes}}]",
         "c:1:81: listeners[0].http.xsrf_header: \"yes\" is neither; expected true or false"},
        {HTTP "{xsrf_header: }}]",
         "c:1:81: listeners[0].http.xsrf_header: there is no value; expected true or false"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strconcat("listeners: ", cases[i].listeners, "\n" AUTH POOLS, NULL);
        check_error(text, cases[i].error);
    }
}
END_TEST

START_TEST(test_proxies)
{
    g_autoptr(HgConfig) config = parse(
        "listeners:\n"
        "  - {name: a, bind: '127.0.0.1:1', proxy_protocol: {from: [10.0.0.0/8, '::1']}}\n"
        "  - {name: b, bind: unix:s, proxy_protocol: {from: [unix]}, transport: http,\n"
        "     http: {trusted_proxies: [unix, 192.0.2.7], xsrf_header: true}}\n"
        "  - {name: c, bind: '127.0.0.1:2', transport: http, http: {xsrf_header: false}}\n" AUTH
            POOLS);
    const HgListenerConfig *listeners = config->listeners;
    ck_assert_uint_eq(listeners[0].proxy_protocol.n_from, 2);
    ck_assert_uint_eq(listeners[0].proxy_protocol.from[0].length, 8);
    ck_assert_int_eq(listeners[0].proxy_protocol.from[1].family, HG_PEER_IPV6);
    ck_assert_uint_eq(listeners[0].http.n_trusted_proxies, 0);
    ck_assert_int_eq(listeners[1].proxy_protocol.from[0].family, HG_PEER_UNIX);
    ck_assert_uint_eq(listeners[1].http.n_trusted_proxies, 2);
    ck_assert(listeners[1].http.xsrf_header);
    ck_assert_uint_eq(listeners[2].proxy_protocol.n_from, 0);
    ck_assert(!listeners[2].http.xsrf_header);
    g_autofree char *text = hg_config_summary(config);
    ck_assert_ptr_nonnull(strstr(text, "127.0.0.1:1, binary, sasl plain, PROXY protocol\n"));
    ck_assert_ptr_nonnull(strstr(text, "127.0.0.1:2, http at /cliservice\n"));
}
END_TEST

/* Taken, but not without a word. */
START_TEST(test_everybody_is_trusted)
{
    static const char text[] = "listeners: [{name: a, bind: '127.0.0.1:1', transport: http,\n"
                               "  proxy_protocol: {from: ['::/0']}, http: {trusted_proxies: [unix, "
                               "'::1', 0.0.0.0/0]}}]\n" AUTH POOLS;
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("c");
    g_autoptr(HgConfig) config = hg_config_parse("c", hg_slice_from_string(text), diagnostics);
    ck_assert_ptr_nonnull(config);
    g_autofree char *said = hg_diagnostics_text(diagnostics);
    ck_assert_str_eq(said, "c:2:27: warning: listeners[0].proxy_protocol.from: ::/0 is everybody, "
                           "so that anybody who reaches the listener can claim any address; name "
                           "the balancers alone\n"
                           "c:2:75: warning: listeners[0].http.trusted_proxies: 0.0.0.0/0 is "
                           "everybody, so that anybody who reaches the listener can claim any "
                           "address; name the balancers alone\n");
}
END_TEST

#define PAIR "certificate_file: c, key_file: k"

START_TEST(test_tls_errors)
{
    static const struct {
        const char *tls, *authentication, *error;
    } cases[] = {
        {"{}", "{chain: [users], users: {file: u}}",
         "c:1:62: listeners[0].tls.certificates is missing; expected a list of maps, each with '-' "
         "in front"},
        {"{certificates: [{certificate_file: c}]}", "{chain: [users], users: {file: u}}",
         "c:1:78: listeners[0].tls.certificates[0].key_file is missing; expected a path"},
        {"{certificates: [{" PAIR "}], client_certificate: optional}",
         "{chain: [users], users: {file: u}}",
         "c:1:135: listeners[0].tls.client_ca_file is missing; expected the authorities whose "
         "client certificates are good"},
        {"{certificates: [{" PAIR "}], client_ca_file: a}", "{chain: [users], users: {file: u}}",
         "c:1:131: listeners[0].tls.client_ca_file: nobody is asked for a certificate; expected "
         "client_certificate: optional or required"},
        {"{certificates: [{" PAIR "}]}", "{chain: [certificate, users], users: {file: u}}",
         "c:2:25: authentication.chain: certificate can log nobody in, because no listener asks "
         "for one; expected a listener with tls: {client_certificate: optional or required}"},
        {"{certificates: [{" PAIR "}]}",
         "{chain: [users], users: {file: u}, certificate: {field: email}}",
         "c:2:65: authentication.certificate is of no use; expected certificate in the chain too"},
        {"{certificates: [{" PAIR "}], client_certificate: required, client_ca_file: a}",
         "{chain: [certificate], certificate: {pattern: '(a)(b)'}}",
         "c:2:63: authentication.certificate.pattern: the pattern is of no use: it has too many "
         "groups; expected a regular expression with at most one group, around the user name"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strconcat(
            "listeners: [{name: t, sasl: plain, bind: '127.0.0.1:1', tls: ", cases[i].tls,
            "}]\nauthentication: ", cases[i].authentication, "\n" POOLS, NULL);
        check_error(text, cases[i].error);
    }
}
END_TEST

START_TEST(test_tls)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("/etc/c");
    static const char text[] =
        "listeners:\n"
        "  - name: t\n"
        "    bind: 127.0.0.1:1\n"
        "    tls:\n"
        "      certificates:\n"
        "        - {certificate_file: a.pem, key_file: a.key}\n"
        "        - {certificate_file: b.pem, key_file: /b.key}\n"
        "      client_certificate: required\n"
        "      client_ca_file: ca.pem\n"
        "      min_version: 1.3\n"
        "      ciphersuites: TLS_AES_256_GCM_SHA384\n"
        "  - {name: plain, bind: '127.0.0.1:2'}\n"
        "authentication: {chain: [certificate], certificate: {field: email, pattern: '(.*)@x'}}\n"
        "pools: [{name: p, endpoints: ['h:1'], tls: {verify: chain, ca_file: c, server_name: "
        "s}}]\n";
    g_autoptr(HgConfig) config = hg_config_parse("/etc/c", hg_slice_from_string(text), diagnostics);
    g_autofree char *errors = hg_diagnostics_text(diagnostics);
    ck_assert_msg(config != NULL, "%s", errors);
    const HgListenerTlsConfig *tls = &config->listeners[0].tls;
    ck_assert_uint_eq(tls->n_certificates, 2);
    ck_assert_str_eq(tls->certificates[0].certificate_file, "/etc/a.pem");
    ck_assert_str_eq(tls->certificates[1].key_file, "/b.key");
    ck_assert_int_eq(tls->client_certificate, HG_TLS_CLIENT_REQUIRED);
    ck_assert_str_eq(tls->client_ca_file, "/etc/ca.pem");
    ck_assert_int_eq(tls->min_version, HG_TLS_1_3);
    ck_assert_str_eq(tls->ciphersuites, "TLS_AES_256_GCM_SHA384");
    ck_assert_uint_eq(config->listeners[1].tls.n_certificates, 0);
    ck_assert_int_eq(config->authentication.certificate.field, HG_CERTIFICATE_EMAIL);
    ck_assert_str_eq(config->authentication.certificate.pattern, "(.*)@x");
    ck_assert_int_eq(config->pools[0].tls.verify, HG_CONFIG_TLS_CHAIN);
    ck_assert_str_eq(config->pools[0].tls.ca_file, "/etc/c");
    ck_assert_str_eq(config->pools[0].tls.server_name, "s");
}
END_TEST

START_TEST(test_authentication_errors)
{
    static const struct {
        const char *authentication, *error;
    } cases[] = {
        {"{users: {file: u}}", "c:1:17: authentication.chain is missing; expected a list of names, "
                               "such as [users]"},
        {"{chain: [], users: {file: u}}", "c:1:25: authentication.chain: the list is empty; "
                                          "expected a list of names, such as [users]"},
        {"{chain: users, users: {file: u}}",
         "c:1:25: authentication.chain: a single value is here; expected a list of names, such as "
         "[users]"},
        {"{chain: [users, kerberos], users: {file: u}}",
         "c:1:33: authentication.chain: there is no authenticator \"kerberos\" in this version; "
         "expected certificate, users, ldap, jwt, introspection, tokeninfo"},
        {"{chain: [users, users], users: {file: u}}",
         "c:1:33: authentication.chain: users is in the list twice; expected it once"},
        {"{chain: [users]}",
         "c:1:17: authentication.users.file is missing; expected the path of a "
         "users file, because the chain names users (hivegatectl user add makes "
         "one)"},
        {"{chain: [users], users: {}}",
         "c:1:41: authentication.users.file is missing; expected the "
         "path of a users file, because the chain names users "
         "(hivegatectl user add makes one)"},
        {"{chain: [users], users: {file: ''}}",
         "c:1:48: authentication.users.file: is empty; expected a path"},
        {"{chain: [users], users: {file: u, password: x}}",
         "c:1:61: authentication.users.password: secrets are not read from this file; add users "
         "with hivegatectl user add, which hashes their passwords into the users file"},
        {"{chain: [users], users: {file: u}, cache_ttl: 25h}",
         "c:1:63: authentication.cache_ttl: \"25h\" is out of range; expected a duration from 0 to "
         "1d"},
        {"{chain: [users, {a: b}], users: {file: u}}",
         "c:1:33: authentication.chain: an item is not a text; expected a list of names, such as "
         "[users]"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strconcat("authentication: ", cases[i].authentication, "\n" LISTENERS POOLS, NULL);
        check_error(text, cases[i].error);
    }
}
END_TEST

START_TEST(test_pool_errors)
{
    static const struct {
        const char *pool, *error;
    } cases[] = {
        {"name: p", "c:1:9: pools[0].endpoints is missing; expected a list of HOST:PORT"},
        {"name: p, endpoints: []",
         "c:1:30: pools[0].endpoints: the list is empty; expected a list of HOST:PORT"},
        {"name: p, endpoints: 'h:1'",
         "c:1:30: pools[0].endpoints: a single value is here; expected a list of HOST:PORT"},
        {"name: p, endpoints: ['h:1', h]",
         "c:1:38: pools[0].endpoints: \"h\" is not an endpoint; expected HOST:PORT, such as "
         "spark-1.example.org:10000"},
        {"name: p, endpoints: ['http://h:1']", "c:1:31: pools[0].endpoints: \"http://h:1\" is a "
                                               "URL; expected HOST:PORT, such as spark-1:10000"},
        {"name: p, endpoints: ['h:1', 'h:1']",
         "c:1:38: pools[0].endpoints: h:1 is in the list twice; expected each endpoint once"},
        {"name: p, endpoints: ['h:1', ~]",
         "c:1:38: pools[0].endpoints: an item is not a text; expected a list of HOST:PORT"},
        {"name: p, endpoints: ['h:1'], discovery: dns",
         "c:1:30: pools[0].endpoints is of no use with discovery: dns; expected discovery: static, "
         "or no endpoints\n"
         "c:1:50: pools[0].dns is missing; expected it because of discovery: dns"},
        {"name: p, discovery: dns, dns: {port: 1}",
         "c:1:40: pools[0].dns.name is missing; expected a text"},
        {"name: p, endpoints: ['h:1'], zookeeper: {hosts: 'z:1'}",
         "c:1:50: pools[0].zookeeper is of no use with discovery: static; expected discovery: "
         "zookeeper, or no zookeeper"},
        {"name: p, discovery: zookeeper, zookeeper: {hosts: z}",
         "c:1:60: pools[0].zookeeper.hosts: \"z\" names no servers of ZooKeeper; expected "
         "host:port,host:port"},
        {"name: p, endpoints: ['h:1'], balancing: {policy: best}",
         "c:1:59: pools[0].balancing.policy: \"best\" is not known; expected one of "
         "least-sessions, least-operations, latency, affinity"},
        {"name: p, endpoints: ['h:1'], balancing: {weights: {'h:2': 2}}",
         "c:1:60: pools[0].balancing.weights: h:2 is not among the endpoints; expected one of "
         "them, "
         "as it stands there"},
        {"name: p, endpoints: ['h:1'], balancing: {weights: {'h:1': 0}}",
         "c:1:60: pools[0].balancing.weights: 0 of h:1; expected a whole number from 1 to 1000"},
        {"name: p, endpoints: ['h:1'], transport: http, sasl: none",
         "c:1:62: pools[0].sasl: HTTP has no SASL; expected no sasl with transport: http"},
        {"name: p, endpoints: ['h:1'], http: {path: x}",
         "c:1:45: pools[0].http is of no use; expected transport: http"},
        {"name: p, endpoints: ['h:1'], transport: http, http: {path: /x}",
         "c:1:69: pools[0].http.path: expected a path of an URL without the '/' in front, such as "
         "cliservice"},
        {"name: p, endpoints: ['h:1'], tls: {ca_file: c}",
         "c:1:44: pools[0].tls.verify is missing; expected one of full, chain, none"},
        {"name: p, endpoints: ['h:1'], tls: {verify: full, key_file: k}",
         "c:1:44: pools[0].tls: certificate_file and key_file belong together; expected both or "
         "none"},
        {"name: p, endpoints: ['h:1'], tls: {verify: none, ca_file: c}",
         "c:1:68: pools[0].tls.ca_file is of no use with verify: none; expected verify: full or "
         "chain"},
        {"name: p, endpoints: ['h:1'], tls: {verify: full, server_name: 'a b'}",
         "c:1:72: pools[0].tls.server_name: expected a host name or an address, such as "
         "spark.example.org"},
        {"name: p, endpoints: ['h:1'], tls: {verify: full, min_version: 1.1}",
         "c:1:72: pools[0].tls.min_version: TLS 1.1 is broken; expected 1.2 or 1.3; expected one "
         "of 1.2, 1.3"},
        {"name: p, endpoints: ['h:1'], password: secret",
         "c:1:49: pools[0].password: secrets are not read from this file; put it into a file of "
         "its "
         "own and name that in password_file, or name an environment variable in password_env"},
        {"name: p, endpoints: ['h:1'], login: service, password_env: P",
         "c:1:46: pools[0].user is missing; expected the name of the service account, because of "
         "login: service"},
        {"name: p, endpoints: ['h:1'], login: service, user: jürgen, password_env: P",
         "c:1:61: pools[0].user: the endpoints can't read characters beyond ASCII in a login; "
         "expected an ASCII name"},
        {"name: p, endpoints: ['h:1'], login: service, user: u",
         "c:1:46: pools[0].password_file is missing; expected a file with the service account's "
         "password (or password_env), because of login: service"},
        {"name: p, endpoints: ['h:1'], user: u",
         "c:1:45: pools[0].user: with login: as-user the name is the client's; expected login: "
         "service, or no user"},
        {"name: p, endpoints: ['h:1'], password_env: P, password_file: f",
         "c:1:53: pools[0]: both password_file and password_env are set; expected one of them"},
        {"name: p, endpoints: ['h:1'], password_env: 'a-b'",
         "c:1:53: pools[0].password_env: \"a-b\" is not the name of a variable; expected the name "
         "of an environment variable"},
        {"name: p, endpoints: ['h:1']}, {name: q, endpoints: ['h:2']",
         "c:1:40: there are 2 pools, and no rules that say which session goes to which; expected "
         "routing, whose last rule may be just a pool"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strconcat("pools: [{", cases[i].pool, "}]\n" LISTENERS AUTH, NULL);
        check_error(text, cases[i].error);
    }
}
END_TEST

START_TEST(test_routing_and_announcement_errors)
{
    static const struct {
        const char *top, *error;
    } cases[] = {
        {"routing: [{users: [a]}]", "c:1:11: routing[0].pool is missing; expected a name"},
        {"routing: [{pool: q}]",
         "c:1:18: routing[0].pool: there is no pool q; expected the name of one"},
        {"routing: [{pool: p, fallback: p}]",
         "c:1:31: routing[0].fallback is the pool itself; expected another one"},
        {"routing: [{pool: p, listeners: [x]}]",
         "c:1:32: routing[0].listeners: there is no listener x; expected the name of one"},
        {"routing: [{pool: p, between: ['6:00', '24:00']}]",
         "c:1:30: routing[0].between: 24:00 is no time; expected one such as 06:30"},
        {"routing: [{pool: p, between: ['6:00', '06:00']}]",
         "c:1:30: routing[0].between: both times are the same; expected a from and an until that "
         "differ, or no between for the whole day"},
        {"routing: [{pool: p, share: 101}]", "c:1:28: routing[0].share: \"101\" is out of range"},
        {"announcement: {hosts: 'z:1', listener: x, host: h}",
         "c:1:40: announcement.listener: there is no listener x; expected the name of one"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strconcat(cases[i].top, "\n" LISTENERS AUTH POOLS, NULL);
        g_autofree char *errors = errors_of(text);
        ck_assert_msg(g_str_has_prefix(errors, cases[i].error), "%s", errors);
    }
}
END_TEST

START_TEST(test_routing)
{
    g_autoptr(HgConfig) config = parse(
        LISTENERS AUTH "pools: [{name: p, endpoints: ['h:1', '[::1]:2'], balancing: {policy: "
                       "affinity, weights: {'[::1]:2': 3}, slow_start: 30s}}, {name: q, discovery: "
                       "kubernetes, kubernetes: {service: sts}}]\n"
                       "routing: [{users: [a, 'ä b'], between: ['22:00', '6:05'], pool: q, "
                       "fallback: p}, {pool: p, share: 5, client: databricks}]\n");
    ck_assert_uint_eq(config->n_routing, 2);
    ck_assert_str_eq(config->routing[0].users[1], "ä b");
    ck_assert_str_eq(config->routing[0].fallback, "p");
    ck_assert_uint_eq(config->routing[1].share, 5);
    ck_assert_int_eq(config->routing[1].client, HG_ROUTE_CLIENT_DATABRICKS);
    ck_assert_ptr_null(config->routing[1].users);
    ck_assert_uint_eq(config->routing[0].share, 100);
    ck_assert_int_eq(config->pools[1].discovery, HG_CONFIG_DISCOVERY_KUBERNETES);
    ck_assert_int_eq(config->pools[0].balancing.policy, HG_BALANCING_AFFINITY);
    ck_assert_uint_eq(config->pools[1].balancing.ejected_most, 80);
    ck_assert_uint_eq(hg_config_weight(&config->pools[0].balancing, "::1", "2"), 3);
    ck_assert_uint_eq(hg_config_weight(&config->pools[0].balancing, "h", "1"), 1);
    ck_assert_ptr_null(config->announcement.hosts);
    guint minute;
    ck_assert(hg_config_read_minute("6:05", &minute));
    ck_assert_uint_eq(minute, 365);
    static const char *const bad[] = {"6", "6:5", "24:00", "1:60", "-1:00", "", ":", "a:00"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert(!hg_config_read_minute(bad[i], &minute));
}
END_TEST

START_TEST(test_missing_sections)
{
    g_autofree char *errors = errors_of("workers: 1\n");
    ck_assert_str_eq(
        errors, "c:1:1: listeners is missing; expected a list of maps, each with '-' in front\n"
                "c:1:1: authentication is missing; expected a map\n"
                "c:1:1: pools is missing; expected a list of maps, each with '-' in front\n");
}
END_TEST

/* One pass names everything, in the order of the file. */
START_TEST(test_all_at_once)
{
    g_autofree char *errors = errors_of("workers: two\n"
                                        "listeners:\n"
                                        "  - nam: a\n"
                                        "    bind: nowhere\n"
                                        "authentication: {chain: [kerberos]}\n"
                                        "pools:\n"
                                        "  - name: p\n"
                                        "    endpoints: [h, i:0]\n"
                                        "limits: {memory: lots}\n");
    static const char *const starts[] = {
        "c:1:10: workers: ",
        "c:3:5: unknown key \"nam\"",
        "c:3:5: listeners[0].name is missing",
        "c:4:11: listeners[0].bind: ",
        "c:5:26: authentication.chain: ",
        "c:8:17: pools[0].endpoints: ",
        "c:8:20: pools[0].endpoints: ",
        "c:9:18: limits.memory: ",
    };
    g_auto(GStrv) lines = g_strsplit(errors, "\n", -1);
    ck_assert_uint_eq(g_strv_length(lines), G_N_ELEMENTS(starts) + 1);
    for (gsize i = 0; i < G_N_ELEMENTS(starts); i++)
        ck_assert_msg(g_str_has_prefix(lines[i], starts[i]), "%s", lines[i]);
}
END_TEST

START_TEST(test_not_a_map)
{
    check_error("[a]\n", "c:1:1: the file is not a map; expected keys with values, at least "
                         "listeners, authentication and pools (hivegate --help-config shows an "
                         "example)");
}
END_TEST

START_TEST(test_too_many)
{
    GString *text = g_string_new(LISTENERS AUTH "pools:\n  - name: p\n    endpoints:\n");
    for (int i = 0; i <= 10000; i++)
        g_string_append_printf(text, "      - h:%d\n", i + 1);
    check_error(text->str, "c:6:7: pools[0].endpoints: the list has 10001 items, and at most 10000 "
                           "are allowed; expected a list of HOST:PORT");
    g_string_free(text, TRUE);
}
END_TEST

/* Whatever is changed in a good file, it is read or refused with an error, without a crash. */
START_TEST(test_damaged)
{
    static const char odd[] = "\n -:[]{}'\",0a~";
    gsize full = sizeof everything - 1;
    GRand *random = g_rand_new_with_seed(11);
    guint taken = 0;
    for (int round = 0; round < 5000; round++) {
        char text[sizeof everything];
        memcpy(text, everything, sizeof everything);
        for (int i = g_rand_int_range(random, 0, 4); i > 0; i--)
            text[g_rand_int_range(random, 0, (gint32)full)] =
                odd[g_rand_int_range(random, 0, sizeof odd - 1)];
        if (g_rand_boolean(random)) { /* two lines change places */
            gsize at = (gsize)g_rand_int_range(random, 0, (gint32)full / 2);
            memmove(text + at, text + full / 2, full / 4);
        }
        g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("c");
        g_autoptr(HgConfig) config = hg_config_parse("c", hg_slice(text, full), diagnostics);
        if ((config == NULL) != (hg_diagnostics_errors(diagnostics) > 0))
            ck_abort_msg("round %d", round);
        taken += config != NULL;
    }
    ck_assert_uint_gt(taken, 100); /* and the other way round it isn't all refused */
    g_rand_free(random);
}
END_TEST

Suite *config_suite(void)
{
    Suite *suite = suite_create("app/config");
    TCase *tcase = tcase_create("config");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_defaults);
    tcase_add_test(tcase, test_listeners_and_authentication);
    tcase_add_test(tcase, test_pool);
    tcase_add_test(tcase, test_the_rest);
    tcase_add_test(tcase, test_relative_paths);
    tcase_add_test(tcase, test_counted);
    tcase_add_test(tcase, test_summary);
    tcase_add_test(tcase, test_policies);
    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_listener_errors);
    tcase_add_test(tcase, test_proxy_errors);
    tcase_add_test(tcase, test_proxies);
    tcase_add_test(tcase, test_everybody_is_trusted);
    tcase_add_test(tcase, test_tls_errors);
    tcase_add_test(tcase, test_tls);
    tcase_add_test(tcase, test_authentication_errors);
    tcase_add_test(tcase, test_pool_errors);
    tcase_add_test(tcase, test_routing_and_announcement_errors);
    tcase_add_test(tcase, test_routing);
    tcase_add_test(tcase, test_missing_sections);
    tcase_add_test(tcase, test_all_at_once);
    tcase_add_test(tcase, test_not_a_map);
    tcase_add_test(tcase, test_too_many);
    tcase_add_test(tcase, test_damaged);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* bench-load: closed-loop load generator for a HiveServer2 or what stands in front of one. Each
 * of its connections makes one call at a time, with the handles it was given. It checks every
 * reply's head and length, and the first fetch of each connection row by row.
 *
 * One thread. Prints one line of JSON; the exit status is 0 when nothing failed. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common.h"
#include "load_channel.h"
#include "load_conn.h"
#include "load_report.h"

enum {
    MAX_EVENTS = 256,
    WAIT_MS = 20,
    OPENING_SECONDS = 120,
    MAX_SESSION_ERRORS = 100, /* session mode goes on after a failure, up to this many */
};

typedef enum Stage {
    STAGE_OPENING,   /* not all sessions stand */
    STAGE_WARMING,   /* all stand, nothing is counted yet */
    STAGE_MEASURING, /* counting */
    STAGE_DONE,
} Stage;

typedef struct Run {
    LoadPlan plan;
    LoadCounts counts;
    Watch watch;
    Stage stage;
    uint64_t stage_start; /* ns */
    LoadTls *tls;         /* NULL: plain */
    LoadConn **conns;     /* `started` of them; freed at the end, also those that failed */
    unsigned started;     /* connections begun */
    unsigned live;        /* of these, not failed */
    int epoll;
    int signals;
} Run;

static void enter_stage(Run *run, Stage stage)
{
    if (run->stage == STAGE_MEASURING)
        watch_end(&run->watch);
    run->stage = stage;
    run->stage_start = bench_now_ns();
    run->counts.measuring = stage == STAGE_MEASURING;
    if (stage == STAGE_MEASURING)
        watch_begin(&run->watch);
    if (stage == STAGE_MEASURING && run->plan.mode == LOAD_IDLE) {
        printf("{\"event\":\"ready\",\"sessions\":%u}\n", run->counts.opened);
        fflush(stdout);
    }
}

static void start_connections(Run *run)
{
    unsigned limit = run->plan.sessions;
    if (run->plan.mode != LOAD_SESSION && run->counts.opened + run->plan.opening < limit)
        limit = run->counts.opened + run->plan.opening;
    while (run->started < limit && run->stage != STAGE_DONE) {
        LoadConn *conn = load_conn_new(&run->plan, &run->counts, run->epoll);
        if (!conn)
            return;
        run->conns[run->started++] = conn;
        run->live++;
    }
}

static bool has_failed(const Run *run)
{
    if (run->plan.mode == LOAD_SESSION)
        return run->live == 0 || run->counts.errors > MAX_SESSION_ERRORS;
    return run->counts.errors > 0;
}

static bool has_enough(const Run *run, double elapsed)
{
    const LoadPlan *plan = &run->plan;
    const LoadCounts *counts = &run->counts;
    return elapsed >= plan->seconds || (plan->bytes && counts->bytes >= plan->bytes) ||
           (plan->operations && counts->operations >= plan->operations);
}

static void update_stage(Run *run)
{
    double elapsed = (double)(bench_now_ns() - run->stage_start) / 1e9;
    bool all_open = run->plan.mode == LOAD_SESSION || run->counts.opened >= run->plan.sessions;
    if (has_failed(run)) {
        enter_stage(run, STAGE_DONE);
        return;
    }
    switch (run->stage) {
    case STAGE_OPENING:
        if (all_open)
            enter_stage(run, STAGE_WARMING);
        else if (elapsed > OPENING_SECONDS)
            bench_die("only %u of %u sessions opened in %d s", run->counts.opened,
                      run->plan.sessions, OPENING_SECONDS);
        break;
    case STAGE_WARMING:
        if (elapsed >= run->plan.warmup)
            enter_stage(run, STAGE_MEASURING);
        break;
    case STAGE_MEASURING:
        if (has_enough(run, elapsed))
            enter_stage(run, STAGE_DONE);
        break;
    case STAGE_DONE:
        break;
    }
}

static void handle_events(Run *run)
{
    struct epoll_event events[MAX_EVENTS];
    int count = epoll_wait(run->epoll, events, MAX_EVENTS, WAIT_MS);
    for (int i = 0; i < count; i++) {
        LoadConn *conn = events[i].data.ptr;
        if (!conn) { /* SIGTERM or SIGINT: finish now */
            enter_stage(run, STAGE_DONE);
            return;
        }
        if (!load_conn_on_event(conn, events[i].events)) {
            load_conn_hang_up(conn);
            run->live--;
        }
    }
}

static void watch_signals(Run *run)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    run->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (run->epoll < 0 || run->signals < 0 ||
        epoll_ctl(run->epoll, EPOLL_CTL_ADD, run->signals, &event) != 0)
        bench_die("epoll: %s", strerror(errno));
}

static _Noreturn void show_help(void)
{
    puts("bench-load --port PORT --mode status|fetch|query|session|idle|stream|table\n"
         "  --host ADDRESS       127.0.0.1\n"
         "  --user, --password   bench, bench\n"
         "  --transport          sasl (default), raw or http\n"
         "  --tls                TLS 1.3, whatever certificate the server shows\n"
         "  --path               http: of the service (cliservice)\n"
         "  --login              http: cookie (default), as soon as there is one, or basic\n"
         "  --sessions N         connections with one session each (16)\n"
         "  --opening N          of these, at most N log in at a time (16)\n"
         "  --warmup, --seconds  before and while measuring (0.3, 3)\n"
         "  --operations N       end after N operations\n"
         "  --bytes N            stream: end after N bytes (1000000000)\n"
         "  --statement SQL      to execute (SELECT 1)\n"
         "  --max-rows N         asked for by each fetch (1000)\n"
         "  --watch PID          also report this process's CPU time; may be repeated\n"
         "idle prints a line when all sessions stand and stays until --seconds or SIGTERM.");
    exit(0);
}

static LoadMode parse_mode(const char *text)
{
    const char *name;
    for (int i = 0; (name = load_mode_name(i)); i++)
        if (strcmp(text, name) == 0)
            return (LoadMode)i;
    bench_die("--mode: no mode '%s', see --help", text);
}

static void parse_transport(LoadPlan *plan, const char *text)
{
    static const char *const names[] = {
        [LOAD_SASL] = "sasl", [LOAD_RAW] = "raw", [LOAD_HTTP] = "http"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            plan->transport = (LoadTransport)i;
            return;
        }
    }
    bench_die("--transport: '%s' is not sasl, raw or http", text);
}

static void parse_login(LoadPlan *plan, const char *text)
{
    if (strcmp(text, "cookie") != 0 && strcmp(text, "basic") != 0)
        bench_die("--login: '%s' is neither cookie nor basic", text);
    plan->cookies = strcmp(text, "cookie") == 0;
}

static void parse_host(LoadPlan *plan, const char *text)
{
    if (inet_pton(AF_INET, text, &plan->address.sin_addr) != 1)
        bench_die("--host: '%s' is not an IPv4 address", text);
}

static void take_option(Run *run, int option, const char *name, const char *text)
{
    LoadPlan *plan = &run->plan;
    switch (option) {
    case 'H':
        parse_host(plan, text);
        break;
    case 'p':
        plan->address.sin_port = htons((uint16_t)bench_parse_number(name, text, 1, 65535));
        break;
    case 'm':
        plan->mode = parse_mode(text);
        break;
    case 'u':
        plan->user = text;
        break;
    case 'P':
        plan->password = text;
        break;
    case 't':
        parse_transport(plan, text);
        break;
    case 'T':
        if (!run->tls)
            run->tls = load_tls_new();
        plan->tls = run->tls;
        break;
    case 'a':
        plan->path = text;
        break;
    case 'l':
        parse_login(plan, text);
        break;
    case 'n':
        plan->sessions = (unsigned)bench_parse_number(name, text, 1, 1000000);
        break;
    case 'o':
        plan->opening = (unsigned)bench_parse_number(name, text, 1, 100000);
        break;
    case 'W':
        plan->warmup = bench_parse_seconds(name, text);
        break;
    case 's':
        plan->seconds = bench_parse_seconds(name, text);
        break;
    case 'O':
        plan->operations = bench_parse_number(name, text, 1, UINT64_MAX);
        break;
    case 'b':
        plan->bytes = bench_parse_number(name, text, 1, UINT64_MAX);
        break;
    case 'S':
        plan->statement = text;
        break;
    case 'r':
        plan->max_rows = bench_parse_number(name, text, 1, INT64_MAX);
        break;
    case 'w':
        if (run->watch.count == MAX_WATCHED)
            bench_die("--watch: at most %d processes", MAX_WATCHED);
        run->watch.pids[run->watch.count++] = (pid_t)bench_parse_number(name, text, 1, INT32_MAX);
        break;
    default:
        show_help();
    }
}

static void parse_options(Run *run, int argc, char **argv)
{
    static const struct option options[] = {
        {"host", required_argument, NULL, 'H'},
        {"port", required_argument, NULL, 'p'},
        {"mode", required_argument, NULL, 'm'},
        {"user", required_argument, NULL, 'u'},
        {"password", required_argument, NULL, 'P'},
        {"transport", required_argument, NULL, 't'},
        {"tls", no_argument, NULL, 'T'},
        {"path", required_argument, NULL, 'a'},
        {"login", required_argument, NULL, 'l'},
        {"sessions", required_argument, NULL, 'n'},
        {"opening", required_argument, NULL, 'o'},
        {"warmup", required_argument, NULL, 'W'},
        {"seconds", required_argument, NULL, 's'},
        {"operations", required_argument, NULL, 'O'},
        {"bytes", required_argument, NULL, 'b'},
        {"statement", required_argument, NULL, 'S'},
        {"max-rows", required_argument, NULL, 'r'},
        {"watch", required_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option, index;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (option == '?')
            exit(2);
        take_option(run, option, options[index].name, optarg);
    }
    if (optind < argc)
        bench_die("unexpected argument '%s'", argv[optind]);
    if (run->plan.address.sin_port == 0)
        bench_die("--port is needed");
    if (run->plan.mode == LOAD_STREAM && run->plan.bytes == 0)
        run->plan.bytes = 1000000000;
}

int main(int argc, char **argv)
{
    Run run = {
        .plan =
            {
                .mode = LOAD_STATUS,
                .user = "bench",
                .password = "bench",
                .statement = "SELECT 1",
                .transport = LOAD_SASL,
                .path = "cliservice",
                .cookies = true,
                .max_rows = 1000,
                .sessions = 16,
                .opening = 16,
                .warmup = 0.3,
                .seconds = 3,
            },
    };
    run.plan.address = bench_loopback(0);
    parse_options(&run, argc, argv);
    bench_raise_descriptor_limit();
    watch_signals(&run);
    run.conns = bench_allocate(run.plan.sessions, sizeof *run.conns);
    enter_stage(&run, STAGE_OPENING);
    while (run.stage != STAGE_DONE) {
        start_connections(&run);
        handle_events(&run);
        if (run.stage != STAGE_DONE)
            update_stage(&run);
    }
    load_report_print(&run.plan, &run.counts, &run.watch);
    while (run.started > 0)
        load_conn_free(run.conns[--run.started]);
    free(run.conns);
    load_tls_free(run.tls);
    return run.counts.errors == 0 ? 0 : 1;
}

/* Rounds of DNS questions over c-ares: see dns_channel.h. Owns the c-ares channel and the table of
 * its sockets, which c-ares keeps up to date by on_socket(). */
#include "discovery/dns_channel.h"

#include "base/error.h"
#include "base/text.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <poll.h>

#define EDNS_SIZE 1232 /* bytes: what passes any link unfragmented (DNS Flag Day 2020) */

struct HgDnsChannel {
    HgControl *control;
    ares_channel ares;
    GArray *sockets; /* of struct pollfd; the first is the control's */
    GPtrArray *questions;
    guint pending;
    gint64 timeout_us;
};

/* What a callback of c-ares gets. */
typedef struct {
    HgDnsChannel *channel;
    HgDnsQuestion *question;
} Asked;

static void free_question(gpointer data)
{
    HgDnsQuestion *question = data;
    g_free(question->name);
    g_free(question->problem);
    hg_dns_records_clear(&question->records);
    g_free(question);
}

static void on_socket(void *data, ares_socket_t fd, int readable, int writable)
{
    HgDnsChannel *channel = data;
    short events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    for (guint i = 1; i < channel->sockets->len; i++) {
        struct pollfd *known = &g_array_index(channel->sockets, struct pollfd, i);
        if (known->fd != fd)
            continue;
        known->events = events;
        if (events == 0)
            g_array_remove_index_fast(channel->sockets, i);
        return;
    }
    struct pollfd added = {.fd = fd, .events = events};
    if (events != 0)
        g_array_append_val(channel->sockets, added);
}

static gboolean set_servers(ares_channel ares, const char *servers, GError **error)
{
    if (servers == NULL || ares_set_servers_ports_csv(ares, servers) == ARES_SUCCESS)
        return TRUE;
    g_autofree char *shown = hg_text_quote(hg_slice_from_string(servers));
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "%s is no list of name servers; expected addresses such as "
                "10.96.0.10,[fd00::10]:53",
                shown);
    return FALSE;
}

gboolean hg_dns_channel_new(HgControl *control, const HgDnsChannelConfig *config,
                            HgDnsChannel **out, GError **error)
{
    g_autoptr(HgDnsChannel) channel = g_new0(HgDnsChannel, 1);
    struct ares_options options = {
        .flags = ARES_FLAG_EDNS,
        .timeout = (int)CLAMP(config->try_timeout_ms, 1, G_MAXINT),
        .tries = (int)MAX(config->tries, 1),
        .ednspsz = EDNS_SIZE,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = channel,
    };
    struct pollfd wake = {.fd = hg_control_fd(control), .events = POLLIN};
    channel->control = control;
    channel->timeout_us = config->timeout_ms * 1000;
    channel->sockets = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    channel->questions = g_ptr_array_new_with_free_func(free_question);
    g_array_append_val(channel->sockets, wake);
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status == ARES_SUCCESS)
        status = ares_init_options(&channel->ares, &options,
                                   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                       ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) {
        channel->ares = NULL;
        g_set_error(error, HG_ERROR, HG_ERROR_IO, "the resolver can't be set up: %s",
                    ares_strerror(status));
        return FALSE;
    }
    if (!set_servers(channel->ares, config->servers, error))
        return FALSE;
    *out = g_steal_pointer(&channel);
    return TRUE;
}

void hg_dns_channel_free(HgDnsChannel *channel)
{
    if (channel == NULL)
        return;
    if (channel->ares != NULL)
        ares_destroy(channel->ares); /* calls back for what is pending */
    g_array_unref(channel->sockets);
    g_ptr_array_unref(channel->questions);
    g_free(channel);
}

gboolean hg_dns_check_servers(const char *servers, GError **error)
{
    ares_channel ares = NULL;
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS || ares_init(&ares) != ARES_SUCCESS) {
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED, "the resolver can't be set up");
        return FALSE;
    }
    gboolean ok = set_servers(ares, servers, error);
    ares_destroy(ares);
    return ok;
}

static gboolean has_records(const HgDnsQuestion *question)
{
    return question->records.addresses->len + question->records.targets->len > 0;
}

static void take_answer(HgDnsQuestion *question, HgSlice message)
{
    g_autoptr(GError) error = NULL;
    if (!hg_dns_message_read(message, question->type, &question->records, &error)) {
        question->outcome = HG_DNS_FAILED;
        question->problem = g_strdup(error->message);
    } else if (has_records(question)) {
        question->outcome = HG_DNS_FOUND;
    } else {
        question->outcome = HG_DNS_NOTHING;
        question->problem =
            g_strdup_printf("it has no %s records", hg_dns_type_name(question->type));
    }
}

static void on_answer(void *data, int status, int timeouts, unsigned char *bytes, int size)
{
    g_autofree Asked *asked = data;
    HgDnsQuestion *question = asked->question;
    asked->channel->pending--;
    if (status == ARES_SUCCESS) {
        take_answer(question, hg_slice(bytes, (gsize)size));
    } else if (status == ARES_ENODATA) {
        question->outcome = HG_DNS_NOTHING;
        question->problem =
            g_strdup_printf("it has no %s records", hg_dns_type_name(question->type));
    } else if (status == ARES_ENOTFOUND) {
        question->outcome = HG_DNS_NOTHING;
        question->problem = g_strdup("the name doesn't exist");
    } else {
        question->outcome = HG_DNS_FAILED;
        question->problem = g_strdup(status == ARES_ECANCELLED ? "no name server answered in time"
                                                               : ares_strerror(status));
    }
}

const HgDnsQuestion *hg_dns_channel_ask(HgDnsChannel *channel, const char *name, HgDnsType type)
{
    HgDnsQuestion *question = g_new0(HgDnsQuestion, 1);
    Asked *asked = g_new0(Asked, 1);
    question->name = g_strdup(name);
    question->type = type;
    g_ptr_array_add(channel->questions, question);
    *asked = (Asked){channel, question};
    channel->pending++;
    ares_search(channel->ares, name, ns_c_in, (int)type, on_answer, asked);
    return question;
}

/* How long to poll, in ms: until c-ares has something to do, or the round is over. */
static int patience(HgDnsChannel *channel, gint64 until_us)
{
    gint64 left_us = until_us - g_get_monotonic_time();
    left_us = MAX(left_us, 0);
    struct timeval most = {.tv_sec = left_us / G_USEC_PER_SEC, .tv_usec = left_us % G_USEC_PER_SEC};
    struct timeval next;
    const struct timeval *wait = ares_timeout(channel->ares, &most, &next);
    return (int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1);
}

static void process(HgDnsChannel *channel, guint ready)
{
    if (ready == 0)
        ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    /* c-ares changes the table as it works */
    g_autoptr(GArray) sockets = g_array_copy(channel->sockets);
    for (guint i = 1; i < sockets->len; i++) {
        const struct pollfd *fd = &g_array_index(sockets, struct pollfd, i);
        short in = POLLIN | POLLERR | POLLHUP;
        if (fd->revents != 0)
            ares_process_fd(channel->ares, fd->revents & in ? fd->fd : ARES_SOCKET_BAD,
                            fd->revents & POLLOUT ? fd->fd : ARES_SOCKET_BAD);
    }
}

gboolean hg_dns_channel_wait(HgDnsChannel *channel)
{
    gint64 until = g_get_monotonic_time() + channel->timeout_us;
    while (channel->pending > 0 && !hg_control_is_stopping(channel->control)) {
        if (g_get_monotonic_time() >= until) {
            ares_cancel(channel->ares);
            break;
        }
        int ready = poll((struct pollfd *)(void *)channel->sockets->data, channel->sockets->len,
                         patience(channel, until));
        hg_control_drain(channel->control);
        process(channel, ready > 0 ? (guint)ready : 0);
    }
    return !hg_control_is_stopping(channel->control);
}

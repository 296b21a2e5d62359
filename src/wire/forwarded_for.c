/* Reading X-Forwarded-For: see forwarded_for.h. Owns nothing; any thread. */
#include "wire/forwarded_for.h"

#include "wire/http.h"
#include "wire/http_text.h"

/* The walk through all lines, from the end of the last one. */
typedef struct {
    HgNetworks trusted;
    HgPeerAddress client; /* the leftmost address that was seen */
    guint hops;           /* addresses that were seen */
    gboolean over;        /* `client` is nobody's proxy */
} Walk;

/* Goes on with one line, right to left. NULL, or what is wrong. */
static const char *walk_line(Walk *walk, HgSlice line)
{
    HgSlice item;
    while (!walk->over && hg_http_last_item(&line, &item)) {
        if (walk->hops++ == HG_FORWARDED_HOPS_MAX)
            return "the X-Forwarded-For header names more than 32 proxies";
        if (!hg_peer_address_parse(item, &walk->client))
            return "the X-Forwarded-For header has something else where a proxy writes an address";
        walk->over = !hg_networks_have(walk->trusted, &walk->client);
    }
    return NULL;
}

HgForwarded hg_forwarded_for_read(HgSlice fields, HgNetworks trusted, HgPeerAddress *client,
                                  const char **why)
{
    HgSlice lines[HG_HTTP_FIELDS_MAX];
    guint count = 0;
    HgHttpField field;
    /* a head has no more lines than that; were the last ones left out, a client could choose */
    while (count < G_N_ELEMENTS(lines) && hg_http_next_field(&fields, &field))
        if (hg_http_same_name(field.name, "X-Forwarded-For"))
            lines[count++] = field.value;
    Walk walk = {.trusted = trusted};
    while (count > 0 && !walk.over) {
        const char *wrong = walk_line(&walk, lines[--count]);
        if (wrong != NULL) {
            *why = wrong;
            return HG_FORWARDED_BAD;
        }
    }
    if (walk.hops == 0)
        return HG_FORWARDED_NONE;
    *client = walk.client;
    return HG_FORWARDED_CLIENT;
}

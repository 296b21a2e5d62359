/* Showing a configuration: see config_show.h. Goes by the rows of app/options, as the reader does.
 * Secrets are in files that it only names; values under names that sound like a secret are hidden.
 * Pure. */
#include "app/config_show.h"

#include "app/options.h"
#include "base/text.h"

#include <jansson.h>
#include <string.h>

static json_t *show_section(const HgSection *section, const void *from);

static json_t *string_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *take_string(char *take_text)
{
    json_t *made = json_string(take_text);
    g_free(take_text);
    return made;
}

static json_t *show_choice(const HgOption *option, int value)
{
    for (const HgOptionChoice *choice = option->choices; choice->name != NULL; choice++)
        if (!choice->refused && choice->value == value)
            return json_string(choice->name);
    return json_null(); /* a section that isn't there has no choice made */
}

static json_t *show_mode(guint mode)
{
    return take_string(g_strdup_printf("%04o", mode));
}

static json_t *show_address(const HgAddress *address)
{
    return address->size == 0 ? json_null() : take_string(hg_address_format(address));
}

static json_t *show_texts(const char *const *texts, guint count)
{
    json_t *list = json_array();
    for (guint i = 0; i < count; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

/* A setting of Spark may be a password to a store. */
static gboolean sounds_secret(const char *name)
{
    static const char *const words[] = {"secret", "password",   "passwd",
                                        "token",  "credential", "key"};
    g_autofree char *lower = g_ascii_strdown(name, -1);
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        if (strstr(lower, words[i]) != NULL)
            return TRUE;
    return FALSE;
}

static json_t *show_pairs(const char *const *pairs, guint count)
{
    json_t *map = json_object();
    for (guint i = 0; i < count; i++)
        json_object_set_new(
            map, pairs[2 * i],
            json_string(sounds_secret(pairs[2 * i]) ? "(hidden)" : pairs[2 * i + 1]));
    return map;
}

static json_t *show_endpoints(const HgEndpointConfig *endpoints, guint count)
{
    json_t *list = json_array();
    for (guint i = 0; i < count; i++) {
        const char *host = endpoints[i].host;
        gboolean colon = strchr(host, ':') != NULL;
        json_array_append_new(list, take_string(g_strdup_printf(colon ? "[%s]:%s" : "%s:%s", host,
                                                                endpoints[i].port)));
    }
    return list;
}

static json_t *show_networks(const HgNetwork *networks, guint count)
{
    json_t *list = json_array();
    for (guint i = 0; i < count; i++)
        json_array_append_new(list, take_string(hg_network_format(&networks[i])));
    return list;
}

static json_t *show_sections(const HgOption *option, const guint8 *structs, guint count)
{
    const HgSection *section = hg_option_section(option);
    json_t *list = json_array();
    for (guint i = 0; i < count; i++)
        json_array_append_new(list, show_section(section, structs + i * section->size));
    return list;
}

static json_t *show_list(const HgOption *option, const guint8 *from)
{
    const void *list = *(const void *const *)(const void *)(from + option->offset);
    guint count = *(const guint *)(const void *)(from + option->count_offset);
    switch (option->kind) {
    case HG_OPTION_NAMES:
    case HG_OPTION_TEXTS:
        return show_texts(list, count);
    case HG_OPTION_PAIRS:
        return show_pairs(list, count);
    case HG_OPTION_ENDPOINTS:
        return show_endpoints(list, count);
    case HG_OPTION_NETWORKS:
        return show_networks(list, count);
    default:
        return show_sections(option, list, count);
    }
}

static json_t *show_value(const HgOption *option, const guint8 *from)
{
    const void *at = from + option->offset;
    switch (option->kind) {
    case HG_OPTION_COUNT:
        return json_integer(*(const guint *)at);
    case HG_OPTION_SIZE:
        return take_string(hg_text_format_size(*(const gint64 *)at));
    case HG_OPTION_DURATION:
        return take_string(hg_text_format_duration(*(const gint64 *)at));
    case HG_OPTION_CHOICE:
        return show_choice(option, *(const int *)at);
    case HG_OPTION_SWITCH:
        return json_boolean(*(const gboolean *)at);
    case HG_OPTION_MODE:
        return show_mode(*(const guint *)at);
    case HG_OPTION_NAME:
    case HG_OPTION_TEXT:
    case HG_OPTION_PATH:
    case HG_OPTION_VARIABLE:
        return string_or_null(*(const char *const *)at);
    case HG_OPTION_ADDRESS:
        return show_address(at);
    case HG_OPTION_SECTION:
        return show_section(hg_option_section(option), at);
    case HG_OPTION_NOT_HERE:
        return NULL;
    default:
        return show_list(option, from);
    }
}

static json_t *show_section(const HgSection *section, const void *from)
{
    json_t *map = json_object();
    for (gsize i = 0; i < section->count; i++) {
        json_t *value = show_value(&section->rows[i], from);
        if (value != NULL)
            json_object_set_new(map, section->rows[i].name, value);
    }
    return map;
}

char *hg_config_show(const HgConfig *config, const char *policy_version)
{
    json_t *all = show_section(hg_options(), config);
    if (policy_version != NULL)
        json_object_set_new(json_object_get(all, "policies"), "version",
                            json_string(policy_version));
    char *text = json_dumps(all, JSON_INDENT(2));
    char *copy = g_strdup(text);
    free(text);
    json_decref(all);
    return copy;
}

/* From the YAML tree to the configuration's structs: see config_read.h. Pure. */
#include "app/config_read.h"

#include "app/config.h"
#include "base/text.h"

#define NAME_MAX_BYTES 64
#define MODE_MAX       0777

/* One value that is being read: where it goes and how messages name it. */
typedef struct {
    const HgConfigReader *reader;
    const HgOption *option;
    const char *path;
    gpointer out; /* the member */
    guint *count; /* of a list; else NULL */
} Target;

static gboolean read_node(const Target *target, const HgYaml *node);

/* "path: what; expected ..." */
static gboolean refuse(const Target *target, const HgYaml *node, const char *what)
{
    g_autofree char *expected = hg_option_expected(target->option);
    hg_diagnostics_error(target->reader->diagnostics, node->mark, "%s: %s; expected %s",
                         target->path, what, expected);
    return FALSE;
}

/* "path: the error's own words" */
static gboolean refuse_take(const Target *target, const HgYaml *node, GError *take_error)
{
    hg_diagnostics_error(target->reader->diagnostics, node->mark, "%s: %s", target->path,
                         take_error->message);
    g_error_free(take_error);
    return FALSE;
}

static gboolean refuse_value(const Target *target, const HgYaml *node, const char *why)
{
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(node->text));
    g_autofree char *what = g_strdup_printf("%s %s", quoted, why);
    return refuse(target, node, what);
}

/* Gives a text to the snapshot. */
static gboolean store_text(const Target *target, char *take_text)
{
    g_ptr_array_add(target->reader->owned, take_text);
    *(const char **)target->out = take_text;
    return TRUE;
}

static gboolean parse_number(const HgOption *option, const char *text, gint64 *out)
{
    switch (option->kind) {
    case HG_OPTION_DURATION:
        return hg_text_parse_duration(text, out, NULL);
    case HG_OPTION_SIZE:
        return hg_text_parse_size(text, out, NULL);
    default:
        return hg_text_parse_integer(text, out, NULL);
    }
}

static gboolean read_number(const Target *target, const HgYaml *node)
{
    const HgOption *option = target->option;
    gint64 value = 0;
    if (!parse_number(option, node->text, &value)) {
        gint64 bare = 0;
        gboolean no_unit = option->kind == HG_OPTION_DURATION &&
                           hg_text_parse_integer(node->text, &bare, NULL) && bare > 0;
        return refuse_value(target, node,
                            no_unit                              ? "has no unit (ms, s, m, h, d)"
                            : option->kind == HG_OPTION_DURATION ? "is not a duration"
                            : option->kind == HG_OPTION_SIZE     ? "is not a size"
                                                                 : "is not a whole number");
    }
    if (value < option->min || value > option->max)
        return refuse_value(target, node, "is out of range");
    if (option->step > 1 && value % option->step != 0)
        return refuse_value(target, node, "is too fine");
    if (option->kind == HG_OPTION_COUNT)
        *(guint *)target->out = (guint)value;
    else
        *(gint64 *)target->out = value;
    return TRUE;
}

static gboolean read_mode(const Target *target, const HgYaml *node)
{
    gsize size = strlen(node->text);
    if (size < 3 || size > 4 || strspn(node->text, "01234567") != size)
        return refuse_value(target, node, "is not a mode");
    guint64 mode = g_ascii_strtoull(node->text, NULL, 8);
    if (mode > MODE_MAX)
        return refuse_value(target, node, "has bits that a socket doesn't have");
    *(guint *)target->out = (guint)mode;
    return TRUE;
}

static gboolean read_choice(const Target *target, const HgYaml *node)
{
    for (const HgOptionChoice *choice = target->option->choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, node->text) != 0)
            continue;
        if (choice->refused)
            return refuse(target, node, choice->text);
        *(int *)target->out = choice->value;
        return TRUE;
    }
    return refuse_value(target, node, "is not known");
}

static gboolean read_switch(const Target *target, const HgYaml *node)
{
    gboolean on = strcmp(node->text, "true") == 0;
    if (!on && strcmp(node->text, "false") != 0)
        return refuse_value(target, node, "is neither");
    *(gboolean *)target->out = on;
    return TRUE;
}

static gboolean is_name(const char *text)
{
    gsize size = strlen(text);
    if (size == 0 || size > NAME_MAX_BYTES)
        return FALSE;
    for (gsize i = 0; i < size; i++)
        if (!g_ascii_isalnum(text[i]) && strchr("-_.", text[i]) == NULL)
            return FALSE;
    return TRUE;
}

static gboolean is_variable(const char *text)
{
    if (*text == '\0' || g_ascii_isdigit(*text) || strlen(text) > NAME_MAX_BYTES)
        return FALSE;
    for (; *text != '\0'; text++)
        if (!g_ascii_isalnum(*text) && *text != '_')
            return FALSE;
    return TRUE;
}

static char *in_folder(const char *folder, const char *path)
{
    if (g_path_is_absolute(path) || strcmp(folder, ".") == 0)
        return g_strdup(path);
    return g_build_filename(folder, path, NULL);
}

static gboolean read_text(const Target *target, const HgYaml *node)
{
    const char *text = node->text;
    if (*text == '\0')
        return refuse(target, node, "is empty");
    switch (target->option->kind) {
    case HG_OPTION_NAME:
        return is_name(text) ? store_text(target, g_strdup(text))
                             : refuse_value(target, node, "is not a name");
    case HG_OPTION_VARIABLE:
        return is_variable(text) ? store_text(target, g_strdup(text))
                                 : refuse_value(target, node, "is not the name of a variable");
    case HG_OPTION_PATH:
        return store_text(target, in_folder(target->reader->folder, text));
    default:
        return store_text(target, g_strdup(text));
    }
}

static gboolean read_address(const Target *target, const HgYaml *node)
{
    HgAddress address;
    GError *error = NULL;
    if (!hg_address_parse(node->text, &address, &error))
        return refuse_take(target, node, error);
    const char *path = hg_address_path(&address);
    if (path != NULL) {
        g_autofree char *full = in_folder(target->reader->folder, path);
        if (!hg_address_from_path(full, &address, &error))
            return refuse_take(target, node, error);
    }
    *(HgAddress *)target->out = address;
    return TRUE;
}

static gboolean read_scalar(const Target *target, const HgYaml *node)
{
    if (node->kind != HG_YAML_SCALAR)
        return refuse(target, node,
                      node->kind == HG_YAML_LIST ? "a list is here" : "a map is here");
    if (node->is_null)
        return refuse(target, node, "there is no value");
    switch (target->option->kind) {
    case HG_OPTION_COUNT:
    case HG_OPTION_SIZE:
    case HG_OPTION_DURATION:
        return read_number(target, node);
    case HG_OPTION_SWITCH:
        return read_switch(target, node);
    case HG_OPTION_MODE:
        return read_mode(target, node);
    case HG_OPTION_CHOICE:
        return read_choice(target, node);
    case HG_OPTION_ADDRESS:
        return read_address(target, node);
    default:
        return read_text(target, node);
    }
}

/* What keeps the node from being a list of the length that the row wants; NULL when nothing does.
 */
static char *wrong_list(const HgOption *option, const HgYaml *node)
{
    if (node->kind == HG_YAML_SCALAR)
        return g_strdup(node->is_null ? "there is no value" : "a single value is here");
    if (node->kind == HG_YAML_MAP)
        return g_strdup("a map is here");
    guint size = hg_yaml_size(node);
    if (size < (guint64)option->min)
        return g_strdup("the list is empty");
    if (size > (guint64)option->max)
        return g_strdup_printf("the list has %u items, and at most %" G_GINT64_FORMAT
                               " are allowed",
                               size, option->max);
    return NULL;
}

/* One item of a list of texts, in a target of its own. */
static gboolean check_text_item(const Target *target, const HgYaml *item)
{
    if (item->kind != HG_YAML_SCALAR || item->is_null)
        return refuse(target, item, "an item is not a text");
    return TRUE;
}

static gboolean read_names(const Target *target, const HgYaml *node)
{
    guint size = hg_yaml_size(node);
    const char **names = g_new0(const char *, size + 1);
    guint used = 0;
    g_ptr_array_add(target->reader->owned, names);
    for (guint i = 0; i < size; i++) {
        const HgYaml *item = hg_yaml_item(node, i);
        if (!check_text_item(target, item))
            continue;
        Target one = *target;
        one.out = &names[used];
        used += store_text(&one, g_strdup(item->text));
    }
    *(const char *const **)target->out = names;
    *target->count = used;
    return used == size;
}

static gboolean read_pairs(const Target *target, const HgYaml *node)
{
    if (node->kind != HG_YAML_MAP)
        return refuse(target, node,
                      node->kind == HG_YAML_LIST ? "a list is here"
                      : node->is_null            ? "there is no value"
                                                 : "a single value is here");
    guint size = hg_yaml_size(node);
    const char **pairs = g_new0(const char *, 2 * size + 1);
    guint used = 0;
    g_ptr_array_add(target->reader->owned, pairs);
    for (guint i = 0; i < size; i++) {
        if (!check_text_item(target, hg_yaml_item(node, i)))
            continue;
        Target one = *target;
        one.out = &pairs[2 * used];
        (void)store_text(&one, g_strdup(hg_yaml_key(node, i)->text));
        one.out = &pairs[2 * used + 1];
        used += store_text(&one, g_strdup(hg_yaml_item(node, i)->text));
    }
    *(const char *const **)target->out = pairs;
    *target->count = used;
    return used == size;
}

static gboolean read_endpoint(const Target *target, const HgYaml *item, HgEndpointConfig *out)
{
    g_autofree char *host = NULL;
    guint16 port = 0;
    GError *error = NULL;
    if (!check_text_item(target, item))
        return FALSE;
    if (!hg_address_split(item->text, &host, &port, &error))
        return refuse_take(target, item, error);
    char *port_text = g_strdup_printf("%u", port);
    *out = (HgEndpointConfig){.host = host, .port = port_text};
    g_ptr_array_add(target->reader->owned, g_steal_pointer(&host));
    g_ptr_array_add(target->reader->owned, port_text);
    return TRUE;
}

static gboolean read_endpoints(const Target *target, const HgYaml *node)
{
    guint size = hg_yaml_size(node);
    HgEndpointConfig *endpoints = g_new0(HgEndpointConfig, size);
    guint used = 0;
    g_ptr_array_add(target->reader->owned, endpoints);
    for (guint i = 0; i < size; i++)
        used += read_endpoint(target, hg_yaml_item(node, i), &endpoints[used]);
    *(const HgEndpointConfig **)target->out = endpoints;
    *target->count = used;
    return used == size;
}

static gboolean read_networks(const Target *target, const HgYaml *node)
{
    guint size = hg_yaml_size(node);
    HgNetwork *networks = g_new0(HgNetwork, size);
    guint used = 0;
    g_ptr_array_add(target->reader->owned, networks);
    for (guint i = 0; i < size; i++) {
        const HgYaml *item = hg_yaml_item(node, i);
        GError *error = NULL;
        if (!check_text_item(target, item))
            continue;
        if (hg_network_parse(item->text, &networks[used], &error))
            used++;
        else
            refuse_take(target, item, error);
    }
    *(const HgNetwork **)target->out = networks;
    *target->count = used;
    return used == size;
}

static gboolean read_sections(const Target *target, const HgYaml *node)
{
    const HgSection *section = hg_option_section(target->option);
    guint size = hg_yaml_size(node);
    guint8 *structs = g_malloc0_n(size, section->size);
    g_ptr_array_add(target->reader->owned, structs);
    for (guint i = 0; i < size; i++) {
        const HgYaml *item = hg_yaml_item(node, i);
        g_autofree char *path = g_strdup_printf("%s[%u]", target->path, i);
        gboolean is_map = item->kind == HG_YAML_MAP;
        if (!is_map)
            hg_diagnostics_error(target->reader->diagnostics, item->mark,
                                 "%s: not a map; expected keys with values, such as name: ...",
                                 path);
        hg_config_read(target->reader, section, is_map ? item : NULL, path,
                       structs + i * section->size);
    }
    *(gpointer *)target->out = structs;
    *target->count = size;
    return TRUE;
}

static gboolean read_list(const Target *target, const HgYaml *node)
{
    g_autofree char *wrong = wrong_list(target->option, node);
    if (wrong != NULL)
        return refuse(target, node, wrong);
    switch (target->option->kind) {
    case HG_OPTION_NAMES:
    case HG_OPTION_TEXTS:
        return read_names(target, node);
    case HG_OPTION_ENDPOINTS:
        return read_endpoints(target, node);
    case HG_OPTION_NETWORKS:
        return read_networks(target, node);
    default:
        return read_sections(target, node);
    }
}

static gboolean read_section(const Target *target, const HgYaml *node)
{
    if (node->kind != HG_YAML_MAP)
        return refuse(target, node,
                      node->kind == HG_YAML_LIST ? "a list is here"
                      : node->is_null            ? "there is no value"
                                                 : "a single value is here");
    hg_config_read(target->reader, hg_option_section(target->option), node, target->path,
                   target->out);
    return TRUE;
}

static gboolean read_node(const Target *target, const HgYaml *node)
{
    switch (target->option->kind) {
    case HG_OPTION_NAMES:
    case HG_OPTION_TEXTS:
    case HG_OPTION_ENDPOINTS:
    case HG_OPTION_NETWORKS:
    case HG_OPTION_SECTIONS:
        return read_list(target, node);
    case HG_OPTION_PAIRS:
        return read_pairs(target, node);
    case HG_OPTION_SECTION:
        return read_section(target, node);
    case HG_OPTION_NOT_HERE:
        hg_diagnostics_error(target->reader->diagnostics, node->mark,
                             "%s: secrets are not read from this file; %s", target->path,
                             target->option->text);
        return FALSE;
    default:
        return read_scalar(target, node);
    }
}

static char *path_of(const char *path, const char *name)
{
    return g_strconcat(path, *path != '\0' ? "." : "", name, NULL);
}

static Target target_of(const HgConfigReader *reader, const HgOption *option, const char *path,
                        gpointer out)
{
    gboolean is_list = option->kind == HG_OPTION_NAMES || option->kind == HG_OPTION_TEXTS ||
                       option->kind == HG_OPTION_PAIRS || option->kind == HG_OPTION_ENDPOINTS ||
                       option->kind == HG_OPTION_NETWORKS || option->kind == HG_OPTION_SECTIONS;
    guint8 *bytes = out;
    return (Target){
        .reader = reader,
        .option = option,
        .path = path,
        .out = bytes + option->offset,
        .count = is_list ? (guint *)(gpointer)(bytes + option->count_offset) : NULL,
    };
}

/* Puts the defaults of a section into its struct. */
static void set_defaults(const HgConfigReader *reader, const HgSection *section, gpointer out)
{
    for (gsize i = 0; i < section->count; i++) {
        const HgOption *option = &section->rows[i];
        Target target = target_of(reader, option, option->name, out);
        if (option->kind == HG_OPTION_SECTION)
            set_defaults(reader, hg_option_section(option), target.out);
        if (option->fallback == NULL)
            continue;
        HgYaml value = {.kind = HG_YAML_SCALAR, .text = (char *)option->fallback};
        gboolean ok = read_node(&target, &value);
        g_assert(ok); /* a unit test reads every default */
    }
}

/* The mark of an earlier key of the same name; line 0 when there is none. */
static HgMark earlier(const HgYaml *map, guint index)
{
    for (guint i = 0; i < index; i++)
        if (strcmp(hg_yaml_key(map, i)->text, hg_yaml_key(map, index)->text) == 0)
            return hg_yaml_key(map, i)->mark;
    return (HgMark){0, 0};
}

static void report_unknown(const HgConfigReader *reader, const HgSection *section,
                           const HgYaml *key, const char *path)
{
    g_autofree const char **names = g_new0(const char *, section->count + 1);
    gsize count = 0;
    for (gsize i = 0; i < section->count; i++)
        if (section->rows[i].kind != HG_OPTION_NOT_HERE)
            names[count++] = section->rows[i].name;
    const char *near = hg_text_nearest(key->text, names, count);
    g_autofree char *all = g_strjoinv(", ", (char **)names);
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(key->text));
    hg_diagnostics_error(
        reader->diagnostics, key->mark, "unknown key %s%s%s; expected one of %s%s%s%s", quoted,
        *path != '\0' ? " in " : "", path, all, near != NULL ? "; did you mean " : "",
        near != NULL ? near : "", near != NULL ? "?" : "");
}

static void read_key(const HgConfigReader *reader, const HgSection *section, const HgYaml *map,
                     guint index, const char *path, gpointer out)
{
    const HgYaml *key = hg_yaml_key(map, index);
    const HgOption *option = hg_option_find(section, key->text);
    if (option == NULL) {
        report_unknown(reader, section, key, path);
        return;
    }
    g_autofree char *full = path_of(path, option->name);
    HgMark first = earlier(map, index);
    if (first.line != 0) {
        hg_diagnostics_error(
            reader->diagnostics, key->mark,
            "%s is here a second time, after line %u; expected it once: delete one "
            "of the two",
            full, first.line);
        return;
    }
    Target target = target_of(reader, option, full, out);
    read_node(&target, hg_yaml_item(map, index));
}

static void report_missing(const HgConfigReader *reader, const HgSection *section,
                           const HgYaml *map, const char *path)
{
    for (gsize i = 0; i < section->count; i++) {
        const HgOption *option = &section->rows[i];
        if (!option->required || hg_yaml_get(map, option->name) != NULL)
            continue;
        g_autofree char *full = path_of(path, option->name);
        g_autofree char *expected = hg_option_expected(option);
        hg_diagnostics_error(reader->diagnostics, map->mark, "%s is missing; expected %s", full,
                             expected);
    }
}

void hg_config_read(const HgConfigReader *reader, const HgSection *section, const HgYaml *node,
                    const char *path, gpointer out)
{
    set_defaults(reader, section, out);
    if (node == NULL)
        return;
    for (guint i = 0; i < hg_yaml_size(node); i++)
        read_key(reader, section, node, i, path, out);
    report_missing(reader, section, node, path);
}

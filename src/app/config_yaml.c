/* Reading YAML by libyaml's events into a tree: see config_yaml.h. Pure. */
#include "app/config_yaml.h"

#include <yaml.h>

#define DEPTH_MAX  16
#define NODES_MAX  20000
#define SCALAR_MAX 4096

typedef struct {
    yaml_parser_t parser;
    HgSlice text;
    HgDiagnostics *diagnostics;
    guint nodes;
} Reader;

static HgYaml *read_node(Reader *reader, const yaml_event_t *event, guint depth);

static HgMark mark_of(yaml_mark_t mark)
{
    return (HgMark){(guint)mark.line + 1, (guint)mark.column + 1};
}

static HgYaml *node_new(HgYamlKind kind, HgMark mark)
{
    HgYaml *node = g_new0(HgYaml, 1);
    node->kind = kind;
    node->mark = mark;
    if (kind == HG_YAML_MAP)
        node->keys = g_ptr_array_new_with_free_func((GDestroyNotify)hg_yaml_free);
    if (kind != HG_YAML_SCALAR)
        node->items = g_ptr_array_new_with_free_func((GDestroyNotify)hg_yaml_free);
    return node;
}

void hg_yaml_free(HgYaml *node)
{
    if (node == NULL)
        return;
    g_clear_pointer(&node->keys, g_ptr_array_unref);
    g_clear_pointer(&node->items, g_ptr_array_unref);
    g_free(node->text);
    g_free(node);
}

/* TRUE when the line (from 1) of the text has a tab in its indentation. */
static gboolean is_indented_by_tab(HgSlice text, guint line)
{
    gsize at = 0;
    for (guint i = 1; i < line; i++) {
        const guint8 *end = memchr(text.data + at, '\n', text.size - at);
        if (end == NULL)
            return FALSE;
        at = (gsize)(end - text.data) + 1;
    }
    while (at < text.size && text.data[at] == ' ')
        at++;
    return at < text.size && text.data[at] == '\t';
}

/* What libyaml has to say, with a hint that fits the usual slips. */
static void report_syntax(Reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    HgMark mark = mark_of(parser->problem_mark);
    if (parser->error == YAML_READER_ERROR) {
        hg_diagnostics_error(reader->diagnostics, (HgMark){0, 0},
                             "not a text that YAML allows: %s at byte %" G_GSIZE_FORMAT
                             "; expected UTF-8 without control characters",
                             parser->problem, parser->problem_offset);
        return;
    }
    const char *hint = is_indented_by_tab(reader->text, mark.line)
                           ? "indent with spaces, YAML takes no tabs"
                           : "check indentation, colons and quotes here and in the line above";
    if (parser->context == NULL) {
        hg_diagnostics_error(reader->diagnostics, mark, "not valid YAML: %s; %s", parser->problem,
                             hint);
        return;
    }
    hg_diagnostics_error(reader->diagnostics, mark,
                         "not valid YAML: %s %s that begins on line %zu; %s", parser->problem,
                         parser->context, parser->context_mark.line + 1, hint);
}

/* Gets the next event, which the caller deletes. */
static gboolean next_event(Reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event) == 1)
        return TRUE;
    report_syntax(reader);
    return FALSE;
}

static HgYaml *refuse(Reader *reader, HgMark mark, const char *what)
{
    hg_diagnostics_error(reader->diagnostics, mark, "%s", what);
    return NULL;
}

/* A control character can only come from an escape in double quotes. No option wants one. */
static const char *wrong_text(const char *text, gsize size)
{
    if (size > SCALAR_MAX)
        return "this text is longer than 4096 bytes; expected a value of the configuration";
    for (gsize i = 0; i < size; i++)
        if ((guint8)text[i] < 0x20 || text[i] == 0x7f)
            return "this text holds a control character or a line end; expected a single line of "
                   "printable text";
    return NULL;
}

static HgYaml *read_scalar(Reader *reader, const yaml_event_t *event)
{
    HgMark mark = mark_of(event->start_mark);
    const char *text = (const char *)event->data.scalar.value;
    gsize size = event->data.scalar.length;
    const char *wrong = wrong_text(text, size);
    if (wrong != NULL)
        return refuse(reader, mark, wrong);
    HgYaml *node = node_new(HG_YAML_SCALAR, mark);
    node->text = g_strndup(text, size);
    node->is_null = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                    (size == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
    return node;
}

/* Reads the next node of a list or map; NULL with *end FALSE after an error, or with *end TRUE at
 * its end. */
static HgYaml *read_child(Reader *reader, yaml_event_type_t end_type, guint depth, gboolean *end)
{
    yaml_event_t event;
    *end = FALSE;
    if (!next_event(reader, &event))
        return NULL;
    HgYaml *child = NULL;
    if (event.type == end_type)
        *end = TRUE;
    else
        child = read_node(reader, &event, depth);
    yaml_event_delete(&event);
    return child;
}

static HgYaml *read_list(Reader *reader, HgMark mark, guint depth)
{
    g_autoptr(HgYaml) list = node_new(HG_YAML_LIST, mark);
    gboolean end = FALSE;
    HgYaml *item;
    while ((item = read_child(reader, YAML_SEQUENCE_END_EVENT, depth, &end)) != NULL)
        g_ptr_array_add(list->items, item);
    return end ? g_steal_pointer(&list) : NULL;
}

static HgYaml *read_map(Reader *reader, HgMark mark, guint depth)
{
    g_autoptr(HgYaml) map = node_new(HG_YAML_MAP, mark);
    gboolean end = FALSE;
    HgYaml *key;
    while ((key = read_child(reader, YAML_MAPPING_END_EVENT, depth, &end)) != NULL) {
        gboolean cut = FALSE;
        g_ptr_array_add(map->keys, key);
        if (key->kind != HG_YAML_SCALAR)
            return refuse(reader, key->mark,
                          "a list or map is in the place of a key; expected a "
                          "name and a colon");
        HgYaml *value = read_child(reader, YAML_MAPPING_END_EVENT, depth, &cut);
        if (value == NULL)
            return NULL;
        g_ptr_array_add(map->items, value);
    }
    return end ? g_steal_pointer(&map) : NULL;
}

/* TRUE when the node has an anchor or a tag, whatever its kind. */
static gboolean is_decorated(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL;
    default:
        return FALSE;
    }
}

static HgYaml *read_node(Reader *reader, const yaml_event_t *event, guint depth)
{
    HgMark mark = mark_of(event->start_mark);
    if (event->type == YAML_ALIAS_EVENT || is_decorated(event))
        return refuse(reader, mark,
                      "an anchor (&), alias (*) or tag (!) is here; expected a plain value: write "
                      "it out, and put text that begins with such a sign in quotes");
    if (depth >= DEPTH_MAX)
        return refuse(reader, mark,
                      "lists and maps are nested more than 16 deep; expected a "
                      "configuration of hivegate");
    if (++reader->nodes > NODES_MAX)
        return refuse(reader, mark, "more than 20000 values; expected a configuration of hivegate");
    switch (event->type) {
    case YAML_SEQUENCE_START_EVENT:
        return read_list(reader, mark, depth + 1);
    case YAML_MAPPING_START_EVENT:
        return read_map(reader, mark, depth + 1);
    default:
        return read_scalar(reader, event);
    }
}

/* Reads up to and with the event of that type, which nothing but stream and document marks may
 * precede; *other is set when the stream ends first. */
static gboolean skip_to(Reader *reader, yaml_event_type_t wanted, gboolean *missing)
{
    yaml_event_t event;
    yaml_event_type_t type;
    do {
        if (!next_event(reader, &event))
            return FALSE;
        type = event.type;
        yaml_event_delete(&event);
    } while (type != wanted && type != YAML_STREAM_END_EVENT && type != YAML_NO_EVENT);
    *missing = type != wanted;
    return TRUE;
}

/* The root node of the only document. */
static HgYaml *read_document(Reader *reader)
{
    gboolean missing = FALSE;
    gboolean end = FALSE;
    if (!skip_to(reader, YAML_DOCUMENT_START_EVENT, &missing))
        return NULL;
    if (missing)
        return refuse(reader, (HgMark){0, 0},
                      "the file is empty; expected at least listeners, authentication and pools "
                      "(hivegate --help-config shows an example)");
    g_autoptr(HgYaml) root = read_child(reader, YAML_DOCUMENT_END_EVENT, 0, &end);
    if (root == NULL || !skip_to(reader, YAML_DOCUMENT_START_EVENT, &missing))
        return NULL;
    if (!missing)
        return refuse(reader, mark_of(reader->parser.mark),
                      "a second document (---) is here; expected one document in the file");
    return g_steal_pointer(&root);
}

/* Where in the text a byte is. */
static HgMark mark_of_byte(HgSlice text, gsize at)
{
    HgMark mark = {1, 1};
    for (gsize i = 0; i < at; i++) {
        if (text.data[i] == '\n')
            mark = (HgMark){mark.line + 1, 1};
        else if ((text.data[i] & 0xc0) != 0x80)
            mark.column++;
    }
    return mark;
}

static gboolean check_text(HgSlice text, HgDiagnostics *diagnostics)
{
    const char *end = NULL;
    if (text.size > HG_YAML_MAX_BYTES) {
        hg_diagnostics_error(diagnostics, (HgMark){0, 0},
                             "the file is larger than 1 MiB; expected a configuration of hivegate");
        return FALSE;
    }
    if (text.size == 0 || g_utf8_validate((const char *)text.data, (gssize)text.size, &end))
        return TRUE;
    gsize at = (gsize)((const guint8 *)end - text.data);
    hg_diagnostics_error(diagnostics, mark_of_byte(text, at),
                         "byte 0x%02x is not valid UTF-8 text here; expected UTF-8: save the file "
                         "in that encoding",
                         text.data[at]);
    return FALSE;
}

HgYaml *hg_yaml_parse(HgSlice text, HgDiagnostics *diagnostics)
{
    if (!check_text(text, diagnostics))
        return NULL;
    Reader reader = {.text = text, .diagnostics = diagnostics};
    if (yaml_parser_initialize(&reader.parser) != 1)
        return refuse(&reader, (HgMark){0, 0}, "no memory for the YAML parser");
    static const guint8 nothing[1] = {0}; /* libyaml asserts that its input isn't NULL */
    yaml_parser_set_input_string(&reader.parser, text.size > 0 ? text.data : nothing, text.size);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    HgYaml *root = read_document(&reader);
    yaml_parser_delete(&reader.parser);
    return root;
}

const HgYaml *hg_yaml_key(const HgYaml *map, guint index)
{
    return g_ptr_array_index(map->keys, index);
}

const HgYaml *hg_yaml_item(const HgYaml *node, guint index)
{
    return g_ptr_array_index(node->items, index);
}

guint hg_yaml_size(const HgYaml *node)
{
    return node->items->len;
}

const HgYaml *hg_yaml_get(const HgYaml *node, const char *key)
{
    if (node == NULL || node->kind != HG_YAML_MAP)
        return NULL;
    for (guint i = 0; i < node->items->len; i++)
        if (strcmp(hg_yaml_key(node, i)->text, key) == 0)
            return hg_yaml_item(node, i);
    return NULL;
}

const HgYaml *hg_yaml_nth(const HgYaml *node, guint index)
{
    if (node == NULL || node->kind != HG_YAML_LIST || index >= node->items->len)
        return NULL;
    return hg_yaml_item(node, index);
}

HgMark hg_yaml_mark(const HgYaml *node)
{
    return node != NULL ? node->mark : (HgMark){0, 0};
}

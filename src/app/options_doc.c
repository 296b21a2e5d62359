/* The reference of all options, from their rows: see options.h. Pure; any thread. */
#include "app/options.h"

#include "base/text.h"

#define WRAP_COLUMN 80
#define INDENT      4

static const char example[] =
    "listeners:\n"
    "  - name: thrift\n"
    "    bind: 127.0.0.1:10000\n"
    "authentication:\n"
    "  chain: [users]\n"
    "  users: {file: users.txt}\n"
    "pools:\n"
    "  - name: default\n"
    "    endpoints: [\"spark-1.example.org:10000\", \"spark-2.example.org:10000\"]\n"
    "    login: service\n"
    "    user: hivegate\n"
    "    password_file: endpoint.password\n";

/* Writes a row's part of the reference. `path` is that of the row's section, "" for the file. */
typedef void (*RowWriter)(GString *out, const HgOption *option, const char *path);
/* Writes the title of a section; `option` is NULL for the file as a whole. */
typedef void (*TitleWriter)(GString *out, const HgOption *option, const char *path);

const char *hg_options_example(void)
{
    return example;
}

/* The words of a choice that this version knows, with ", " between. */
static char *choice_words(const HgOption *option)
{
    GString *words = g_string_new(NULL);
    for (const HgOptionChoice *choice = option->choices; choice->name != NULL; choice++)
        if (!choice->refused)
            g_string_append_printf(words, "%s%s", words->len > 0 ? ", " : "", choice->name);
    return g_string_free(words, FALSE);
}

static char *expected_duration(const HgOption *option)
{
    g_autofree char *min = hg_text_format_duration(option->min);
    g_autofree char *max = hg_text_format_duration(option->max);
    g_autofree char *step = option->step > 1 ? hg_text_format_duration(option->step) : g_strdup("");
    return g_strdup_printf("a duration from %s to %s%s%s", min, max,
                           option->step > 1 ? ", a multiple of " : "", step);
}

static char *expected_number(const HgOption *option)
{
    if (option->kind == HG_OPTION_DURATION)
        return expected_duration(option);
    if (option->kind == HG_OPTION_COUNT)
        return g_strdup_printf("a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                               option->min, option->max);
    g_autofree char *min = hg_text_format_size(option->min);
    g_autofree char *max = hg_text_format_size(option->max);
    return g_strdup_printf("a size from %s to %s", min, max);
}

static char *expected_choice(const HgOption *option)
{
    g_autofree char *words = choice_words(option);
    return g_strdup_printf("%s%s", strchr(words, ',') != NULL ? "one of " : "", words);
}

char *hg_option_expected(const HgOption *option)
{
    switch (option->kind) {
    case HG_OPTION_COUNT:
    case HG_OPTION_SIZE:
    case HG_OPTION_DURATION:
        return expected_number(option);
    case HG_OPTION_CHOICE:
        return expected_choice(option);
    case HG_OPTION_SWITCH:
        return g_strdup("true or false");
    case HG_OPTION_MODE:
        return g_strdup("permissions in octal, such as 0660");
    case HG_OPTION_NAME:
        return g_strdup("a name of 1 to 64 letters, digits, '-', '_' and '.'");
    case HG_OPTION_TEXT:
        return g_strdup("a text");
    case HG_OPTION_PATH:
        return g_strdup("a path");
    case HG_OPTION_VARIABLE:
        return g_strdup("the name of an environment variable");
    case HG_OPTION_ADDRESS:
        return g_strdup("ADDRESS:PORT, [IPV6]:PORT or unix:PATH");
    case HG_OPTION_NAMES:
        return g_strdup("a list of names, such as [users]");
    case HG_OPTION_PAIRS:
        return g_strdup("a map of names and values");
    case HG_OPTION_TEXTS:
        return g_strdup("a list of texts, each in quotes where YAML needs them");
    case HG_OPTION_ENDPOINTS:
        return g_strdup("a list of HOST:PORT");
    case HG_OPTION_NETWORKS:
        return g_strdup("a list of networks, such as [10.0.0.0/8, 192.0.2.7, \"2001:db8::/32\"]");
    case HG_OPTION_SECTIONS:
        return g_strdup("a list of maps, each with '-' in front");
    case HG_OPTION_SECTION:
        return g_strdup("a map");
    case HG_OPTION_NOT_HERE:
        break;
    }
    return g_strdup("nothing");
}

/* The path of a row, in the form that messages use: pools[].endpoints. */
static char *path_of(const HgOption *option, const char *path)
{
    return g_strdup_printf("%s%s%s%s", path, *path != '\0' ? "." : "", option->name,
                           option->kind == HG_OPTION_SECTIONS ? "[]" : "");
}

/* Goes through a section: its own rows first, then the sections in it. */
static void write_section(GString *out, const HgSection *section, const HgOption *self,
                          const char *path, TitleWriter title, RowWriter row)
{
    title(out, self, path);
    for (gsize i = 0; i < section->count; i++)
        if (section->rows[i].kind != HG_OPTION_NOT_HERE &&
            hg_option_section(&section->rows[i]) == NULL)
            row(out, &section->rows[i], path);
    for (gsize i = 0; i < section->count; i++) {
        if (hg_option_section(&section->rows[i]) == NULL)
            continue;
        g_autofree char *inner = path_of(&section->rows[i], path);
        write_section(out, hg_option_section(&section->rows[i]), &section->rows[i], inner, title,
                      row);
    }
}

/* Appends the text in lines of at most WRAP_COLUMN, each indented. */
static void append_wrapped(GString *out, const char *text, guint indent)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    guint column = 0;
    for (gsize i = 0; words[i] != NULL; i++) {
        guint size = (guint)g_utf8_strlen(words[i], -1);
        if (column == 0 || column + 1 + size > WRAP_COLUMN) {
            g_string_append_printf(out, "%s%*s", column == 0 ? "" : "\n", (int)indent, "");
            column = indent;
        } else {
            g_string_append_c(out, ' ');
            column++;
        }
        g_string_append(out, words[i]);
        column += size;
    }
    g_string_append_c(out, '\n');
}

static void help_title(GString *out, const HgOption *option, const char *path)
{
    if (option == NULL)
        return;
    g_string_append_printf(out, "\n%s:\n", path);
    append_wrapped(out, option->text, INDENT / 2);
    if (option->required)
        g_string_append_printf(out, "%*srequired\n", INDENT / 2, "");
}

static void help_row(GString *out, const HgOption *option, const char *path)
{
    g_autofree char *name = path_of(option, path);
    g_autofree char *expected = hg_option_expected(option);
    g_string_append_printf(out, "\n  %s\n", name);
    append_wrapped(out, option->text, INDENT);
    if (option->kind == HG_OPTION_CHOICE) {
        for (const HgOptionChoice *choice = option->choices; choice->name != NULL; choice++)
            if (!choice->refused)
                g_string_append_printf(out, "%*s%s: %s\n", INDENT, "", choice->name, choice->text);
    } else {
        g_string_append_printf(out, "%*sexpected: %s\n", INDENT, "", expected);
    }
    if (option->required)
        g_string_append_printf(out, "%*srequired\n", INDENT, "");
    if (option->fallback != NULL)
        g_string_append_printf(out, "%*sdefault: %s\n", INDENT, "", option->fallback);
    if (option->reloadable)
        g_string_append_printf(out, "%*sSIGHUP reads its contents again\n", INDENT, "");
}

char *hg_options_help(void)
{
    GString *out = g_string_new("The configuration file of hivegate is YAML. A small one:\n\n");
    g_auto(GStrv) lines = g_strsplit(example, "\n", -1);
    for (gsize i = 0; lines[i] != NULL; i++)
        if (*lines[i] != '\0')
            g_string_append_printf(out, "%*s%s\n", INDENT, "", lines[i]);
    g_string_append(out, "\nAll options:\n");
    write_section(out, hg_options(), NULL, "", help_title, help_row);
    return g_string_free(out, FALSE);
}

static void markdown_title(GString *out, const HgOption *option, const char *path)
{
    if (option == NULL)
        g_string_append(out, "## The file\n");
    else
        g_string_append_printf(out, "\n## `%s`\n\n%s%s\n", path, option->text,
                               option->required ? " Required." : "");
}

/* What may stand in a row's value, with the meaning of each word of a choice. */
static void append_markdown_value(GString *out, const HgOption *option)
{
    if (option->kind != HG_OPTION_CHOICE) {
        g_autofree char *expected = hg_option_expected(option);
        g_string_append(out, expected);
        return;
    }
    gboolean first = TRUE;
    for (const HgOptionChoice *choice = option->choices; choice->name != NULL; choice++) {
        if (choice->refused)
            continue;
        g_string_append_printf(out, "%s`%s`: %s", first ? "" : "; ", choice->name, choice->text);
        first = FALSE;
    }
}

static void markdown_row(GString *out, const HgOption *option, const char *path)
{
    g_string_append_printf(out, "\n### `%s`\n\n%s\n\n- Value: ", option->name, option->text);
    append_markdown_value(out, option);
    if (option->required)
        g_string_append(out, "\n- Required");
    if (option->fallback != NULL)
        g_string_append_printf(out, "\n- Default: `%s`", option->fallback);
    if (option->reloadable)
        g_string_append(out, "\n- SIGHUP reads its contents again");
    g_string_append_c(out, '\n');
}

char *hg_options_markdown(void)
{
    GString *out =
        g_string_new("# Configuration\n\n"
                     "<!-- Written by `hivegate --help-config-markdown` from the rows in "
                     "src/app/options.c; a test compares the two. -->\n\n"
                     "hivegate reads one YAML file. `hivegate --check-config FILE` names "
                     "everything that is wrong with it, with line and column. Relative "
                     "paths count from the folder of the file. A changed file counts from the "
                     "next start. Durations have a unit "
                     "(`500ms`, `20s`, `2m`, `1h`, `1d`), sizes may (`64KiB`, `100MiB`, "
                     "`1GiB`). Secrets are never in the file itself. A small file:\n\n"
                     "```yaml\n");
    g_string_append(out, example);
    g_string_append(out, "```\n\n");
    write_section(out, hg_options(), NULL, "", markdown_title, markdown_row);
    return g_string_free(out, FALSE);
}

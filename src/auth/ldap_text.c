/* Escaping, templates and DNs: see ldap_text.h. Pure; any thread. libldap is used for taking DNs
 * apart, which needs no connection. */
#include "auth/ldap_text.h"

#include "base/error.h"
#include "base/text.h"

#include <ldap.h>

/* One part of a template: a text, or something that is put in. */
typedef enum { PART_TEXT, PART_USER, PART_DN } PartKind;

typedef struct {
    PartKind kind;
    char *text; /* PART_TEXT */
} Part;

struct HgLdapTemplate {
    HgLdapTemplateKind kind;
    GArray *parts; /* of Part */
};

static void append_escaped(GString *out, HgSlice value, const char *special)
{
    for (gsize i = 0; i < value.size; i++) {
        guint8 c = value.data[i];
        if (c < 0x20 || c == 0x7f || strchr(special, c) != NULL)
            g_string_append_printf(out, "\\%02x", c);
        else
            g_string_append_c(out, (char)c);
    }
}

/* The space and the number sign only mean something at the ends; they are escaped there. */
char *hg_ldap_escape_dn(HgSlice value)
{
    if (value.size == 0)
        return g_strdup("");
    GString *out = g_string_new(NULL);
    gsize first = 0;
    gsize last = value.size;
    while (first < last && (value.data[first] == ' ' || (first == 0 && value.data[0] == '#')))
        first++;
    while (last > first && value.data[last - 1] == ' ')
        last--;
    append_escaped(out, hg_slice(value.data, first), " #");
    append_escaped(out, hg_slice(value.data + first, last - first), "\"+,;<=>\\");
    append_escaped(out, hg_slice(value.data + last, value.size - last), " ");
    return g_string_free(out, FALSE);
}

char *hg_ldap_escape_filter(HgSlice value)
{
    GString *out = g_string_new(NULL);
    append_escaped(out, value, "*()\\");
    return g_string_free(out, FALSE);
}

static void clear_part(gpointer part)
{
    g_free(((Part *)part)->text);
}

static gboolean refuse(const char *at, HgLdapTemplateKind kind, GError **error)
{
    const char *end = strpbrk(at, "} \t)");
    gsize size = end == NULL ? strlen(at) : (gsize)(end - at) + (*end == '}' ? 1 : 0);
    g_autofree char *quoted = hg_text_quote(hg_slice(at, size));
    gboolean hive = g_str_has_prefix(at, "{0}") || g_str_has_prefix(at, "{1}");
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "%s means nothing here; expected {user}%s%s (a brace by itself is written \\7b)",
                quoted, kind == HG_LDAP_TEMPLATE_FILTER ? " or {dn}" : "",
                hive ? " instead of Hive's numbers" : "");
    return FALSE;
}

static void add_text(HgLdapTemplate *template, const char *text, gsize size)
{
    Part part = {PART_TEXT, g_strndup(text, size)};
    g_array_append_val(template->parts, part);
}

static gboolean parse(HgLdapTemplate *template, const char *text, GError **error)
{
    while (*text != '\0') {
        gsize plain = strcspn(text, "{");
        Part part = {PART_TEXT, NULL};
        if (plain > 0)
            add_text(template, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        if (g_str_has_prefix(text, "{user}"))
            part.kind = PART_USER;
        else if (template->kind == HG_LDAP_TEMPLATE_FILTER && g_str_has_prefix(text, "{dn}"))
            part.kind = PART_DN;
        else
            return refuse(text, template->kind, error);
        g_array_append_val(template->parts, part);
        text += part.kind == PART_USER ? strlen("{user}") : strlen("{dn}");
    }
    return TRUE;
}

gboolean hg_ldap_template_new(HgLdapTemplateKind kind, const char *text, HgLdapTemplate **out,
                              GError **error)
{
    g_autoptr(HgLdapTemplate) template = g_new0(HgLdapTemplate, 1);
    template->kind = kind;
    template->parts = g_array_new(FALSE, FALSE, sizeof(Part));
    g_array_set_clear_func(template->parts, clear_part);
    if (strstr(text, "%s") != NULL) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%%s is Hive's way to write it; expected {user} where the name goes");
        return FALSE;
    }
    if (!parse(template, text, error))
        return FALSE;
    *out = g_steal_pointer(&template);
    return TRUE;
}

void hg_ldap_template_free(HgLdapTemplate *template)
{
    if (template == NULL)
        return;
    g_array_unref(template->parts);
    g_free(template);
}

static gboolean has(const HgLdapTemplate *template, PartKind kind)
{
    for (guint i = 0; i < template->parts->len; i++)
        if (g_array_index(template->parts, Part, i).kind == kind)
            return TRUE;
    return FALSE;
}

gboolean hg_ldap_template_has_user(const HgLdapTemplate *template)
{
    return has(template, PART_USER);
}

gboolean hg_ldap_template_has_dn(const HgLdapTemplate *template)
{
    return has(template, PART_DN);
}

static char *escape(HgLdapTemplateKind kind, HgSlice value)
{
    switch (kind) {
    case HG_LDAP_TEMPLATE_DN:
        return hg_ldap_escape_dn(value);
    case HG_LDAP_TEMPLATE_FILTER:
        return hg_ldap_escape_filter(value);
    default:
        return hg_slice_dup_string(value);
    }
}

char *hg_ldap_template_expand(const HgLdapTemplate *template, HgSlice user, const char *dn)
{
    GString *out = g_string_new(NULL);
    g_autofree char *user_text = escape(template->kind, user);
    g_autofree char *dn_text = escape(template->kind, hg_slice_from_string(dn));
    for (guint i = 0; i < template->parts->len; i++) {
        const Part *part = &g_array_index(template->parts, Part, i);
        g_string_append(out, part->kind == PART_TEXT   ? part->text
                             : part->kind == PART_USER ? user_text
                                                       : dn_text);
    }
    return g_string_free(out, FALSE);
}

HgLdapTemplateKind hg_ldap_pattern_kind(const char *text)
{
    return strchr(text, '=') != NULL ? HG_LDAP_TEMPLATE_DN : HG_LDAP_TEMPLATE_NAME;
}

/* Without case, runs of spaces as one, none at the ends; bytes that are no UTF-8 stay. */
static char *fold(const struct berval *value)
{
    g_autofree char *text = hg_slice_dup_string(hg_slice(value->bv_val, value->bv_len));
    g_autofree char *folded = g_utf8_validate(text, -1, NULL) && strlen(text) == value->bv_len
                                  ? g_utf8_casefold(text, -1)
                                  : NULL;
    if (folded == NULL)
        return hg_ldap_escape_dn(hg_slice(value->bv_val, value->bv_len));
    GString *out = g_string_new(NULL);
    for (const char *at = g_strstrip(folded); *at != '\0'; at++)
        if (*at != ' ' || at[1] != ' ')
            g_string_append_c(out, *at);
    g_autofree char *plain = g_string_free(out, FALSE);
    return hg_ldap_escape_dn(hg_slice_from_string(plain));
}

static gint compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *normal_part(LDAPRDN rdn)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; rdn[i] != NULL; i++) {
        g_autofree char *type = g_ascii_strdown(rdn[i]->la_attr.bv_val, -1);
        g_autofree char *value = fold(&rdn[i]->la_value);
        g_ptr_array_add(values, g_strdup_printf("%s=%s", type, value));
    }
    g_ptr_array_sort(values, compare_texts);
    g_ptr_array_add(values, NULL);
    return g_strjoinv("+", (char **)values->pdata);
}

char *hg_ldap_dn_normal(const char *dn)
{
    LDAPDN parts = NULL;
    if (ldap_str2dn(dn, &parts, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || parts == NULL)
        return NULL;
    GString *out = g_string_new(NULL);
    for (int i = 0; parts[i] != NULL; i++) {
        g_autofree char *part = normal_part(parts[i]);
        g_string_append_printf(out, "%s%s", i > 0 ? "," : "", part);
    }
    ldap_dnfree(parts);
    return g_string_free(out, FALSE);
}

/* A ',' inside a value is escaped, so that each one left stands between two parts. */
gboolean hg_ldap_dn_under(const char *dn, const char *base)
{
    gsize size = strlen(dn);
    gsize base_size = strlen(base);
    if (size <= base_size)
        return strcmp(dn, base) == 0;
    return strcmp(dn + size - base_size, base) == 0 && dn[size - base_size - 1] == ',';
}

/* The value as text; NULL when it holds a NUL or was written as BER ("#04..."). */
static char *text_value(const LDAPAVA *ava)
{
    HgSlice value = hg_slice(ava->la_value.bv_val, ava->la_value.bv_len);
    if ((ava->la_flags & LDAP_AVA_BINARY) != 0 ||
        (value.size > 0 && memchr(value.data, '\0', value.size) != NULL))
        return NULL;
    return hg_slice_dup_string(value);
}

char *hg_ldap_dn_value(const char *dn, const char *attribute)
{
    LDAPDN parts = NULL;
    char *found = NULL;
    if (ldap_str2dn(dn, &parts, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || parts == NULL)
        return NULL;
    for (int i = 0; found == NULL && parts[0] != NULL && parts[0][i] != NULL; i++)
        if (g_ascii_strcasecmp(parts[0][i]->la_attr.bv_val, attribute) == 0)
            found = text_value(parts[0][i]);
    ldap_dnfree(parts);
    return found;
}

gboolean hg_ldap_is_attribute(const char *text)
{
    gboolean oid = g_ascii_isdigit(*text);
    if (!oid && !g_ascii_isalpha(*text))
        return FALSE;
    for (; *text != '\0'; text++)
        if (oid ? !g_ascii_isdigit(*text) && *text != '.' : !g_ascii_isalnum(*text) && *text != '-')
            return FALSE;
    return TRUE;
}

gboolean hg_ldap_list_has(const char *const *list, const char *text)
{
    g_autofree char *folded = g_utf8_casefold(text, -1);
    for (; list != NULL && *list != NULL; list++) {
        g_autofree char *other = g_utf8_casefold(*list, -1);
        if (strcmp(folded, other) == 0)
            return TRUE;
    }
    return FALSE;
}

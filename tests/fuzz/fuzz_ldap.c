/* Fuzz target: what a client may type, in templates of DNs and filters, and any bytes as templates,
 * filters and DNs. An expansion, taken apart again by libldap, must give back just what went in,
 * and nothing that went in may change the shape of the filter or the DN around it. */
#include "auth/ldap_filter.h"
#include "auth/ldap_text.h"
#include "fuzz.h"

#include <ldap.h>

static HgLdapTemplate *make(HgLdapTemplateKind kind, const char *text)
{
    HgLdapTemplate *template = NULL;
    if (!hg_ldap_template_new(kind, text, &template, NULL))
        return NULL;
    return template;
}

/* "uid=VALUE,dc=x" has two parts, and the first is the value. */
static void check_dn(HgSlice value)
{
    g_autoptr(HgLdapTemplate) template = make(HG_LDAP_TEMPLATE_DN, "uid={user},dc=x");
    g_autofree char *text = hg_ldap_template_expand(template, value, NULL);
    LDAPDN dn = NULL;
    FUZZ_CHECK(ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS);
    FUZZ_CHECK(dn[0] != NULL && dn[1] != NULL && dn[2] == NULL && dn[0][1] == NULL);
    const struct berval *got = &dn[0][0]->la_value;
    FUZZ_CHECK(hg_slice_equal(hg_slice(got->bv_val, got->bv_len), value));
    ldap_dnfree(dn);
}

/* The bytes that a value in a filter stands for (RFC 4515), read the plainest way. */
static GString *unescape(const char *at, const char *end)
{
    GString *out = g_string_new(NULL);
    for (; at < end; at++) {
        if (*at != '\\') {
            g_string_append_c(out, *at);
            continue;
        }
        FUZZ_CHECK(end - at > 2);
        g_string_append_c(out,
                          (char)(g_ascii_xdigit_value(at[1]) << 4 | g_ascii_xdigit_value(at[2])));
        at += 2;
    }
    return out;
}

static void check_filter(HgSlice value, gboolean utf8)
{
    static const char before[] = "(&(uid=";
    static const char after[] = ")(a=b))";
    g_autoptr(HgLdapTemplate) template = make(HG_LDAP_TEMPLATE_FILTER, "(&(uid={user})(a=b))");
    g_autofree char *text = hg_ldap_template_expand(template, value, NULL);
    FUZZ_CHECK(g_str_has_prefix(text, before) && g_str_has_suffix(text, after));
    const char *at = text + strlen(before);
    const char *end = text + strlen(text) - strlen(after);
    for (const char *c = at; c < end; c++)
        FUZZ_CHECK(strchr("*()", *c) == NULL && (guchar)*c >= ' ');
    GString *got = unescape(at, end);
    FUZZ_CHECK(hg_slice_equal(hg_slice(got->str, got->len), value));
    g_string_free(got, TRUE);
    if (utf8 && strlen(text) <= HG_LDAP_FILTER_MAX_BYTES)
        FUZZ_CHECK(hg_ldap_filter_check(text, NULL));
}

static guint count(const char *text, const char *part)
{
    guint found = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        found++;
    return found;
}

/* Any text as a template; what it makes of a filter with a harmless name stays one with any name.
 */
static void check_template(const char *text, HgSlice value)
{
    g_autoptr(HgLdapTemplate) filter = make(HG_LDAP_TEMPLATE_FILTER, text);
    g_autoptr(HgLdapTemplate) dn = make(HG_LDAP_TEMPLATE_DN, text);
    if (dn != NULL) {
        g_autofree char *made = hg_ldap_template_expand(dn, value, NULL);
        FUZZ_CHECK(hg_ldap_template_has_user(dn) || strcmp(made, text) == 0);
    }
    if (filter == NULL)
        return;
    g_autofree char *tame = hg_ldap_template_expand(filter, hg_slice_from_string("u"), "cn=u");
    g_autofree char *wild = hg_ldap_template_expand(filter, value, "cn=a\\2cb (*)");
    gboolean valid = g_utf8_validate((const char *)value.data, (gssize)value.size, NULL) &&
                     strlen(wild) <= HG_LDAP_FILTER_MAX_BYTES;
    /* only where a name stands for a value; elsewhere it is no worse than a broken filter */
    gboolean only_value =
        count(text, "={user})") == count(text, "{user}") && count(text, "{dn}") == 0;
    if (valid && only_value && hg_ldap_filter_check(tame, NULL))
        FUZZ_CHECK(hg_ldap_filter_check(wild, NULL));
}

/* A DN in its normal form is in it already, and is below itself. */
static void check_normal(const char *text)
{
    g_autofree char *normal = hg_ldap_dn_normal(text);
    g_autofree char *value = hg_ldap_dn_value(text, "cn");
    if (normal == NULL)
        return;
    g_autofree char *again = hg_ldap_dn_normal(normal);
    FUZZ_CHECK(again != NULL);
    FUZZ_CHECK(hg_ldap_dn_under(normal, normal));
    g_autofree char *inner = g_strdup_printf("cn=a,%s", normal);
    FUZZ_CHECK(hg_ldap_dn_under(inner, normal) && !hg_ldap_dn_under(normal, inner));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice input = hg_slice(data, size);
    gsize name_size = fuzz_take_u8(&input);
    HgSlice value = fuzz_copy(fuzz_take(&input, name_size));
    g_autofree char *text = hg_slice_dup_string(input);
    gboolean utf8 = g_utf8_validate((const char *)value.data, (gssize)value.size, NULL);
    if (value.size > 0) {
        check_dn(value);
        check_filter(value, utf8);
    }
    check_template(text, value);
    check_normal(text);
    hg_ldap_filter_check(text, NULL);
    fuzz_free(value);
    return 0;
}

/* What the methods for tokens share: see token_login.h. Immutable; any thread. */
#include "auth/token_login.h"

#include "auth/jwt.h"
#include "auth/pattern.h"
#include "base/error.h"
#include "base/text.h"

struct HgTokenLogin {
    GRegex *pattern; /* NULL: Bearer only */
    char **any_user;
};

const char *const *hg_token_any_user(void)
{
    static const char *const names[] = {"anonymous", "token", "bearer", "jwt", NULL};
    return names;
}

gboolean hg_token_login_new(const HgTokenLoginConfig *config, HgTokenLogin **out, GError **error)
{
    g_autoptr(GRegex) pattern = NULL;
    if (config->token_pattern != NULL) {
        pattern = hg_pattern_new(config->token_pattern, G_MAXUINT, "token_pattern",
                                 "a regular expression that matches whole tokens, and no password",
                                 error);
        if (pattern == NULL)
            return FALSE;
    }
    HgTokenLogin *login = g_new0(HgTokenLogin, 1);
    login->pattern = g_steal_pointer(&pattern);
    login->any_user = config->n_any_user > 0 ? g_strdupv((char **)config->any_user)
                                             : g_strdupv((char **)hg_token_any_user());
    *out = login;
    return TRUE;
}

void hg_token_login_free(HgTokenLogin *login)
{
    if (login == NULL)
        return;
    g_clear_pointer(&login->pattern, g_regex_unref);
    g_strfreev(login->any_user);
    g_free(login);
}

gboolean hg_token_login_takes(const HgTokenLogin *login, const HgCredentials *credentials)
{
    HgSlice secret = credentials->secret;
    if (secret.size == 0 || secret.size > HG_JWT_MAX_BYTES)
        return FALSE;
    for (gsize i = 0; i < secret.size; i++)
        if (secret.data[i] <= ' ' || secret.data[i] > '~')
            return FALSE;
    if (credentials->bearer)
        return TRUE;
    return login->pattern != NULL && g_regex_match_full(login->pattern, (const char *)secret.data,
                                                        (gssize)secret.size, 0, 0, NULL, NULL);
}

static gboolean says_nothing(const HgTokenLogin *login, const char *name)
{
    for (gsize i = 0; login->any_user[i] != NULL; i++)
        if (g_ascii_strcasecmp(login->any_user[i], name) == 0)
            return TRUE;
    return FALSE;
}

gboolean hg_token_login_check_name(const HgTokenLogin *login, const HgCredentials *credentials,
                                   const HgPrincipal *principal, HgTokenRefusal *refusal)
{
    if (credentials->name.size == 0)
        return TRUE;
    g_autofree char *name = hg_slice_dup_string(credentials->name);
    if (says_nothing(login, name))
        return TRUE;
    g_autofree char *asked = g_utf8_casefold(name, -1);
    g_autofree char *own = g_utf8_casefold(hg_principal_name(principal), -1);
    if (strcmp(asked, own) == 0)
        return TRUE;
    g_autofree char *shown = hg_text_quote(credentials->name);
    return hg_token_refuse(refusal, HG_TOKEN_SOMEBODY_ELSE,
                           "the client says that it is %s, and the token is %s's", shown,
                           hg_principal_name(principal));
}

void hg_token_login_deny(HgLogin *out, const char *who, const HgTokenRefusal *refusal)
{
    g_autofree char *why = g_strdup_printf("%s: %s", who, refusal->why);
    hg_login_say(out, HG_VERDICT_DENIED, why);
    out->say = g_strdup(hg_token_say(refusal->fault));
}

void hg_token_login_unavailable(HgLogin *out, const char *who, const char *why)
{
    g_autofree char *both = g_strdup_printf("%s: %s", who, why);
    hg_login_say(out, HG_VERDICT_UNAVAILABLE, both);
    out->say = g_strdup("Tokens can't be checked at the moment; try again later");
}

void hg_token_login_accept(HgLogin *out, HgPrincipal *take_principal, gint64 good_until)
{
    out->verdict = HG_VERDICT_ACCEPTED;
    out->principal = take_principal;
    out->good_until = good_until;
}

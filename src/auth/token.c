/* Reasons to refuse a token: see token.h. Pure; any thread. */
#include "auth/token.h"

static const char *const said[HG_TOKEN_FAULTS] = {
    [HG_TOKEN_TOO_LONG] = "The token is too long",
    [HG_TOKEN_AUDIENCE] = "The token isn't for this audience",
    [HG_TOKEN_PARTY] = "The token isn't for this audience",
    [HG_TOKEN_NO_EXPIRY] = "The token has no time of expiry",
    [HG_TOKEN_EXPIRED] = "The token has expired",
    [HG_TOKEN_NOT_YET] = "The token isn't good yet",
    [HG_TOKEN_ISSUED_LATER] = "The token isn't good yet",
    [HG_TOKEN_SCOPE] = "The token lacks a scope that is required here",
    [HG_TOKEN_USER_NAME] = "The token's user can't be a user here",
    [HG_TOKEN_EMAIL] = "The token's e-mail address isn't verified",
    [HG_TOKEN_SOMEBODY_ELSE] = "The token is somebody else's; log in with its user's name, or none",
    [HG_TOKEN_INACTIVE] = "The token isn't good, or not any more",
};

gboolean hg_token_refuse(HgTokenRefusal *refusal, HgTokenFault fault, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    refusal->fault = fault;
    refusal->why = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return FALSE;
}

void hg_token_refusal_clear(HgTokenRefusal *refusal)
{
    g_clear_pointer(&refusal->why, g_free);
    refusal->fault = HG_TOKEN_GOOD;
}

const char *hg_token_say(HgTokenFault fault)
{
    return said[fault] != NULL ? said[fault] : "The token isn't valid";
}

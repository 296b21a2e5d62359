/* Fuzz target: the value of a cookie. Whatever is accepted is, to the byte, what hivegate makes for
 * that user; and no byte of a good one can be changed. The first byte says which of the two. */
#include "auth/cookie.h"
#include "auth/name.h"
#include "fuzz.h"

#define MAX_AGE 3600
#define NOW     1000000000

static const guint8 key[HG_COOKIE_KEY_MIN] = "thirty-two bytes, known to all..";

static HgCookies *cookies_new(void)
{
    HgCookies *cookies = NULL;
    FUZZ_CHECK(hg_cookies_new(hg_slice(key, sizeof key), MAX_AGE, &cookies, NULL));
    return cookies;
}

/* A value from outside. */
static void check_value(HgCookies *cookies, HgSlice value)
{
    HgSlice evidence = hg_slice_from_string("hash");
    HgCookieClaim claim;
    if (!hg_cookies_read(value, &claim))
        return;
    FUZZ_CHECK(strlen(claim.user) < sizeof claim.user);
    FUZZ_CHECK(!hg_cookies_check(cookies, &claim, hg_slice_from_string("other"), NOW));
    if (!hg_cookies_check(cookies, &claim, evidence, NOW))
        return;
    FUZZ_CHECK(claim.expires > NOW);
    g_autofree char *own = hg_cookies_make(cookies, claim.user, evidence, claim.expires - MAX_AGE);
    FUZZ_CHECK(own != NULL && hg_slice_equal_string(value, own));
}

/* A good value of which a byte is changed. */
static void check_change(HgCookies *cookies, HgSlice input)
{
    HgSlice evidence = hg_slice_from_string("hash");
    HgCookieClaim claim;
    guint place = (guint)fuzz_take_u8(&input) << 8;
    place |= fuzz_take_u8(&input);
    guint8 change = fuzz_take_u8(&input);
    g_autofree char *user = g_strndup((const char *)input.data, MIN(input.size, HG_NAME_MAX_BYTES));
    if (!hg_user_name_check(hg_slice_from_string(user), NULL))
        return;
    g_autofree char *made = hg_cookies_make(cookies, user, evidence, NOW);
    FUZZ_CHECK(made != NULL);
    HgSlice value = hg_slice_from_string(made);
    FUZZ_CHECK(hg_cookies_read(value, &claim));
    FUZZ_CHECK(strcmp(claim.user, user) == 0 && claim.expires == NOW + MAX_AGE);
    FUZZ_CHECK(hg_cookies_check(cookies, &claim, evidence, NOW));
    FUZZ_CHECK(!hg_cookies_check(cookies, &claim, evidence, NOW + MAX_AGE));
    if (change == 0)
        return;
    made[place % value.size] = (char)(made[place % value.size] ^ change);
    FUZZ_CHECK(!hg_cookies_read(value, &claim) ||
               !hg_cookies_check(cookies, &claim, evidence, NOW));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice input = hg_slice(data, size);
    gboolean change = (fuzz_take_u8(&input) & 1) != 0;
    g_autoptr(HgCookies) cookies = cookies_new();
    HgSlice copy = fuzz_copy(input);
    if (change)
        check_change(cookies, copy);
    else
        check_value(cookies, copy);
    fuzz_free(copy);
    return 0;
}

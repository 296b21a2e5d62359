/* Fuzz target: the JSON of a key set. Either it is refused, or each key has a purpose, and no
 * signature of nothing but zeros is right. */
#include "auth/jwks.h"
#include "fuzz.h"

static void check_key(const HgJwks *keys, const HgJwk *key)
{
    static const guint8 zeros[1024];
    const char *id = hg_jwk_id(key);
    gboolean fits = FALSE;
    FUZZ_CHECK(id == NULL || (*id != '\0' && strlen(id) <= 256 && hg_jwks_has(keys, id)));
    for (guint i = 0; i < HG_JWS_ALGORITHMS; i++) {
        HgJwsAlgorithm algorithm = (HgJwsAlgorithm)i;
        fits = fits || hg_jwk_fits(key, algorithm);
        FUZZ_CHECK(!hg_jwk_verify(key, algorithm, hg_slice_from_string("x"), hg_slice(zeros, 64)));
        FUZZ_CHECK(!hg_jwk_verify(key, algorithm, hg_slice_from_string("x"), hg_slice(zeros, 256)));
        FUZZ_CHECK(!hg_jwk_verify(key, algorithm, hg_slice(NULL, 0), hg_slice(NULL, 0)));
    }
    FUZZ_CHECK(fits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice text = fuzz_copy(hg_slice(data, size));
    g_autoptr(HgJwks) keys = NULL;
    g_autoptr(GError) error = NULL;
    if (!hg_jwks_read(text, &keys, &error)) {
        FUZZ_CHECK(keys == NULL && error != NULL && *error->message != '\0');
    } else {
        guint count = hg_jwks_count(keys);
        FUZZ_CHECK(count > 0 && count + hg_jwks_skipped(keys) <= 100);
        FUZZ_CHECK((hg_jwks_skipped(keys) > 0) == (hg_jwks_problem(keys) != NULL));
        for (guint i = 0; i < count; i++)
            check_key(keys, hg_jwks_nth(keys, i));
    }
    fuzz_free(text);
    return 0;
}

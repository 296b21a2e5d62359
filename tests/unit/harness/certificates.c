/* See certificates.h: keys on P-256, which are made in no time. */
#include "harness/certificates.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

struct Authority {
    char *folder;
    X509 *certificate;
    EVP_PKEY *key;
    long serial;
};

char *certificate_path(Authority *authority, const char *name)
{
    return g_build_filename(authority->folder, name, NULL);
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(Authority *authority, const char *common_name, EVP_PKEY *key,
                              int days)
{
    X509 *made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++authority->serial);
    X509_gmtime_adj(X509_getm_notBefore(made), -86400L * (days < 0 ? 1 - days : 1));
    X509_gmtime_adj(X509_getm_notAfter(made), 86400L * days);
    X509_set_pubkey(made, key);
    if (common_name != NULL)
        ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN",
                                                    MBSTRING_UTF8, (const guint8 *)common_name, -1,
                                                    -1, 0),
                         1);
    return made;
}

static void write_certificate(Authority *authority, const char *name, X509 *certificate)
{
    g_autofree char *file = g_strconcat(name, ".pem", NULL);
    g_autofree char *path = certificate_path(authority, file);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(PEM_write_X509(out, certificate), 1);
    fclose(out);
}

static void write_key(Authority *authority, const char *name, EVP_PKEY *key)
{
    g_autofree char *file = g_strconcat(name, ".key", NULL);
    g_autofree char *path = certificate_path(authority, file);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(out);
}

/* `parent` NULL: it vouches for itself. */
static Authority *make_authority(const char *folder, const char *name, const Authority *parent)
{
    Authority *authority = g_new0(Authority, 1);
    authority->folder = g_strdup(folder);
    authority->key = EVP_EC_gen("P-256");
    X509 *own = make_certificate(authority, name, authority->key, 30);
    X509 *issuer = parent != NULL ? parent->certificate : own;
    X509_set_issuer_name(own, X509_get_subject_name(issuer));
    add_extension(own, issuer, NID_basic_constraints, "critical,CA:TRUE");
    ck_assert_int_gt(X509_sign(own, parent != NULL ? parent->key : authority->key, EVP_sha256()),
                     0);
    authority->certificate = own;
    write_certificate(authority, name, own);
    return authority;
}

Authority *authority_new(const char *folder, const char *name)
{
    return make_authority(folder, name, NULL);
}

Authority *authority_new_below(Authority *parent, const char *name)
{
    return make_authority(parent->folder, name, parent);
}

void authority_free(Authority *authority)
{
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    g_free(authority->folder);
    g_free(authority);
}

void authority_issue(Authority *authority, const char *name, const char *common_name,
                     const char *alternative_names, int days)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *made = make_certificate(authority, common_name, key, days);
    X509_set_issuer_name(made, X509_get_subject_name(authority->certificate));
    if (alternative_names != NULL)
        add_extension(made, authority->certificate, NID_subject_alt_name, alternative_names);
    ck_assert_int_gt(X509_sign(made, authority->key, EVP_sha256()), 0);
    write_certificate(authority, name, made);
    write_key(authority, name, key);
    X509_free(made);
    EVP_PKEY_free(key);
}

/* Making and showing the audit's keys: see audit_key.h. Owns nothing; one thread. */
#include "ctl/audit_key.h"

#include "audit/anchor_key.h"
#include "audit/pseudonym.h"
#include "base/error.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <unistd.h>

/* Writes a file that isn't there yet. */
static gboolean write_new(const char *path, const char *text, mode_t mode, GError **error)
{
    gsize size = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s is there already, and a key isn't overwritten; name another file", path);
        return FALSE;
    }
    if (fd < 0) {
        hg_error_set_errno(error, errno, "can't make %s", path);
        return FALSE;
    }
    gboolean ok = write(fd, text, size) == (gssize)size && fsync(fd) == 0;
    if (!ok)
        hg_error_set_errno(error, errno, "can't write %s", path);
    ok = close(fd) == 0 && ok;
    if (!ok)
        unlink(path);
    return ok;
}

static HgCtlResult show(const HgCtlStreams *streams, const char *path, GError **error)
{
    g_autoptr(HgAnchorKeys) keys = hg_anchor_keys_new();
    if (!hg_anchor_keys_add(keys, path, error))
        return HG_CTL_FAILED;
    for (guint i = 0; i < hg_anchor_keys_count(keys); i++)
        fprintf(streams->out, "%s\n", hg_anchor_keys_id(keys, i));
    return HG_CTL_DONE;
}

static HgCtlResult make(const HgCtlStreams *streams, const char *path, GError **error)
{
    g_autofree char *public_path = g_strconcat(path, ".pub", NULL);
    g_autofree char *public_pem = NULL;
    char *private_pem = NULL;
    if (!hg_anchor_key_make(&private_pem, &public_pem, error))
        return HG_CTL_FAILED;
    gboolean ok = write_new(path, private_pem, 0600, error) &&
                  write_new(public_path, public_pem, 0644, error);
    hg_secret_free_string(private_pem);
    return ok ? show(streams, public_path, error) : HG_CTL_FAILED;
}

/* A key of random bytes, in hexadecimal digits on one line. */
static HgCtlResult make_pseudonyms(const HgCtlStreams *streams, const char *path, GError **error)
{
    guint8 bytes[32];
    char text[2 * sizeof bytes + 2];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_FAILED, "OpenSSL has no random bytes");
        return HG_CTL_FAILED;
    }
    for (guint i = 0; i < sizeof bytes; i++)
        g_snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    g_strlcat(text, "\n", sizeof text);
    gboolean ok = write_new(path, text, 0600, error);
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(text, sizeof text);
    return ok ? HG_CTL_DONE : HG_CTL_FAILED;
}

HgCtlResult hg_audit_pseudonym(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_autoptr(GOptionContext) context = g_option_context_new("NAME");
    g_autofree char *key = NULL;
    gboolean help = FALSE;
    const GOptionEntry entries[] = {
        {"key", 0, 0, G_OPTION_ARG_FILENAME, &key, "The key of audit.pseudonyms (required)",
         "FILE"},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &help, "Show this help, and exit", NULL},
        {0},
    };
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, "Prints the pseudonym that a name has in the audit.");
    g_option_context_set_description(
        context, "Example:\n"
                 "  hivegatectl audit search --spool /var/lib/hivegate/audit \\\n"
                 "      --user $(hivegatectl audit pseudonym --key pseudonyms.key alice)\n");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse_strv(context, argv, error))
        return HG_CTL_USAGE;
    if (help) {
        g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
        fputs(text, streams->out);
        return HG_CTL_DONE;
    }
    if (key == NULL || g_strv_length(*argv) != 2) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, "expected --key FILE and a name");
        return HG_CTL_USAGE;
    }
    char text[HG_PSEUDONYM_TEXT];
    g_autoptr(HgPseudonyms) pseudonyms = hg_pseudonyms_load(key, FALSE, error);
    if (pseudonyms == NULL)
        return HG_CTL_FAILED;
    hg_pseudonym_make(pseudonyms, hg_slice_from_string((*argv)[1]), text);
    fprintf(streams->out, "%s\n", text);
    return HG_CTL_DONE;
}

HgCtlResult hg_audit_key(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_autoptr(GOptionContext) context = g_option_context_new("new|show|pseudonyms FILE");
    gboolean help = FALSE;
    const GOptionEntry entries[] = {
        {"help", 'h', 0, G_OPTION_ARG_NONE, &help, "Show this help, and exit", NULL},
        {0},
    };
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, "Makes or shows keys of the audit.");
    g_option_context_set_description(
        context,
        "Examples:\n"
        "  hivegatectl audit key new /etc/hivegate/anchor.key\n"
        "  hivegatectl audit key show /etc/hivegate/anchor.key.pub\n"
        "  hivegatectl audit key pseudonyms /etc/hivegate/pseudonyms.key\n"
        "\n"
        "new writes the private key (Ed25519, PEM, mode 0600) and beside it FILE.pub, which\n"
        "is all that hivegatectl audit verify needs. Both print the ids of the keys, by\n"
        "which anchors name them. To change keys, put the new private key in the place of\n"
        "the old one, and add the new public key to the file of public keys.\n"
        "pseudonyms writes a key by which names of people are hidden.\n");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse_strv(context, argv, error))
        return HG_CTL_USAGE;
    if (help) {
        g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
        fputs(text, streams->out);
        return HG_CTL_DONE;
    }
    char **words = *argv;
    if (g_strv_length(words) == 3 && strcmp(words[1], "new") == 0)
        return make(streams, words[2], error);
    if (g_strv_length(words) == 3 && strcmp(words[1], "show") == 0)
        return show(streams, words[2], error);
    if (g_strv_length(words) == 3 && strcmp(words[1], "pseudonyms") == 0)
        return make_pseudonyms(streams, words[2], error);
    g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID,
                        "expected new FILE, show FILE or pseudonyms FILE");
    return HG_CTL_USAGE;
}

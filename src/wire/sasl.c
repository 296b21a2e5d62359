/* SASL frames and the PLAIN response: see sasl.h. Owns nothing; any thread. */
#include "wire/sasl.h"

#include "wire/layout.h"

#define STATUS_SIZE 1

HgWireStatus hg_sasl_read_frame(HgSlice bytes, HgSaslFrame *out)
{
    if (bytes.size == 0)
        return HG_WIRE_SHORT;
    guint8 status = bytes.data[0];
    if (status < HG_SASL_START || status > HG_SASL_COMPLETE)
        return HG_WIRE_BAD;
    const guint8 *length = bytes.data + STATUS_SIZE;
    if (!hg_layout_length_fits(length, bytes.size - STATUS_SIZE, HG_SASL_MAX_PAYLOAD))
        return HG_WIRE_BAD;
    if (bytes.size < HG_SASL_HEAD_SIZE)
        return HG_WIRE_SHORT;
    guint32 size = hg_layout_get_u32(length);
    if (bytes.size - HG_SASL_HEAD_SIZE < size)
        return HG_WIRE_SHORT;
    *out = (HgSaslFrame){.status = status,
                         .payload = hg_slice(bytes.data + HG_SASL_HEAD_SIZE, size),
                         .size = HG_SASL_HEAD_SIZE + size};
    return HG_WIRE_OK;
}

/* Appends to a buffer in which there is room. */
static void put(HgBuffer *out, HgSlice bytes)
{
    if (bytes.size > 0)
        memcpy(hg_buffer_tail(out), bytes.data, bytes.size);
    hg_buffer_commit(out, bytes.size);
}

static void put_head(HgBuffer *out, HgSaslStatus status, gsize size)
{
    guint8 head[HG_SASL_HEAD_SIZE] = {(guint8)status};
    hg_frame_write_size(head + STATUS_SIZE, (guint32)size);
    put(out, hg_slice(head, sizeof head));
}

/* Makes room for `size` bytes; the only caps are the caller's budget and what a length can say. */
static gboolean make_room(HgBuffer *out, gsize size)
{
    return size <= G_MAXINT32 && hg_buffer_reserve(out, size, hg_buffer_size(out) + size);
}

gboolean hg_sasl_write_frame(HgBuffer *out, HgSaslStatus status, HgSlice payload)
{
    if (!make_room(out, HG_SASL_HEAD_SIZE + payload.size))
        return FALSE;
    put_head(out, status, payload.size);
    put(out, payload);
    return TRUE;
}

/* Cuts the bytes up to the next NUL off the front of *rest; FALSE when there is no NUL. */
static gboolean cut(HgSlice *rest, HgSlice *out)
{
    const guint8 *nul = rest->size > 0 ? memchr(rest->data, 0, rest->size) : NULL;
    if (nul == NULL)
        return FALSE;
    *out = hg_slice(rest->data, (gsize)(nul - rest->data));
    *rest = hg_slice(nul + 1, rest->size - out->size - 1);
    return TRUE;
}

/* TRUE when a valid UTF-8 text has a character that would break a line or a terminal. */
static gboolean has_control(HgSlice text)
{
    const char *end = (const char *)text.data + text.size;
    for (const char *at = (const char *)text.data; at < end; at = g_utf8_next_char(at)) {
        switch (g_unichar_type(g_utf8_get_char(at))) {
        case G_UNICODE_CONTROL:
        case G_UNICODE_LINE_SEPARATOR:
        case G_UNICODE_PARAGRAPH_SEPARATOR:
            return TRUE;
        default:
            break;
        }
    }
    return FALSE;
}

/* NULL when the name is one that may log in. */
static const char *check_name(HgSlice name)
{
    if (name.size == 0)
        return "Error validating the login: the user name is empty";
    if (name.size > HG_SASL_MAX_NAME)
        return "Error validating the login: the user name is longer than 256 bytes";
    if (!g_utf8_validate((const char *)name.data, (gssize)name.size, NULL))
        return "Error validating the login: the user name isn't valid UTF-8";
    if (has_control(name))
        return "Error validating the login: the user name has a control character";
    return NULL;
}

const char *hg_sasl_read_plain(HgSlice payload, HgSaslPlain *out)
{
    HgSaslPlain plain = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    if (payload.size == 0)
        return "Error validating the login: the client sent no user name and password";
    plain.password = payload;
    if (!cut(&plain.password, &plain.authzid) || !cut(&plain.password, &plain.authcid))
        return "Error validating the login: a PLAIN response is an optional name to act as, a user "
               "name and a password with a NUL byte between them";
    const char *wrong = check_name(plain.authcid);
    if (wrong != NULL)
        return wrong;
    if (plain.authzid.size > 0 && !hg_slice_equal(plain.authzid, plain.authcid))
        return "Error validating the login: a user can't act as another one here; leave the "
               "authorization id empty";
    if (plain.password.size == 0)
        return "Error validating the login: the password is empty";
    if (memchr(plain.password.data, 0, plain.password.size) != NULL)
        return "Error validating the login: the password has a NUL byte";
    *out = plain;
    return NULL;
}

gboolean hg_sasl_write_plain_login(HgBuffer *out, const char *name, const char *password)
{
    static const char mechanism[] = "PLAIN";
    gsize name_size = strlen(name);
    gsize password_size = strlen(password);
    gsize size = 1 + name_size + 1 + password_size;
    if (!make_room(out, 2 * HG_SASL_HEAD_SIZE + strlen(mechanism) + size))
        return FALSE;
    put_head(out, HG_SASL_START, strlen(mechanism));
    put(out, hg_slice_from_string(mechanism));
    put_head(out, HG_SASL_COMPLETE, size);
    put(out, hg_slice("", 1)); /* no authzid */
    put(out, hg_slice(name, name_size + 1));
    put(out, hg_slice(password, password_size));
    return TRUE;
}

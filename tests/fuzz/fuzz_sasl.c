/* Fuzz target: SASL negotiation as a server reads it, PLAIN responses, and what hivegate writes.
 *
 * Input: bytes from a client. They are read as frames, one behind the other; each payload, and the
 * whole input, is also read as a PLAIN response. */
#include "fuzz.h"
#include "wire/sasl.h"

/* A sound response, written again, reads the same. */
static void check_written_login(const HgSaslPlain *plain)
{
    g_autofree char *name = g_strndup((const char *)plain->authcid.data, plain->authcid.size);
    g_autofree char *password = g_malloc0(plain->password.size + 1);
    memcpy(password, plain->password.data, plain->password.size);
    HgBuffer buffer;
    hg_buffer_init(&buffer, NULL);
    FUZZ_CHECK(hg_sasl_write_plain_login(&buffer, name, password));
    HgSlice bytes = hg_slice(hg_buffer_data(&buffer), hg_buffer_size(&buffer));
    HgSaslFrame frame;
    FUZZ_CHECK(hg_sasl_read_frame(bytes, &frame) == HG_WIRE_OK);
    FUZZ_CHECK(frame.status == HG_SASL_START && hg_slice_equal_string(frame.payload, "PLAIN"));
    bytes = hg_slice(bytes.data + frame.size, bytes.size - frame.size);
    HgSaslPlain again;
    if (hg_sasl_read_frame(bytes, &frame) == HG_WIRE_OK) {
        FUZZ_CHECK(frame.status == HG_SASL_COMPLETE && frame.size == bytes.size);
        FUZZ_CHECK(hg_sasl_read_plain(frame.payload, &again) == NULL);
        FUZZ_CHECK(again.authzid.size == 0 && hg_slice_equal(again.authcid, plain->authcid));
        FUZZ_CHECK(hg_slice_equal(again.password, plain->password));
    } else {
        FUZZ_CHECK(bytes.size > HG_SASL_HEAD_SIZE + HG_SASL_MAX_PAYLOAD);
    }
    hg_buffer_clear(&buffer);
}

/* The rules once more, in the order of the bytes. */
static void check_plain(HgSlice payload)
{
    HgSlice copy = fuzz_copy(payload);
    HgSaslPlain plain;
    const char *wrong = hg_sasl_read_plain(copy, &plain);
    guint nuls = 0;
    for (gsize i = 0; i < payload.size; i++)
        nuls += payload.data[i] == 0;
    if (wrong != NULL) {
        FUZZ_CHECK(g_str_has_prefix(wrong, "Error validating the login"));
    } else {
        FUZZ_CHECK(nuls == 2);
        FUZZ_CHECK(plain.authzid.size + plain.authcid.size + plain.password.size + 2 ==
                   payload.size);
        FUZZ_CHECK(plain.authzid.size == 0 || hg_slice_equal(plain.authzid, plain.authcid));
        FUZZ_CHECK(plain.authcid.size > 0 && plain.authcid.size <= HG_SASL_MAX_NAME);
        FUZZ_CHECK(plain.password.size > 0);
        for (gsize i = 0; i < plain.authcid.size; i++)
            FUZZ_CHECK(plain.authcid.data[i] >= ' ' && plain.authcid.data[i] != 0x7f);
        FUZZ_CHECK(
            g_utf8_validate((const char *)plain.authcid.data, (gssize)plain.authcid.size, NULL));
        check_written_login(&plain);
    }
    fuzz_free(copy);
}

/* What is cut is SHORT or BAD, and BAD stays BAD; a frame is written as it was read. */
static void check_frame(HgSlice bytes, const HgSaslFrame *frame)
{
    for (gsize cut = 0; cut < MIN(frame->size, HG_SASL_HEAD_SIZE + 1); cut++) {
        HgSaslFrame ignored;
        FUZZ_CHECK(hg_sasl_read_frame(hg_slice(bytes.data, cut), &ignored) == HG_WIRE_SHORT);
    }
    HgBuffer buffer;
    hg_buffer_init(&buffer, NULL);
    FUZZ_CHECK(hg_sasl_write_frame(&buffer, (HgSaslStatus)frame->status, frame->payload));
    HgSlice written = hg_slice(hg_buffer_data(&buffer), hg_buffer_size(&buffer));
    FUZZ_CHECK(hg_slice_equal(written, hg_slice(bytes.data, frame->size)));
    hg_buffer_clear(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice copy = fuzz_copy(hg_slice(data, size));
    HgSlice rest = copy;
    check_plain(rest);
    HgSaslFrame frame;
    HgWireStatus status;
    while ((status = hg_sasl_read_frame(rest, &frame)) == HG_WIRE_OK) {
        FUZZ_CHECK(frame.size == HG_SASL_HEAD_SIZE + frame.payload.size);
        FUZZ_CHECK(frame.status >= HG_SASL_START && frame.status <= HG_SASL_COMPLETE);
        check_frame(rest, &frame);
        check_plain(frame.payload);
        fuzz_take(&rest, frame.size);
    }
    if (status == HG_WIRE_SHORT)
        FUZZ_CHECK(rest.size < HG_SASL_HEAD_SIZE + HG_SASL_MAX_PAYLOAD);
    fuzz_free(copy);
    return 0;
}

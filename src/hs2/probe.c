/* Calls of a probe: see probe.h. Field numbers are those of thrift/TCLIService.thrift. */
#include "hs2/probe.h"

#include "hs2/method.h"
#include "hs2/writer.h"

#define PROTOCOL  9  /* HIVE_CLI_SERVICE_PROTOCOL_V10 */
#define DBMS_NAME 17 /* TGetInfoType.CLI_DBMS_NAME */

static HgWriter start(HgBuffer *out, HgMethodId method, gint32 seqid)
{
    HgWriter writer = hg_writer(out);
    hg_writer_head(&writer, HG_MESSAGE_CALL, hg_slice_from_string(hg_method_get(method)->name),
                   seqid);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 1); /* req */
    return writer;
}

static gboolean finish(HgWriter *writer)
{
    hg_writer_stop(writer); /* the request struct */
    hg_writer_stop(writer); /* the arguments */
    return hg_writer_finish(writer);
}

gboolean hg_probe_open_session(HgBuffer *out, gint32 seqid, const char *user)
{
    HgWriter writer = start(out, HG_METHOD_OPEN_SESSION, seqid);
    hg_writer_field_i32(&writer, 1, PROTOCOL);
    hg_writer_field_string(&writer, 2, hg_slice_from_string(user));
    return finish(&writer);
}

gboolean hg_probe_get_info(HgBuffer *out, gint32 seqid, const HgHandle *session)
{
    HgWriter writer = start(out, HG_METHOD_GET_INFO, seqid);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 1); /* sessionHandle */
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 1); /* sessionId */
    hg_writer_field_string(&writer, 1, hg_slice(session->guid, HG_HANDLE_HALF));
    hg_writer_field_string(&writer, 2, hg_slice(session->secret, HG_HANDLE_HALF));
    hg_writer_stop(&writer);
    hg_writer_stop(&writer);
    hg_writer_field_i32(&writer, 2, DBMS_NAME);
    return finish(&writer);
}

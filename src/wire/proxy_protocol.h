/* The PROXY protocol, versions 1 and 2: the header in which a balancer says whose connection it
 * passes on, in front of everything else.
 *
 * Source of all facts: HAProxy's doc/proxy-protocol.txt (2020/03/05). Whoever may send the header
 * can name any address, so only configuration says from whom it is read; a receiver must never
 * guess. Pure functions over slices; any thread. */
#pragma once

#include "base/peer_address.h"
#include "wire/thrift.h"

#define HG_PROXY_LINE_MAX   107   /* bytes of a version 1 header with its CRLF (2.1) */
#define HG_PROXY_HEADER_MAX 16384 /* of a version 2 header; a client certificate may be in it */

typedef struct {
    gsize size;            /* bytes of the header: what follows is the client's own */
    gboolean names_client; /* `client` is set; else the connection is the balancer's own (LOCAL, as
                              its health checks), or it doesn't know (UNKNOWN, UNSPEC) */
    HgPeerAddress client;
} HgProxyHeader;

/* Reads one header of either version. SHORT while it isn't there in full: all `bytes` belong to it
 * then, so that they may be taken off the connection before the rest comes. BAD at the first byte
 * by which it is of neither version, or too long, or when it is there and isn't sound; *why gets a
 * static text. *out is untouched on another status than OK.
 *
 * Version 1 must be exactly as the specification has it; of UNKNOWN everything up to the CRLF is
 * passed over. Of version 2, LOCAL is passed over whole, as the specification demands; with PROXY
 * the command, family, lengths and the TLVs' lengths must be sound, a CRC32c must be right, and all
 * other TLVs are passed over. A datagram's addresses are not those of a client here. */
HgWireStatus hg_proxy_header_read(HgSlice bytes, HgProxyHeader *out,
                                  const char **why) G_GNUC_WARN_UNUSED_RESULT;

/* The CRC32c of bytes (RFC 4960, Appendix B), going on from that of those in front of them; 0 for
 * none. */
guint32 hg_crc32c(guint32 crc, HgSlice bytes);

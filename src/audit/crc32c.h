/* CRC32C, the checksum of records and segment headers (RFC 3720, appendix B.4). Pure; any thread.
 */
#pragma once

#include "base/slice.h"

/* The checksum of the bytes. */
guint32 hg_audit_crc32c(HgSlice bytes);

/* The same without the processor's instruction: for machines without it, and for tests. */
guint32 hg_audit_crc32c_portable(HgSlice bytes);

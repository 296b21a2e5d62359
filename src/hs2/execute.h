/* The ExecuteStatement that goes to the backend when hivegate has changed it. Pure; any thread. */
#pragma once

#include "base/buffer.h"
#include "hs2/request.h"

/* What becomes of the request. */
typedef struct {
    HgSlice statement; /* its new text; data NULL: as it came */
    gboolean strip; /* without the settings that it carries (confOverlay), and without fields that
                       Hive's service doesn't have: a server could take them for more text */
    gboolean wait;  /* answered when it has run, even if the client wouldn't wait */
} HgExecuteEdit;

/* Appends the edited message, with the head that it has. `request` must be an OK ExecuteStatement
 * over `message`, and not incomplete. FALSE, and `out` as before, when the buffer can't grow. */
gboolean hg_execute_rewrite(const HgRequest *request, const guint8 *message,
                            const HgExecuteEdit *edit, HgBuffer *out) G_GNUC_WARN_UNUSED_RESULT;

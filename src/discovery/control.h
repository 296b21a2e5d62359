/* A control thread: where a source of discovery or an announcement does its work, may block, and is
 * stopped at once.
 *
 * Everything that it waits for is a descriptor in a poll beside the control's own, which becomes
 * readable when somebody wakes it. Its standing says whether what it keeps is up to date. */
#pragma once

#include <glib.h>

typedef struct HgControl HgControl;

typedef enum {
    HG_STANDING_STARTING, /* nothing was heard yet, nor did anything fail */
    HG_STANDING_FRESH,    /* what is known is up to date */
    HG_STANDING_STALE, /* it may be out of date: the other side is away, or what it says is wrong */
} HgStandingKind;

/* What a control says of itself. */
typedef struct {
    HgStandingKind kind;
    gint64 since_us; /* of the monotonic clock: when it became so */
    char *problem;   /* why it is stale; of a fresh one, what was left out; NULL: nothing */
} HgStanding;

/* Frees the text of a standing. */
void hg_standing_clear(HgStanding *standing);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgStanding, hg_standing_clear)

/* The work: runs on the thread and returns soon after hg_control_is_stopping() holds. */
typedef void (*HgControlRun)(HgControl *control, void *data);

/* Told on the control's thread after each change of the standing; it may not stop the control. */
typedef void (*HgControlTold)(void *data, const HgStanding *standing);

/* A control whose thread doesn't run yet. FALSE with HG_ERROR_IO when the kernel refuses. */
gboolean hg_control_new(HgControl **out, GError **error);

/* Frees a control that was stopped or never started. NULL does nothing. */
void hg_control_free(HgControl *control);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgControl, hg_control_free)

/* Starts the thread. `told` may be NULL; both get `data`. Once only. */
gboolean hg_control_start(HgControl *control, HgControlRun run, HgControlTold told, void *data,
                          GError **error);

/* Makes run() return, and waits for that. Fine when it never started. Any thread but its own. */
void hg_control_stop(HgControl *control);

/* TRUE once it shall stop. Any thread. */
gboolean hg_control_is_stopping(HgControl *control);

/* Makes hg_control_fd() readable. Any thread. */
void hg_control_wake(HgControl *control);

/* The descriptor to poll for reading. The control's thread. */
int hg_control_fd(const HgControl *control);

/* Takes the wake-ups that came; while stopping, the descriptor stays readable. The control's
 * thread. */
void hg_control_drain(HgControl *control);

/* Waits `ms`, or less when it is woken. FALSE once it shall stop. The control's thread. */
gboolean hg_control_pause(HgControl *control, gint64 ms);

/* Says that all is up to date; `remark` (or NULL) is what was left out. The control's thread. */
void hg_control_set_fresh(HgControl *control, const char *remark);

/* Says that it isn't, and why; stale since the first of several such calls. The control's thread.
 */
void hg_control_set_stale(HgControl *control, const char *problem);

/* A copy of the standing; clear it with hg_standing_clear(). Any thread. */
void hg_control_standing(HgControl *control, HgStanding *out);

/* The commands that see into and steer a running hivegate, by its admin server. */
#pragma once

#include "ctl/command.h"

HgCtlResult hg_ctl_sessions(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_operations(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_endpoints(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_pools(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_users(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_limits(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_config(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_kill_session(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_kill_operation(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_kill_user(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_drain(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_undrain(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_pause(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_resume(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_reload(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_unlock(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_ctl_top(const HgCtlStreams *streams, char ***argv, GError **error);

/* From what a directory answered to what it means for a login. Pure; any thread. */
#pragma once

#include "auth/ldap_entry.h"
#include "auth/method.h"

/* Sets the login's verdict and reasons; texts that it had are replaced. `why` is the operator's,
 * `say` the client's, NULL for nothing beyond the verdict itself. */
void hg_ldap_decide(HgLogin *login, HgVerdict verdict, const char *say, const char *why, ...)
    G_GNUC_PRINTF(4, 5);

/* What the reply to a bind as `who` means: ACCEPTED (without a principal), NOT_MINE when there is
 * no such entry, DENIED, UNAVAILABLE. Locked and expired accounts are told apart by the password
 * policy control, by Active Directory's "data" codes and by 389ds's texts. */
void hg_ldap_judge_bind(const HgLdapReply *reply, const char *who, HgLogin *login);

/* Sets UNAVAILABLE for a search that didn't succeed; `what` says what was searched for. */
void hg_ldap_judge_search(const HgLdapReply *reply, const char *what, HgLogin *login);

/* How rows of options are written down: for options.c and the files beside it that hold the rows of
 * one section. */
#pragma once

#include "app/options.h"

#define SECONDS(n) ((gint64)(n)*1000)
#define MINUTES(n) (SECONDS(n) * 60)
#define HOURS(n)   (MINUTES(n) * 60)
#define KIB(n)     ((gint64)(n)*1024)
#define MIB(n)     (KIB(n) * 1024)
#define GIB(n)     (MIB(n) * 1024)

/* The offset of a member, and an error of the compiler when the member isn't of the type that the
 * kind of row is read into. */
#define OFFSET(type, member, member_type)                                                          \
    (offsetof(type, member) +                                                                      \
     0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((type *)0)->member), member_type)    \
                         ? 1                                                                       \
                         : -1]))
#define COUNT(type, member)    .kind = HG_OPTION_COUNT, .offset = OFFSET(type, member, guint)
#define SWITCH(type, member)   .kind = HG_OPTION_SWITCH, .offset = OFFSET(type, member, gboolean)
#define MODE(type, member)     .kind = HG_OPTION_MODE, .offset = OFFSET(type, member, guint)
#define SIZE(type, member)     .kind = HG_OPTION_SIZE, .offset = OFFSET(type, member, gint64)
#define DURATION(type, member) .kind = HG_OPTION_DURATION, .offset = OFFSET(type, member, gint64)
#define ADDRESS(type, member)  .kind = HG_OPTION_ADDRESS, .offset = OFFSET(type, member, HgAddress)
#define STRING(type, member, string_kind)                                                          \
    .kind = string_kind, .offset = OFFSET(type, member, const char *)
#define CHOICE(type, member, enum_type, words)                                                     \
    .kind = HG_OPTION_CHOICE, .offset = OFFSET(type, member, enum_type), .choices = words
#define SECTION(type, member, described)                                                           \
    .kind = HG_OPTION_SECTION, .offset = offsetof(type, member), .section = &described
#define SECTION_ELSEWHERE(type, member, function)                                                  \
    .kind = HG_OPTION_SECTION, .offset = offsetof(type, member), .elsewhere = function
#define LIST(type, member, list_kind)                                                              \
    .kind = list_kind, .offset = offsetof(type, member),                                           \
    .count_offset = OFFSET(type, n_##member, guint)
#define DESCRIBE(type, described)                                                                  \
    {                                                                                              \
        .rows = described, .count = G_N_ELEMENTS(described), .size = sizeof(type)                  \
    }

/* `authentication`, read into a HgAuthenticationConfig. Static. */
const HgSection *hg_option_authentication_section(void);

/* `admin`, read into a HgAdminConfig. Static. */
const HgSection *hg_option_admin_section(void);

/* `audit`, read into a HgAuditConfig. Static. */
const HgSection *hg_option_audit_section(void);

/* `policies`, read into a HgPoliciesConfig. Static. */
const HgSection *hg_option_policies_section(void);

/* `tracing`, read into a HgTracingConfig. Static. */
const HgSection *hg_option_tracing_section(void);

/* `authentication: ldap`, read into a HgLdapConfig. Static. */
const HgSection *hg_option_ldap_section(void);

/* Of a pool: `dns`, `kubernetes`, `zookeeper`, `balancing` and `health`; then `routing` and
 * `announcement`. Read into the structs of app/config_pools.h. Static. */
const HgSection *hg_option_pool_dns_section(void);
const HgSection *hg_option_pool_kubernetes_section(void);
const HgSection *hg_option_pool_zookeeper_section(void);
const HgSection *hg_option_pool_balancing_section(void);
const HgSection *hg_option_pool_health_section(void);
const HgSection *hg_option_routing_section(void);
const HgSection *hg_option_announcement_section(void);

/* `authentication: jwt`, `introspection` and `tokeninfo`, read into HgJwtMethodConfig,
 * HgIntrospectionConfig and HgTokeninfoConfig. Static. */
const HgSection *hg_option_jwt_section(void);
const HgSection *hg_option_introspection_section(void);
const HgSection *hg_option_tokeninfo_section(void);

/* The tables and policies that the tests of the policy layer work with. */
#pragma once

#include "policy/decide.h"

/* hr.emp(id, name, ssn, salary, dept), hr.orders(id, region, amount, note), hr.map(region, usr),
 * hr.info(id, card struct<no, holder struct<name, mail>>, list), hr.v, a view, and pub.t(id, x). */
HgSchemas *world_schemas(void);

/* A policy of that name on tables (with commas between); NULL for none. */
HgPolicy *world_policy(const char *name, const char *tables);

/* Its row filter; reads may be NULL. */
void world_filter(HgPolicy *policy, const char *text, const char *reads);

/* One more mask: a named one, or SQL. */
void world_mask(HgPolicy *policy, const char *column, const char *mask);

/* Only this user is meant. */
void world_user(HgPolicy *policy, const char *user);

/* What becomes of a statement, in database hr with the nonce 7: its text, or "refused: " and the
 * reason without its place. To be freed. */
char *world_decide(const HgPolicySet *set, const HgSchemas *schemas, const char *user,
                   const char *sql);

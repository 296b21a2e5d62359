/* The suites of the auth layer, one per module; main.c runs them all. */
#pragma once

#include <check.h>

Suite *name_suite(void);
Suite *principal_suite(void);
Suite *password_suite(void);
Suite *users_suite(void);
Suite *login_cache_suite(void);
Suite *authenticator_suite(void);
Suite *certificate_suite(void);
Suite *cookie_suite(void);
Suite *throttle_suite(void);
Suite *impersonation_suite(void);
Suite *ldap_text_suite(void);
Suite *ldap_filter_suite(void);
Suite *ldap_verdict_suite(void);
Suite *ldap_rules_suite(void);
Suite *base64url_suite(void);
Suite *json_suite(void);
Suite *jwks_suite(void);
Suite *jwt_suite(void);
Suite *claims_suite(void);
Suite *jwt_method_suite(void);

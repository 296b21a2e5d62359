/* Runs the unit tests of the auth layer. CK_FORK=no runs them in this process, for a debugger. */
#include "suites.h"

int main(void)
{
    SRunner *runner = srunner_create(name_suite());
    srunner_add_suite(runner, principal_suite());
    srunner_add_suite(runner, password_suite());
    srunner_add_suite(runner, users_suite());
    srunner_add_suite(runner, login_cache_suite());
    srunner_add_suite(runner, authenticator_suite());
    srunner_add_suite(runner, certificate_suite());
    srunner_add_suite(runner, cookie_suite());
    srunner_add_suite(runner, throttle_suite());
    srunner_add_suite(runner, impersonation_suite());
    srunner_add_suite(runner, ldap_text_suite());
    srunner_add_suite(runner, ldap_filter_suite());
    srunner_add_suite(runner, ldap_verdict_suite());
    srunner_add_suite(runner, ldap_rules_suite());
    srunner_add_suite(runner, base64url_suite());
    srunner_add_suite(runner, json_suite());
    srunner_add_suite(runner, jwks_suite());
    srunner_add_suite(runner, jwt_suite());
    srunner_add_suite(runner, claims_suite());
    srunner_add_suite(runner, jwt_method_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

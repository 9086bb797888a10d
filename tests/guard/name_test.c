/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "guard/sins.h"

/* Only the look-up matters here, not its result. All of it is in local files. */

static const struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f};
static char text[4096];

static void get_addresses(const char *host, int flags)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_flags = flags};
    struct addrinfo *found = NULL;

    if (getaddrinfo(host, NULL, &hints, &found) == 0)
        freeaddrinfo(found);
}

static void resolves(void)
{
    get_addresses("localhost", 0);
}

static void reads_figures(void)
{
    struct addrinfo *found = NULL;

    get_addresses("127.0.0.1", AI_NUMERICHOST);
    if (getaddrinfo(NULL, "80", NULL, &found) == 0)
        freeaddrinfo(found);
}

static void names_address(void)
{
    (void)getnameinfo((const struct sockaddr *)&loopback, sizeof loopback, text, sizeof text, NULL, 0, 0);
}

static void writes_figures(void)
{
    (void)getnameinfo((const struct sockaddr *)&loopback, sizeof loopback, text, sizeof text, NULL, 0,
                      NI_NUMERICHOST);
}

static void resolves_the_old_way(void)
{
    (void)gethostbyname("localhost");
}

static void resolves_the_old_way2(void)
{
    (void)gethostbyname2("localhost", AF_INET);
}

static void names_address_the_old_way(void)
{
    (void)gethostbyaddr(&loopback.sin_addr, sizeof loopback.sin_addr, AF_INET);
}

static struct hostent host, *host_found;
static int host_err;

static void resolves_the_old_way_r(void)
{
    (void)gethostbyname_r("localhost", &host, text, sizeof text, &host_found, &host_err);
}

static void resolves_the_old_way2_r(void)
{
    (void)gethostbyname2_r("localhost", AF_INET, &host, text, sizeof text, &host_found, &host_err);
}

static void names_address_the_old_way_r(void)
{
    (void)gethostbyaddr_r(&loopback.sin_addr, sizeof loopback.sin_addr, AF_INET, &host, text, sizeof text,
                          &host_found, &host_err);
}

static void waits_for_lookups(void)
{
    const struct gaicb *const none[1] = {NULL};

    (void)gai_suspend(none, 1, NULL);
}

static struct passwd user, *user_found;
static struct group group, *group_found;

static void finds_user(void)
{
    (void)getpwnam("root");
}

static void finds_user_r(void)
{
    (void)getpwnam_r("root", &user, text, sizeof text, &user_found);
}

static void finds_user_id(void)
{
    (void)getpwuid(0);
}

static void finds_user_id_r(void)
{
    (void)getpwuid_r(0, &user, text, sizeof text, &user_found);
}

static void finds_group(void)
{
    (void)getgrnam("root");
}

static void finds_group_r(void)
{
    (void)getgrnam_r("root", &group, text, sizeof text, &group_found);
}

static void finds_group_id(void)
{
    (void)getgrgid(0);
}

static void finds_group_id_r(void)
{
    (void)getgrgid_r(0, &group, text, sizeof text, &group_found);
}

static void finds_groups(void)
{
    gid_t groups[64];
    int n = 64;

    (void)getgrouplist("nobody", 0, groups, &n);
}

static void sets_groups(void)
{
    (void)initgroups("no-such-user", getgid()); /* may fail, for want of privileges */
}

static void looking_up_names_is_caught(void **state)
{
    static const struct sin sins[] = {
        {"getaddrinfo", "weir_connect()", resolves, reads_figures},
        {"getnameinfo", "weir_offload", names_address, writes_figures},
        {"gethostbyname", "weir_connect()", resolves_the_old_way, NULL},
        {"gethostbyname2", "weir_connect()", resolves_the_old_way2, NULL},
        {"gethostbyaddr", "weir_offload", names_address_the_old_way, NULL},
        {"gethostbyname_r", "weir_connect()", resolves_the_old_way_r, NULL},
        {"gethostbyname2_r", "weir_connect()", resolves_the_old_way2_r, NULL},
        {"gethostbyaddr_r", "weir_offload", names_address_the_old_way_r, NULL},
        {"gai_suspend", "weir_connect()", waits_for_lookups, NULL},
        {"getpwnam", "weir_offload", finds_user, NULL},
        {"getpwnam_r", "weir_offload", finds_user_r, NULL},
        {"getpwuid", "weir_offload", finds_user_id, NULL},
        {"getpwuid_r", "weir_offload", finds_user_id_r, NULL},
        {"getgrnam", "weir_offload", finds_group, NULL},
        {"getgrnam_r", "weir_offload", finds_group_r, NULL},
        {"getgrgid", "weir_offload", finds_group_id, NULL},
        {"getgrgid_r", "weir_offload", finds_group_id_r, NULL},
        {"getgrouplist", "weir_offload", finds_groups, NULL},
        {"initgroups", "weir_offload", sets_groups, NULL},
    };

    (void)state;

    need_guard();
    check_sins(sins, sizeof sins / sizeof sins[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looking_up_names_is_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

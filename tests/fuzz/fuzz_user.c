/* SPDX-License-Identifier: MIT */
/* Lines of passwd(5) and group(5): on success everything is there and within its limits. */
#include "fuzz.h"
#include "run/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct eco_user user;
    char *text = fuzz_copy(data, size);
    gid_t gid = 12345;

    memset(&user, 0x5a, sizeof user);
    if (eco_user_parse_passwd(text, &user) == 0) {
        require(user.name[0] != '\0' && strlen(user.name) < ECO_USER_TEXT_MAX && !strpbrk(user.name, ":\n"));
        require(strlen(user.home) < ECO_USER_TEXT_MAX && strlen(user.shell) < ECO_USER_TEXT_MAX);
        require(user.uid != (uid_t)-1 && user.gid != (gid_t)-1);
        require(user.group_count == 1 && user.groups[0] == user.gid);
    } else {
        require((unsigned char)user.name[0] == 0x5a && user.group_count != 1);
    }
    int r = eco_user_parse_group(text, "alice", &gid);
    require(r == -EINVAL ? gid == 12345 : (r == 0 || r == 1));
    require(r != 1 || strstr(text, "alice"));
    free(text);
    return 0;
}

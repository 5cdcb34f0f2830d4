/* SPDX-License-Identifier: MIT */
#include "priv/caps.h"
#include "priv/guard.h"
#include "priv/request.h"
#include "priv/serve.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void send_answer(const struct eco_priv_attached *answer, const int *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * ECO_PRIV_FDS_MAX)];
    } control = {0};
    struct eco_priv_attached copy = *answer;
    struct iovec part = {.iov_base = &copy, .iov_len = sizeof copy};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *rights = &control.align;
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(rights), fds, sizeof(int) * count);
    }
    (void)sendmsg(STDIN_FILENO, &header, MSG_NOSIGNAL);
}

static int load(struct eco_serve *self, const struct eco_priv_accounting *question, struct eco_bpf_fds *ret,
                struct eco_why *why)
{
    static int32_t siblings[ECO_PRIV_CPUS_MAX];
    struct eco_bpf_request request;
    int r = eco_priv_make_request(question, (uint32_t)getuid(), siblings, &request, why);
    if (r < 0)
        return r;
    uint64_t needed = ECO_CAP(CAP_BPF) | ECO_CAP(CAP_PERFMON);
    if ((self->permitted & needed) != needed) {
        eco_why_set(why, "ecocode-priv lacks CAP_BPF or CAP_PERFMON: they are not in its file, or this "
                         "session (no_new_privs, a container) keeps them away");
        eco_why_fix(why, "sudo ecocode doctor --fix");
        return -EPERM;
    }
    (void)eco_caps_raise(needed);
    r = eco_bpf_load(&request, ret, why);
    (void)eco_caps_raise(0);
    return r;
}

void eco_serve_accounting(struct eco_serve *self, const struct eco_priv_accounting *question)
{
    struct eco_priv_attached answer = {.head = question->head};
    struct eco_bpf_fds fds = ECO_BPF_FDS_NONE;
    struct eco_why why = {0};
    int present[ECO_BPF_FD_COUNT];
    size_t count = 0;
    answer.error = load(self, question, &fds, &why);
    if (eco_caps_keep(0) != 0)
        return;
    eco_guard_end();
    if (answer.error < 0 && !*why.text)
        eco_why_set(&why, "the kernel's accounting cannot be had: %s", strerror(-answer.error));
    memcpy(answer.text, why.text, sizeof answer.text);
    memcpy(answer.fix, why.fix, sizeof answer.fix);
    for (size_t i = 0; answer.error >= 0 && i < ECO_BPF_FD_COUNT; i++) {
        if (fds.fd[i] < 0)
            continue;
        present[count++] = fds.fd[i];
        answer.present |= 1ull << i;
    }
    answer.fd_count = (uint32_t)count;
    send_answer(&answer, present, count);
}

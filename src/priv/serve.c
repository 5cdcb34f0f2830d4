/* SPDX-License-Identifier: MIT */
#include "priv/serve.h"

#include "priv/request.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As much of an answer as any caller, of whatever version, understands. */
static void refuse(int error)
{
    struct eco_priv_attached answer = {
        .head = {.magic = ECO_PRIV_MAGIC, .version = ECO_PRIV_VERSION, .kind = ECO_PRIV_ACCOUNTING},
        .error = error};
    struct eco_why why = {0};
    eco_why_set(&why, error == -EPROTONOSUPPORT
                          ? "ecocode and ecocode-priv are of different versions"
                          : "ecocode-priv was asked something that it does not understand");
    eco_why_fix(&why, "sudo ecocode doctor --fix");
    memcpy(answer.text, why.text, sizeof answer.text);
    memcpy(answer.fix, why.fix, sizeof answer.fix);
    (void)send(STDIN_FILENO, &answer, sizeof answer, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The size as it was sent, also when it does not fit; 0 = the caller has gone. Descriptors that come along
 * are dropped by the kernel, since there is no place for them. */
static ssize_t receive(void *bytes, size_t size)
{
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    ssize_t n;
    do {
        struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
        n = recvmsg(STDIN_FILENO, &header, MSG_TRUNC);
    } while (n < 0 && errno == EINTR);
    return n;
}

int eco_serve(struct eco_serve *self)
{
    static union eco_priv_question bytes, question;
    for (;;) {
        ssize_t n = receive(&bytes, sizeof bytes);
        if (n <= 0)
            return 0;
        int kind = eco_priv_check(&bytes, (size_t)n, &question);
        if (kind == ECO_PRIV_COUNTERS) {
            if (!eco_serve_counters(self, &question.counters))
                return 0;
        } else if (kind == ECO_PRIV_ACCOUNTING && !self->serves_counters) {
            eco_serve_accounting(self, &question.accounting);
            return 0;
        } else {
            refuse(kind < 0 ? kind : -EPROTO);
            return 1;
        }
    }
}

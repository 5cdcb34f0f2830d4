/* SPDX-License-Identifier: MIT */
#include "procs/selection.h"

#include <stddef.h>
#include <string.h>

static bool is_id(const char *text)
{
    return strlen(text) >= 12 && text[strspn(text, "0123456789abcdef-")] == '\0';
}

/* Ids and uids may be shortened, names may not. */
static bool is_or_begins(const char *whole, const char *word)
{
    if (whole == NULL)
        return false;
    return strcmp(whole, word) == 0 ||
           (is_id(whole) && *word != '\0' && strncmp(whole, word, strlen(word)) == 0);
}

bool eco_selection_is_container(const char *word, const struct eco_identity *identity)
{
    return is_or_begins(identity->container, word) || is_or_begins(identity->pod, word);
}

bool eco_selection_is_job(const char *word, const struct eco_identity *identity)
{
    const char *shown = eco_identity_job(identity);
    size_t n = strlen(word);

    if (shown == NULL)
        return false;
    return strcmp(shown, word) == 0 || strcmp(identity->slurm->id, word) == 0 ||
           (strncmp(shown, word, n) == 0 && shown[n] == '_');
}

bool eco_selection_is_unit(const char *word, const struct eco_identity *identity)
{
    size_t n = strlen(word);

    if (identity->unit != NULL && strcmp(identity->unit, word) == 0)
        return true;
    for (const char *at = identity->cgroup; at != NULL && *at == '/';) {
        const char *part = at + 1, *slash = strchr(part, '/');
        size_t length = slash != NULL ? (size_t)(slash - part) : strlen(part);
        if (length >= n && memcmp(part, word, n) == 0 &&
            (length == n ||
             (length == n + strlen(".service") && memcmp(part + n, ".service", length - n) == 0)))
            return true;
        at = slash;
    }
    return false;
}

typedef bool matcher(const char *word, const struct eco_identity *identity);

static bool is_any(const char *const *words, unsigned count, matcher *matches,
                   const struct eco_identity *identity)
{
    bool found = count == 0;

    for (unsigned i = 0; i < count && !found; i++)
        found = matches(words[i], identity);
    return found;
}

bool eco_selection_matches(const struct eco_selection *selection, const struct eco_identity *identity)
{
    bool is_user = selection->uid_count == 0;

    if (identity == NULL)
        return false;
    for (unsigned i = 0; i < selection->uid_count && !is_user; i++)
        is_user = selection->uids[i] == identity->uid;
    return is_user &&
           is_any(selection->containers, selection->container_count, eco_selection_is_container, identity) &&
           is_any(selection->jobs, selection->job_count, eco_selection_is_job, identity) &&
           is_any(selection->units, selection->unit_count, eco_selection_is_unit, identity);
}

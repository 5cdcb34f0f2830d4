/* SPDX-License-Identifier: MIT */
#include "cli/select.h"

#include "base/parse.h"
#include "base/text.h"
#include "model/grouping.h"
#include "platform/users.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EXAMPLES_MAX 4

_Static_assert(ECO_SELECTED_MAX >= ECO_TEXTS_MAX, "every option given has its place");

int eco_select(const struct eco_settings *settings, uint32_t *uids, struct eco_selection *ret,
               struct eco_why *why)
{
    *ret = (struct eco_selection){.containers = settings->containers.items,
                                  .container_count = settings->containers.count,
                                  .jobs = settings->jobs.items,
                                  .job_count = settings->jobs.count,
                                  .units = settings->units.items,
                                  .unit_count = settings->units.count,
                                  .uids = uids};
    for (unsigned i = 0; i < settings->users.count; i++) {
        const char *name = settings->users.items[i];
        uint64_t number = 0;
        if (eco_parse_u64(name, &number) == 0 && number < UINT32_MAX)
            uids[i] = (uint32_t)number;
        else if (eco_user_id(name, &uids[i]) < 0) {
            eco_why_set(
                why, "user '%.60s': not in this machine's list of users; a user's number is taken too", name);
            return -EINVAL;
        }
        ret->uid_count = i + 1;
    }
    return 0;
}

typedef bool matcher(const char *word, const struct eco_identity *identity);

struct search {
    const char *word;
    matcher *matches;
    enum eco_grouping kind;
    bool found;
    unsigned example_count;
    char examples[EXAMPLES_MAX][64];
};

/* One living identity: is it meant, and if not, what could have been meant instead? */
static void look_at(void *context, const struct eco_identity *identity)
{
    struct search *search = context;
    char space[ECO_GROUPING_TEXT_MAX], text[64];
    const char *label = eco_grouping_label(search->kind, identity, space);
    search->found = search->found || search->matches(search->word, identity);
    if (!label || search->example_count == EXAMPLES_MAX)
        return;
    (void)eco_text_clean(text, sizeof text, label, strlen(label), true);
    if (search->kind == ECO_GROUPING_CONTAINER && strlen(text) > 32)
        text[12] = '\0';
    for (unsigned i = 0; i < search->example_count; i++)
        if (strcmp(search->examples[i], text) == 0)
            return;
    (void)eco_text_copy(search->examples[search->example_count++], sizeof text, text);
}

static int check_word(struct eco_meter *meter, const char *word, matcher *matches, enum eco_grouping kind,
                      struct eco_why *why)
{
    struct search search = {.word = word, .matches = matches, .kind = kind};
    char examples[300] = "";
    eco_meter_each_identity(meter, look_at, &search);
    if (search.found)
        return 0;
    for (unsigned i = 0; i < search.example_count; i++) {
        size_t length = strlen(examples);
        (void)snprintf(examples + length, sizeof examples - length, "%s%s", i ? ", " : "",
                       search.examples[i]);
    }
    eco_why_set(why, "%s '%.80s': nothing runs in it here (%s%s); --wait waits for it",
                eco_grouping_name(kind), word, *examples ? "there are " : "there is none at all", examples);
    return -ENOENT;
}

int eco_select_check(struct eco_meter *meter, const struct eco_selection *selection, struct eco_why *why)
{
    int r = 0;
    for (unsigned i = 0; i < selection->container_count && r == 0; i++)
        r = check_word(meter, selection->containers[i], eco_selection_is_container, ECO_GROUPING_CONTAINER,
                       why);
    for (unsigned i = 0; i < selection->job_count && r == 0; i++)
        r = check_word(meter, selection->jobs[i], eco_selection_is_job, ECO_GROUPING_JOB, why);
    for (unsigned i = 0; i < selection->unit_count && r == 0; i++)
        r = check_word(meter, selection->units[i], eco_selection_is_unit, ECO_GROUPING_UNIT, why);
    return r;
}

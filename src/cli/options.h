/* SPDX-License-Identifier: MIT */
/*
 * The option engine. Options are tables; the parser, the configuration files, ECOCODE_NAME, help, man
 * pages and completions all come from them. A command lists the tables it takes (command.h).
 *
 * A value has a layer that says where it came from. A higher layer wins whatever the order in which
 * they are applied, so the command line can be read first (it may only ask for help) and files last.
 */
#pragma once

#include "base/why.h"
#include "cli/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECO_OPTIONS_MAX 64 /* of one command, all its tables together */

enum eco_option_kind {
    ECO_OPTION_NONE,
    ECO_OPTION_FLAG,     /* bool; "--name" or "--name=no" */
    ECO_OPTION_TEXT,     /* const char * */
    ECO_OPTION_CHOICE,   /* const char *, one of `choices` */
    ECO_OPTION_DURATION, /* uint64_t ns in [min, max] */
    ECO_OPTION_COUNT,    /* uint64_t in [min, max] */
    ECO_OPTION_LIST      /* struct eco_texts; may be repeated */
};

struct eco_option {
    const char *name; /* long name, also the configuration key; NULL ends a table */
    char letter;      /* short name, 0 = none */
    enum eco_option_kind kind;
    const char *value; /* what stands for the value in help: "FILE"; NULL for a flag */
    const char *help;  /* one sentence without full stop */
    const char *const *choices;
    uint64_t min, max;
    size_t offset;  /* of its field in struct eco_settings */
    bool only_here; /* command line only: no configuration key, no variable */
    bool is_file;   /* completion offers file names */
    int (*check)(const char *text, struct eco_why *why); /* may be NULL */
};

/* From weak to strong. */
enum eco_layer { ECO_LAYER_NONE, ECO_LAYER_SYSTEM, ECO_LAYER_USER, ECO_LAYER_ENVIRONMENT, ECO_LAYER_LINE };

struct eco_origin {
    enum eco_layer layer;
    unsigned line;    /* of a configuration file */
    const char *file; /* its path, borrowed */
    const char *text; /* the value as given, borrowed; of a list the last one */
};

/* The options of one call with what is known of them. */
struct eco_option_set {
    const struct eco_option *options[ECO_OPTIONS_MAX];
    struct eco_origin origins[ECO_OPTIONS_MAX];
    unsigned count;
    struct eco_settings *settings;
};

/** Flatten a NULL-ended list of tables. Options of the same name are taken once. */
void eco_option_set_init(struct eco_option_set *set, const struct eco_option *const *tables,
                         struct eco_settings *settings);

/** Index of the option of that name, or -1. */
int eco_option_find(const struct eco_option_set *set, const char *name, size_t length);

/**
 * Give option `index` a value. `text` NULL is a flag that merely stands there. The text is borrowed for
 * as long as the settings are used. A stronger layer that has spoken is not touched (the value is
 * checked all the same).
 *
 * @return 0, -EINVAL with a reason, -E2BIG for too many of a list
 */
int eco_option_assign(struct eco_option_set *set, unsigned index, const char *text,
                      const struct eco_origin *origin, struct eco_why *why) ECO_MUST_CHECK;

/**
 * Read options until the first word that is none, or behind "--".
 *
 * @param argv      NULL-ended, without program and command name
 * @param ret_used  how many words were options
 * @return 0 or -EINVAL with a reason
 */
int eco_options_parse(struct eco_option_set *set, char *const *argv, size_t *ret_used,
                      struct eco_why *why) ECO_MUST_CHECK;

/** The ECOCODE_... variables of `environment` that are options of the set. Others are ignored. */
int eco_options_environment(struct eco_option_set *set, char *const *environment,
                            struct eco_why *why) ECO_MUST_CHECK;

/** True when "ECOCODE_NAME=..." (or just the name) is the variable of `option`. */
bool eco_option_is_variable(const struct eco_option *option, const char *variable);
/** Name of its variable; ret holds at least 64 bytes. */
void eco_option_variable(const struct eco_option *option, char *ret, size_t size);
/** The present value as text for `config`; "" when there is none. */
void eco_option_format(const struct eco_option_set *set, unsigned index, char *ret, size_t size);

/** The most similar of the names if one is near enough to be meant, or NULL. */
const char *eco_nearest(const char *word, const char *const *names, size_t count);

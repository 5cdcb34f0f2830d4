/* SPDX-License-Identifier: MIT */
#include "course/budget.h"

#include "base/parse.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define NUMBER_MAX 40
#define J_PER_WH   3600.0
#define LIMIT_MAX  1e18

static const struct unit {
    const char *name; /* in full, case counts: mWh and MWh differ by nine orders */
    enum eco_budget_kind kind;
    double factor;
} units[] = {
    {"mJ", ECO_BUDGET_ENERGY, 1e-3},
    {"J", ECO_BUDGET_ENERGY, 1},
    {"kJ", ECO_BUDGET_ENERGY, 1e3},
    {"MJ", ECO_BUDGET_ENERGY, 1e6},
    {"GJ", ECO_BUDGET_ENERGY, 1e9},
    {"mWh", ECO_BUDGET_ENERGY, 1e-3 * J_PER_WH},
    {"Wh", ECO_BUDGET_ENERGY, J_PER_WH},
    {"kWh", ECO_BUDGET_ENERGY, 1e3 * J_PER_WH},
    {"MWh", ECO_BUDGET_ENERGY, 1e6 * J_PER_WH},
    {"mgCO2e", ECO_BUDGET_CARBON, 1e-3},
    {"gCO2e", ECO_BUDGET_CARBON, 1},
    {"kgCO2e", ECO_BUDGET_CARBON, 1e3},
    {"tCO2e", ECO_BUDGET_CARBON, 1e6},
};

static int refuse(struct eco_why *why)
{
    eco_why_set(why, "a limit above 0 with its unit: 50kJ, 10Wh, 5gCO2e or 0.01EUR");
    return -EINVAL;
}

/* Three letters that are no unit of energy. */
static bool take_currency(const char *text, struct eco_budget *budget)
{
    if (strlen(text) != 3)
        return false;
    for (int i = 0; i < 3; i++) {
        if (!isalpha((unsigned char)text[i]))
            return false;
        budget->unit[i] = (char)toupper((unsigned char)text[i]);
    }
    budget->unit[3] = '\0';
    budget->kind = ECO_BUDGET_MONEY;
    return true;
}

static bool take_unit(const char *text, struct eco_budget *budget)
{
    for (size_t i = 0; i < ECO_COUNT(units); i++) {
        if (strcmp(text, units[i].name) != 0)
            continue;
        budget->kind = units[i].kind;
        budget->limit *= units[i].factor;
        (void)eco_text_copy(budget->unit, sizeof budget->unit,
                            units[i].kind == ECO_BUDGET_ENERGY ? "J" : "gCO2e");
        return true;
    }
    /* "10wh" is a typing error, not a currency. */
    for (size_t i = 0; i < ECO_COUNT(units); i++)
        if (strcasecmp(text, units[i].name) == 0)
            return false;
    return take_currency(text, budget);
}

int eco_budget_parse(const char *text, struct eco_budget *ret, struct eco_why *why)
{
    struct eco_budget budget = {.text = text, .used = ECO_NAN, .used_low = ECO_NAN, .used_high = ECO_NAN};
    char number[NUMBER_MAX];
    size_t length = strspn(text, "0123456789.");
    if (length == 0 || length >= sizeof number)
        return refuse(why);
    memcpy(number, text, length);
    number[length] = '\0';
    if (eco_parse_double(number, &budget.limit) < 0)
        return refuse(why);
    text += length + strspn(text + length, " ");
    if (!take_unit(text, &budget) || !(budget.limit > 0) || budget.limit > LIMIT_MAX)
        return refuse(why);
    budget.at_s = ECO_NAN;
    *ret = budget;
    return 0;
}

int eco_budget_check(const struct eco_budget *budget, const struct eco_factors *factors, struct eco_why *why)
{
    const struct eco_price *price = &factors->price_kwh;
    if (budget->kind != ECO_BUDGET_MONEY)
        return 0;
    if (!isfinite(price->amount)) {
        eco_why_set(why, "a budget of %.40s needs the price of a kilowatt-hour", budget->text);
        eco_why_fix(why, "--price 0.25%s", budget->unit);
        return -EINVAL;
    }
    if (strcmp(price->currency, budget->unit) == 0)
        return 0;
    eco_why_set(why, "a budget in %s, but the price of a kilowatt-hour is in %s: nothing is converted",
                budget->unit, price->currency);
    return -EINVAL;
}

static double in_unit(const struct eco_budget *budget, const struct eco_factors *factors,
                      const struct eco_charge *charge, double joules)
{
    switch (budget->kind) {
    case ECO_BUDGET_ENERGY:
        return joules;
    case ECO_BUDGET_CARBON:
        return eco_impact_co2e_g(factors, joules, charge->duration_s, charge->share);
    case ECO_BUDGET_MONEY:
        break;
    }
    return eco_impact_cost(factors, joules, charge->duration_s, charge->share);
}

bool eco_budget_judge(struct eco_budget *budget, const struct eco_factors *factors,
                      const struct eco_charge *charge)
{
    bool was_exceeded = budget->is_exceeded;
    budget->slot = charge->slot;
    budget->used = in_unit(budget, factors, charge, charge->job_j);
    budget->used_low = in_unit(budget, factors, charge, charge->low_j);
    budget->used_high = in_unit(budget, factors, charge, charge->high_j);
    if (!was_exceeded && budget->used > budget->limit) {
        budget->is_exceeded = true;
        budget->at_s = charge->duration_s;
    }
    return budget->is_exceeded && !was_exceeded;
}

const char *eco_budget_action_name(enum eco_budget_action action)
{
    static const char *const names[] = {"warn", "fail", "stop"};
    return names[action];
}

enum eco_budget_action eco_budget_action_parse(const char *name)
{
    if (name && strcmp(name, "fail") == 0)
        return ECO_BUDGET_FAIL;
    return name && strcmp(name, "stop") == 0 ? ECO_BUDGET_STOP : ECO_BUDGET_WARN;
}

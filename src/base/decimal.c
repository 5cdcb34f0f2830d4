/* SPDX-License-Identifier: MIT */
#include "base/decimal.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MIN    15
#define DIGITS_MAX    17
#define POWER_MIN     (-4) /* %g changes to exponents below */
#define POWER_MAX     14
#define MANTISSA_BITS 52
#define BIAS          1075 /* of the exponent of a whole mantissa */

__extension__ typedef unsigned __int128 wide;

static const uint64_t tens[] = {1ull,
                                10ull,
                                100ull,
                                1000ull,
                                10000ull,
                                100000ull,
                                1000000ull,
                                10000000ull,
                                100000000ull,
                                1000000000ull,
                                10000000000ull,
                                100000000000ull,
                                1000000000000ull,
                                10000000000000ull,
                                100000000000000ull,
                                1000000000000000ull,
                                10000000000000000ull,
                                100000000000000000ull,
                                1000000000000000000ull,
                                10000000000000000000ull};

static wide ten_to(int power)
{
    return power < 20 ? (wide)tens[power] : (wide)tens[19] * tens[power - 19];
}

/*
 * The value is mantissa / 2^shift. `scaled` = mantissa * 10^(16 - power) / 2^shift is kept as a numerator, so
 * that it has 17 digits before the point: below 2^123 in the range of eco_decimal().
 */
struct exact {
    uint64_t mantissa;
    unsigned shift;
    int power; /* of ten, of the first digit */
    wide numerator, unit;
};

static bool scale(struct exact *exact, int power)
{
    exact->power = power;
    exact->unit = ten_to(DIGITS_MAX - 1 - power);
    exact->numerator = exact->mantissa * exact->unit;
    uint64_t whole = (uint64_t)(exact->numerator >> exact->shift);
    return whole >= tens[DIGITS_MAX - 1] && whole < tens[DIGITS_MAX];
}

/* Rounded as printf does: to the nearest, halves to even. */
static uint64_t round_to(const struct exact *exact, int digits)
{
    uint64_t whole = (uint64_t)(exact->numerator >> exact->shift), step = tens[DIGITS_MAX - digits];
    uint64_t kept = whole / step, cut = whole % step;
    wide rest = exact->numerator & (((wide)1 << exact->shift) - 1), half = (wide)1 << (exact->shift - 1);
    bool is_up;

    if (step == 1)
        is_up = rest > half || (rest == half && (kept & 1));
    else
        is_up = cut > step / 2 || (cut == step / 2 && (rest > 0 || (kept & 1)));
    return kept + is_up;
}

/* Within half of the distance to the next double, which is half as far below a power of two; what is in the
 * middle is read as the even one. */
static bool reads_back(const struct exact *exact, uint64_t kept, int digits)
{
    wide read = (wide)kept * tens[DIGITS_MAX - digits] << exact->shift;
    bool is_above = read > exact->numerator;
    wide away = is_above ? read - exact->numerator : exact->numerator - read;
    wide gap = !is_above && exact->mantissa == 1ull << MANTISSA_BITS ? exact->unit / 2 : exact->unit;

    return 2 * away < gap || (2 * away == gap && !(exact->mantissa & 1));
}

static size_t print(uint64_t kept, int digits, int power, char *at)
{
    char text[DIGITS_MAX + 1] = "";
    char *begin = at;
    int count = digits;

    if (kept == tens[digits]) { /* rounded up to one digit more */
        kept /= 10;
        power++;
    }
    for (int i = digits; i-- > 0; kept /= 10)
        text[i] = (char)('0' + kept % 10);
    while (count > 1 && text[count - 1] == '0')
        count--;
    if (power < 0) {
        *at++ = '0';
        *at++ = '.';
        for (int i = power; i < -1; i++)
            *at++ = '0';
    }
    for (int i = 0; i < count || i <= power; i++) {
        if (i > 0 && i == power + 1)
            *at++ = '.';
        *at++ = i < count ? text[i] : '0';
    }
    return (size_t)(at - begin);
}

size_t eco_decimal(double value, char *ret)
{
    struct exact exact;
    uint64_t bits;
    size_t sign;

    memcpy(&bits, &value, sizeof(bits));
    sign = bits >> 63;
    if (sign)
        *ret = '-';
    if (!(bits << 1)) {
        ret[sign] = '0';
        return sign + 1;
    }
    double size = fabs(value);
    if (!(size >= 1e-4 && size < 1e15))
        return 0;
    exact.mantissa = (bits & ((1ull << MANTISSA_BITS) - 1)) | 1ull << MANTISSA_BITS;
    exact.shift = (unsigned)(BIAS - (int)(bits >> MANTISSA_BITS & 0x7ff));
    int power = POWER_MIN;
    while (power < POWER_MAX &&
           size >= (power < -1 ? 1.0 / (double)tens[-power - 1] : (double)tens[power + 1]))
        power++;
    if (!scale(&exact, power) && !scale(&exact, power - 1) && !scale(&exact, power + 1))
        return 0;
    for (int digits = DIGITS_MIN; digits <= DIGITS_MAX; digits++) {
        uint64_t kept = round_to(&exact, digits);
        if (reads_back(&exact, kept, digits))
            return sign + print(kept, digits, exact.power, ret + sign);
    }
    return 0;
}

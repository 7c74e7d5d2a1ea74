// The largest values of each output, kept sorted while the inputs go by: one vector lane an output.

#pragma once

#include "vector.h"

namespace arete {

// An input whose contribution is known in double: floats do not always decide an order (`pointwise.h`, `windowed.h`).
struct Contender {
    double value;
    int32_t input;
};

// Larger values first, of equal ones the lower input.
inline bool before(const Contender &a, const Contender &b) {
    return a.value > b.value || (a.value == b.value && a.input < b.input);
}

// Moves the `kept` first of `count` contenders to the front, in order; few are kept, so insertion is quick.
inline void sort_front(Contender *contenders, int64_t count, int64_t kept) {
    for (int64_t next = 1; next < count; next++) {
        const Contender moved = contenders[next];
        int64_t place = next < kept ? next : kept;
        if (place == kept) {
            if (!before(moved, contenders[kept - 1])) continue;
            place = kept - 1;
        }
        while (place > 0 && before(moved, contenders[place - 1])) {
            contenders[place] = contenders[place - 1];
            place--;
        }
        contenders[place] = moved;
    }
}

// `KEPT` largest values and where they come from; of equal ones the first to arrive comes first.
template <int KEPT>
struct Ranking {
    Floats values[KEPT];
    Ints inputs[KEPT];

    Ranking() {
        for (int place = 0; place < KEPT; place++) {
            values[place] = Floats{} - INFINITY;
            inputs[place] = Ints{};
        }
    }

    // Lanes where `value` is not among the kept ones stay as they are. Everything behind an inserted value moves on by
    // one: exchanging by strict comparison instead would drop an equal value that came first.
    inline void insert(Floats value, Ints input) {
        Ints above = value > values[KEPT - 1];
#pragma GCC unroll 17
        for (int place = KEPT - 1; place > 0; place--) {
            const Ints above_next = value > values[place - 1];
            const Floats moved = above_next ? values[place - 1] : value;
            const Ints moved_input = above_next ? inputs[place - 1] : input;
            values[place] = above ? moved : values[place];
            inputs[place] = above ? moved_input : inputs[place];
            above = above_next;
        }
        values[0] = above ? value : values[0];
        inputs[0] = above ? input : inputs[0];
    }
};

}  // namespace arete

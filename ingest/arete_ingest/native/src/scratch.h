// Working memory: one block for each thread, kept between calls so that the system need not hand it out and take it
// back each time, and given back after a call that needed unusually much.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace arete {

constexpr size_t ALIGNMENT = 64;                 // a cache line, and the widest vector
constexpr size_t KEPT_BYTES = size_t{64} << 20;  // more than GoogLeNet or ResNet at 224 pixels need

inline size_t rounded_to_alignment(size_t bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

// Stands in for Scratch where only the size is asked for, so that one function both measures and lays out.
class Measure {
 public:
    template <typename T>
    T *take(size_t count) {
        bytes += rounded_to_alignment(count * sizeof(T));
        return nullptr;
    }

    size_t bytes = 0;
};

class Scratch {
 public:
    // The calling thread's memory.
    static Scratch &of_thread() {
        static thread_local Scratch scratch;
        return scratch;
    }

    // Makes room; what was taken before is void. Throws std::bad_alloc.
    void reserve(size_t bytes) {
        used_ = 0;
        if (bytes <= size_) return;
        release();
        memory_ = static_cast<char *>(std::aligned_alloc(ALIGNMENT, rounded_to_alignment(bytes)));
        if (memory_ == nullptr) throw std::bad_alloc();
        size_ = rounded_to_alignment(bytes);
    }

    template <typename T>
    T *take(size_t count) {
        T *taken = reinterpret_cast<T *>(memory_ + used_);
        used_ += rounded_to_alignment(count * sizeof(T));
        return taken;
    }

    void trim() {
        if (size_ > KEPT_BYTES) release();
    }

    Scratch() = default;
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    ~Scratch() { release(); }

 private:
    void release() {
        std::free(memory_);
        memory_ = nullptr;
        size_ = 0;
    }

    char *memory_ = nullptr;
    size_t size_ = 0;
    size_t used_ = 0;
};

}  // namespace arete

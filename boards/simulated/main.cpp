// The clock of a simulated board, and the far end of its serial line: a file descriptor in place of the host's adapter.
//
//   board FD BIT_CYCLES QUIET_CYCLES +contents=FOLDER
//
// FD is a pseudo-terminal's master, not blocking; a bit of the line is BIT_CYCLES long. After QUIET_CYCLES without a byte
// time stands still until the next one: so the board, which counts cycles, has as much patience with its host as that one
// needs. A line N on standard input, a socket, asks it to go on until N cycles have been quiet, and is answered with a line.
// The cycles that have passed stand in the terminal's size, as boards/host/simulated_clock.py says. Ends when standard
// input is closed or on SIGTERM, and prints how many cycles were simulated.
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <verilated.h>

#include "Vfirelane_board.h"

namespace {

constexpr int kBits = 10;                   // a byte on the line: start, eight, stop
constexpr uint64_t kLookEvery = 256;        // cycles between two looks at the outside: bytes, wishes, the clock
constexpr int kBuffer = 4096;

volatile std::sig_atomic_t stopped = 0;
void stop(int) { stopped = 1; }

// Host to board: bytes from the descriptor, bit by bit.
class Sender {
public:
    Sender(int fd, unsigned bit_cycles) : fd_(fd), bit_cycles_(bit_cycles) {}

    // What the line is in this cycle; `look`: whether to ask the descriptor if there is nothing to send.
    bool line(bool look) {
        if (left_ == 0) {
            if (bits_ == 0 && !next_byte(look)) return true;
            level_ = shift_ & 1;
            shift_ >>= 1;
            --bits_;
            left_ = bit_cycles_;
        }
        --left_;
        return level_;
    }
    bool idle() const { return left_ == 0 && bits_ == 0 && place_ == count_; }

private:
    bool next_byte(bool look) {
        if (place_ == count_) {
            if (!look && count_ == 0) return false;
            const ssize_t got = read(fd_, buffer_, kBuffer);
            place_ = 0;
            count_ = got > 0 ? got : 0;
            if (count_ == 0) return false;
        }
        shift_ = buffer_[place_++] << 1 | 1u << (kBits - 1);
        bits_ = kBits;
        return true;
    }

    int fd_;
    unsigned bit_cycles_, left_ = 0, shift_ = 0, bits_ = 0;
    bool level_ = true;
    ssize_t place_ = 0, count_ = 0;
    unsigned char buffer_[kBuffer];
};

// Board to host: the line, sampled in the middle of each bit. What nobody takes is lost, as on a real line.
class Receiver {
public:
    Receiver(int fd, unsigned bit_cycles) : fd_(fd), bit_cycles_(bit_cycles) {}

    void line(bool level) {
        if (bits_ == 0) {
            if (level) {
                if (count_ && ++silence_ > 2 * kBits * bit_cycles_) flush();
                return;
            }
            bits_ = kBits;
            left_ = bit_cycles_ / 2;
        }
        if (left_-- != 0) return;
        left_ = bit_cycles_ - 1;
        shift_ = shift_ >> 1 | unsigned{level} << (kBits - 1);
        if (--bits_ == 0) {
            silence_ = 0;
            buffer_[count_++] = shift_ >> 1;
            if (count_ == kBuffer) flush();
        }
    }
    bool idle() const { return bits_ == 0 && count_ == 0; }

private:
    void flush() {
        for (ssize_t sent = 0; sent < count_;) {
            const ssize_t taken = write(fd_, buffer_ + sent, count_ - sent);
            if (taken <= 0) break;
            sent += taken;
        }
        count_ = 0;
    }

    int fd_;
    unsigned bit_cycles_, left_ = 0, shift_ = 0, bits_ = 0, silence_ = 0;
    ssize_t count_ = 0;
    unsigned char buffer_[kBuffer];
};

// The clock that the host reads.
class Clock {
public:
    explicit Clock(int fd) : fd_(fd) { ioctl(fd_, TIOCGWINSZ, &size_); }    // whose mark is kept

    void show(uint64_t cycle) {
        size_.ws_col = cycle;
        size_.ws_xpixel = cycle >> 16;
        size_.ws_ypixel = cycle >> 32;
        ioctl(fd_, TIOCSWINSZ, &size_);
    }

private:
    int fd_;
    winsize size_{};
};

// What the parent wishes.
class Parent {
public:
    // False if it has gone. Waits for it or for a byte of the host if `wait`.
    bool lives(int fd, bool wait) {
        pollfd watched[] = {{STDIN_FILENO, POLLIN, 0}, {fd, POLLIN, 0}};
        if (poll(watched, wait ? 2 : 1, wait ? -1 : 0) < 0) return errno == EINTR;
        if (watched[0].revents & POLLIN) return take();
        return !watched[0].revents;
    }
    uint64_t wished() const { return wished_; }     // quiet cycles; 0: nothing
    void answer(uint64_t cycle) {
        dprintf(STDIN_FILENO, "%llu\n", static_cast<unsigned long long>(cycle));
        wished_ = 0;
    }

private:
    bool take() {
        char letter;
        do {
            if (read(STDIN_FILENO, &letter, 1) != 1) return false;
            if (letter != '\n') number_ = 10 * number_ + (letter - '0');
        } while (letter != '\n');
        wished_ = number_;
        number_ = 0;
        return true;
    }

    uint64_t number_ = 0, wished_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fprintf(stderr, "usage: %s FD BIT_CYCLES QUIET_CYCLES [+contents=FOLDER]\n", argv[0]);
        return 2;
    }
    const int fd = std::atoi(argv[1]);
    const unsigned bit_cycles = std::atoi(argv[2]);
    const uint64_t quiet_cycles = std::strtoull(argv[3], nullptr, 10);
    std::signal(SIGTERM, stop);
    std::signal(SIGINT, SIG_IGN);       // the parent has it, too, and ends us

    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vfirelane_board board(&context);
    Sender sender(fd, bit_cycles);
    Receiver receiver(fd, bit_cycles);
    Clock clock(fd);
    Parent parent;
    board.rst = 0;                      // as after configuration: registers begin with their initial values
    uint64_t cycle = 0, quiet_since = 0;
    while (!stopped && !context.gotFinish()) {
        const bool look = cycle % kLookEvery == 0;
        board.rx = sender.line(look);
        board.clk = 0;
        board.eval();
        board.clk = 1;
        board.eval();
        ++cycle;
        receiver.line(board.tx);
        if (!sender.idle() || !receiver.idle()) quiet_since = cycle;
        const uint64_t wished = parent.wished();
        const bool quiet = cycle - quiet_since >= (wished ? wished : quiet_cycles);
        if (!look && !quiet) continue;
        clock.show(cycle);
        if (quiet && wished) parent.answer(cycle);
        if (!parent.lives(fd, quiet)) break;
        if (quiet || parent.wished() != wished) quiet_since = cycle;    // counted anew
    }
    board.final();
    std::printf("%llu\n", static_cast<unsigned long long>(cycle));
    return 0;
}

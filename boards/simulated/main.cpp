// The clock of a simulated board, and the far end of its line: a file descriptor in place of the host's adapter.
//
//   board FD QUIET_CYCLES PROGRESS BYTE_CYCLES +contents=FOLDER
//
// FD is a pseudo-terminal's master, not blocking; a byte of the line takes BYTE_CYCLES in each direction. After QUIET_CYCLES without a byte
// time stands still until the next one: so the board, which counts cycles, has as much patience with its host as that one
// needs. A line N on standard input, a socket, asks it to go on until N cycles have been quiet, and is answered with a line.
// The cycles that have passed stand in the terminal's size, as boards/host/simulated_clock.py says. PROGRESS is a file of
// four bytes, in which the program word of the instruction in hand is shown. Ends when standard input is closed or on
// SIGTERM, and prints how many cycles were simulated.
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include <verilated.h>

#include "Vfirelane_board.h"

namespace {

constexpr unsigned kPause = 64;             // cycles without a byte after which an answer is handed over
constexpr uint64_t kLookEvery = 256;        // cycles between two looks at the outside: bytes, wishes, the clock
constexpr int kBuffer = 4096;

volatile std::sig_atomic_t stopped = 0;
void stop(int) { stopped = 1; }

// One direction of the line: a byte takes its time.
class Pace {
public:
    explicit Pace(uint64_t cycles) : cycles_(cycles) {}

    bool free(uint64_t cycle) const { return cycle >= next_; }
    void passed(uint64_t cycle) { next_ = cycle + cycles_; }

private:
    uint64_t cycles_, next_ = 0;
};

// Host to board: bytes from the descriptor.
class Sender {
public:
    explicit Sender(int fd) : fd_(fd) {}

    // Whether there is a byte for this cycle; `look`: whether to ask the descriptor if there is none left.
    bool next(bool look, unsigned char& byte) {
        if (idle() && !((look || count_) && fill())) return false;
        byte = buffer_[place_++];
        return true;
    }
    bool idle() const { return place_ == count_; }

private:
    bool fill() {
        const ssize_t got = read(fd_, buffer_, kBuffer);
        place_ = 0;
        count_ = got > 0 ? got : 0;
        return count_ != 0;
    }

    int fd_;
    ssize_t place_ = 0, count_ = 0;
    unsigned char buffer_[kBuffer];
};

// Board to host. What nobody takes is lost, as on a real line.
class Receiver {
public:
    explicit Receiver(int fd) : fd_(fd) {}

    void take(unsigned char byte) {
        silence_ = 0;
        buffer_[count_++] = byte;
        if (count_ == kBuffer) flush();
    }
    void silence() {
        if (count_ && ++silence_ == kPause) flush();
    }
    bool idle() const { return count_ == 0; }

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
    unsigned silence_ = 0;
    ssize_t count_ = 0;
    unsigned char buffer_[kBuffer];
};

// Where the program is, for whoever maps the same file.
class Progress {
public:
    explicit Progress(const char* path) {
        const int fd = open(path, O_RDWR);
        void* found = fd < 0 ? MAP_FAILED : mmap(nullptr, sizeof *pc_, PROT_WRITE, MAP_SHARED, fd, 0);
        if (found != MAP_FAILED) pc_ = static_cast<volatile uint32_t*>(found);
    }
    bool mapped() const { return pc_; }
    void show(uint32_t pc) { *pc_ = pc; }

private:
    volatile uint32_t* pc_ = nullptr;
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
    if (argc < 5) {
        std::fprintf(stderr, "usage: %s FD QUIET_CYCLES PROGRESS BYTE_CYCLES [+contents=FOLDER]\n", argv[0]);
        return 2;
    }
    const int fd = std::atoi(argv[1]);
    const uint64_t quiet_cycles = std::strtoull(argv[2], nullptr, 10);
    Progress progress(argv[3]);
    if (!progress.mapped()) {
        std::perror(argv[3]);
        return 2;
    }
    std::signal(SIGTERM, stop);
    std::signal(SIGINT, SIG_IGN);       // the parent has it, too, and ends us

    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vfirelane_board board(&context);
    Sender sender(fd);
    Receiver receiver(fd);
    Clock clock(fd);
    Parent parent;
    const uint64_t byte_cycles = std::strtoull(argv[4], nullptr, 10);
    Pace to_board(byte_cycles), from_board(byte_cycles);
    board.rst = 0;                      // as after configuration: registers begin with their initial values
    uint64_t cycle = 0, quiet_since = 0;
    unsigned char byte = 0;
    while (!stopped && !context.gotFinish()) {
        const bool look = cycle % kLookEvery == 0;
        board.rx_valid = to_board.free(cycle) && sender.next(look, byte);
        if (board.rx_valid) to_board.passed(cycle);
        board.rx = byte;
        board.tx_ready = from_board.free(cycle);
        board.clk = 0;
        board.eval();
        const bool sent = board.tx_valid && board.tx_ready;
        const unsigned char answer = board.tx;
        board.clk = 1;
        board.eval();
        if (sent) {
            receiver.take(answer);
            from_board.passed(cycle);
        } else {
            receiver.silence();
        }
        ++cycle;
        if (!sender.idle() || !receiver.idle()) quiet_since = cycle;
        const uint64_t wished = parent.wished();
        const bool quiet = cycle - quiet_since >= (wished ? wished : quiet_cycles);
        if (!look && !quiet) continue;
        clock.show(cycle);
        progress.show(board.pc);
        if (quiet && wished) parent.answer(cycle);
        if (!parent.lives(fd, quiet)) break;
        if (quiet || parent.wished() != wished) quiet_since = cycle;    // counted anew
    }
    board.final();
    std::printf("%llu\n", static_cast<unsigned long long>(cycle));
    return 0;
}

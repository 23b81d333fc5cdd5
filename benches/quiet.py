"""Whether the machine is quiet enough to be measured on, and when it was not.

Responsible for waiting for a quiet moment, and for a witness on each core that notices when nobody runs there: what
happens to a server then is not the server's doing.
Not responsible for what is done about it.
"""

import multiprocessing
import os
import time

# Busier than this, all cores together, and others are at work.
BUSY_MAX = 0.1
QUIET_SECONDS = 3
# A sleeper that wakes this much too late was kept from running: servers that share its core fairly delay it by a few
# milliseconds.
SLEEP_SECONDS, STALL_SECONDS = 0.005, 0.02
STALLS_MAX = 10_000


def busy_and_total():
    with open("/proc/stat") as stat:
        # user nice system idle iowait irq softirq steal (proc_stat(5))
        times = [int(number) for number in stat.readline().split()[1:9]]
    return sum(times) - times[3] - times[4], sum(times)


def wait_for_quiet(limit_seconds):
    """Waits until the machine has been quiet for some seconds; returns how busy it was in the last one."""
    quiet, end, share = 0, time.monotonic() + limit_seconds, 1.0
    while quiet < QUIET_SECONDS and time.monotonic() < end:
        busy, total = busy_and_total()
        time.sleep(1)
        busy_now, total_now = busy_and_total()
        share = (busy_now - busy) / max(1, total_now - total)
        quiet = quiet + 1 if share <= BUSY_MAX else 0
    return share


class Witness:
    """Sleeps on a core, and remembers when it woke too late."""

    def __init__(self, core):
        self.stalls = multiprocessing.Array("Q", 2 * STALLS_MAX, lock=False)
        self.count = multiprocessing.Value("Q", 0, lock=False)
        self.process = multiprocessing.Process(target=self.watch, args=(core,), daemon=True)
        self.process.start()

    def watch(self, core):
        os.sched_setaffinity(0, {int(core)})
        slept_from = time.time_ns()
        while self.count.value < STALLS_MAX:
            time.sleep(SLEEP_SECONDS)
            now = time.time_ns()
            if now - slept_from > (SLEEP_SECONDS + STALL_SECONDS) * 1e9:
                place = 2 * self.count.value
                self.stalls[place], self.stalls[place + 1] = slept_from, now
                self.count.value += 1
            slept_from = now

    def stalled(self, begin, end):
        """Whether it was kept from running for some of that time (ns)."""
        places = range(0, 2 * self.count.value, 2)
        return any(self.stalls[place] < end and begin < self.stalls[place + 1] for place in places)

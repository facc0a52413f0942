"""Whether the host is quiet enough for times to mean anything."""

import dataclasses
import os
import resource
import statistics
import time

STAT = "/proc/stat"
MOST_OTHERS = 0.05  # of all cores, while a side has its turn
MOST_STEAL = 0.02
MOST_SPREAD = 0.25  # between the fastest and the slowest turn of a side
MOST_MOVED = 2.5  # between the nearest and the farthest that the cores were from each other


@dataclasses.dataclass
class Cpu:
    """Seconds of all cores together since the machine started, and those that this program's children have used."""

    busy: float
    steal: float
    total: float
    ours: float = 0.0

    def __sub__(self, before):
        return Cpu(self.busy - before.busy, self.steal - before.steal, self.total - before.total,
                   self.ours - before.ours)

    def others_share(self):
        return max(0.0, self.busy - self.ours) / self.total if self.total > 0 else 0.0

    def steal_share(self):
        return self.steal / self.total if self.total > 0 else 0.0


def parse_stat(line, ticks_per_second):
    """The first line of /proc/stat: cpu user nice system idle iowait irq softirq steal ..."""
    user, nice, system, idle, wait, irq, softirq, steal = (int(word) / ticks_per_second for word in line.split()[1:9])
    busy = user + nice + system + irq + softirq
    return Cpu(busy, steal, busy + idle + wait + steal)


def read_cpu():
    with open(STAT, encoding="ascii") as stat:
        cpu = parse_stat(stat.readline(), os.sysconf("SC_CLK_TCK"))
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        cpu.ours += usage.ru_utime + usage.ru_stime
    return cpu


def spread(values):
    return (max(values) - min(values)) / statistics.median(values) if values else 0.0


class Watch:
    """Collects what speaks against a measurement."""

    def __init__(self):
        self.complaints = []

    def check_idle(self, seconds=1.0):
        """What others use while this program waits."""
        before = read_cpu()
        time.sleep(seconds)
        self.judge(read_cpu() - before, "before the first turn")

    def during(self, what, work):
        """Calls work() and judges the time that it took."""
        before = read_cpu()
        result = work()
        self.judge(read_cpu() - before, f"in {what}")
        return result

    def judge(self, cpu, when):
        if cpu.others_share() > MOST_OTHERS:
            self.complaints.append(f"other programs took {cpu.others_share():.0%} of the cores {when}")
        if cpu.steal_share() > MOST_STEAL:
            self.complaints.append(f"the hypervisor took away {cpu.steal_share():.0%} of the cores {when}")

    def judge_turns(self, side, milliseconds):
        if spread(milliseconds) > MOST_SPREAD:
            self.complaints.append(f"the rounds of {side} vary from {min(milliseconds):.1f} to "
                                   f"{max(milliseconds):.1f} ms")

    def judge_handovers(self, nanoseconds):
        """Cores that share no cache are some five times as far apart as those that do; a hypervisor that moves a
        virtual core from one place to the other changes what is measured in the midst of it."""
        if nanoseconds and max(nanoseconds) > MOST_MOVED * min(nanoseconds):
            self.complaints.append(f"the cores moved: {min(nanoseconds):.0f} to {max(nanoseconds):.0f} ns from one to "
                                   "another")

"""Shares of the work, read from logs as the tools wrote them for an engine of 2 banks on an LFE5U-25F."""

from __future__ import annotations

from firelane.boards.flow.tool_progress import Nextpnr, refined_share, routed_share, spread_share, synthesis

OVERUSED = (22824, 13849, 7931, 4334, 2439, 1507, 1010, 631, 404, 283, 166, 115, 83, 68, 50, 45, 29, 24, 17, 17, 14, 10,
            6, 4, 6, 6, 4, 2, 1, 2, 1, 2, 3, 2, 1, 1, 1, 0)
WIRES = ((1, 147502), (5, 126587), (10, 122129), (15, 118714), (20, 117531), (25, 117225), (30, 116935), (30, 116947))
LOG = """\
Info: Packing constants..
Info: iter=24 steplen=1.117443 a=1.000000 penalty=[0.00, 0.00, 0.00, 0.00]
Info:    system potential: 16215700.000000 hpwl: 14420.735352
Info: overlap: COMB=99.8%, FF=99.6%, RAM=94.3%, MUL=92.9%
Info: iter=140 steplen=1.400778 a=1.618034 penalty=[0.00, 0.00, 0.00, 0.00]
Info: overlap: COMB=75.6%, FF=61.9%, RAM=73.9%, MUL=46.4%
Info: iter=141 steplen=1.400778 a=1.618034 penalty=[0.00, 0.00, 0.00, 0.00]
Info: overlap: COMB=76.0%, FF=61.9%, RAM=73.9%, MUL=46.4%
Info:   at iteration #1: temp = 0.000000, timing cost = 421, wirelen = 147502
Info:   at iteration #5: temp = 0.000000, timing cost = 383, wirelen = 126587
Info:   at iteration #5: temp = 0.000000, timing cost = 383, wirelen = 126587
Info: Running main router loop...
Info:     iter=1 wires=331842 overused=22824 overuse=26863 archfail=NA
Info:     iter=2 wires=337992 overused=13849 overuse=14753 tmgfail=0 archfail=NA
Info: Router2 time 93.14s
"""


def told(watch_of, log: str) -> list[tuple]:
    said: list[tuple] = []
    watch = watch_of(lambda stage, done, total: said.append((stage, round(done, 2), total)))
    for line in log.splitlines():
        watch(line)
    return said


def test_nextpnr():
    assert told(Nextpnr, LOG) == [
        ("reading the netlist", 0, None), ("spreading cells", 0.1, 1), ("spreading cells", 0.59, 1),
        ("spreading cells", 0.59, 1), ("refining places", 0.0, 1), ("refining places", 0.0, 1),
        ("refining places", 1.0, 1), ("routing", 0.0, 1), ("routing", 0.0, 1), ("routing", 0.09, 1),
        ("checking the routes", 0, None)]


def test_the_routers_end_is_foreseen_from_its_decay():
    """To a factor of two, too late rather than too early at first."""
    said: list[float] = []
    watch = Nextpnr(lambda stage, done, total: said.append(done))
    for number, overused in enumerate(OVERUSED, 1):
        watch(f"Info:     iter={number} wires=331842 overused={overused} overuse=26863 archfail=NA")
    shares, real = said[1:], [number / len(OVERUSED) for number in range(1, len(OVERUSED) + 1)]
    assert all(0.8 < share / truth < 2.1 for share, truth in zip(shares[1:], real[1:]))
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1
    assert routed_share(list(OVERUSED[:10])) == shares[9]


def test_wires_that_are_routed_again_for_their_timing():
    assert 0 <= routed_share([9, 4, 0, 0, 3, 1]) <= 1 and routed_share([5]) == routed_share([0, 3]) == 0


def test_a_router_that_gets_nowhere_does_not_promise_an_end():
    assert routed_share([10, 10, 10, 11, 12]) == 0


def test_refinement():
    shares = [refined_share(list(WIRES[:count])) for count in range(1, len(WIRES) + 1)]
    assert shares[:2] == [0, 0] and all(share > 0.2 for share in shares[2:])
    assert shares == sorted(shares) and 0.7 < shares[-1] <= 1


def test_spreading():
    shares = [spread_share(number, overlap) for number, overlap in (
        (0, 99.9), (30, 99.9), (60, 99.5), (100, 95.1), (180, 47.9), (236, 9.7), (240, 5.0))]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1


def test_synthesis():
    log = ("1. Executing RTLIL frontend.\n4.28. Executing MEMORY_LIBMAP pass (mapping memories to cells).\nnoise\n"
           "4.28.1. Executing OTHER pass.\n4.34. Executing OPT pass (performing simple optimizations).\n"
           "8. Executing JSON backend.\n")
    assert told(synthesis, log) == [("synthesis", share, 1) for share in (0.0, 0.2, 0.42, 0.97)]

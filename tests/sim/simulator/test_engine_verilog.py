"""Verilog for a simulator."""

from __future__ import annotations

from firelane.sim.simulator.engine_verilog import without_zero_contents

TEXT = """module m(clk);
  reg [35:0] memory [3:0];
  initial begin
    memory[0] = 36'h000000000;
    memory[1] = 36'h000000010;
    memory[2] = 36'h000000000;
  end
  reg [7:0] table [3:0];
  initial begin
    table[0] = 8'h00;
  end
  always @(posedge clk)
    table[0] = 8'h00;
endmodule
"""


def test_zeros_are_left_out_where_they_are_initial_contents():
    kept = [line for line in TEXT.splitlines() if "36'h000000000" not in line]
    assert kept.count("    table[0] = 8'h00;") == 2
    kept.remove("    table[0] = 8'h00;")
    assert without_zero_contents(TEXT).splitlines() == kept

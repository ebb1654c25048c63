// Bench around one firelane_engine: clock, memory loading, image feed, result collection, logs and watchdog.
//
// Everything that happens in every cycle happens here; Python (sim/verilog/cocotb_bench.py) sleeps until `wakeups` changes:
// once per result frame, once when the run ends, and every 65 536 cycles to say how far it is (a third of a second, of
// which the wake-up is less than 0.1 %). What to do comes in files named by plusargs:
//
//   +script=F   CSR writes, one a line, "address data" in hexadecimal: loads the memories and starts the engine
//   +images=F   bytes for s_axis, frame after frame, each +frame_bytes=N long (tlast on the last one)
//   +frames=N   result frames to wait for
//   +results=F  bytes from m_axis, two hexadecimal digits a line
//   +events=F   what happened when, one event a line, see `record`
//   +writes=F   (optional) every activation write between the tiles it belongs to
//   +stall_in=P, +stall_out=P, +seed=S   chance P / 256 that a stream pauses in a cycle
//   +timeout=N  cycles without a result byte or a finished tile after which the run is given up
//   +error_address=A, +error_mask=M   the CSR that tells of an error, read in every cycle after the script
//   +csr_count=N   registers 0 .. N - 1 that are recorded when the run ends
//   +wave_first=PC, +wave_last=PC   (optional) waveforms are written from the start of the instruction at the first address
//               to the end of the one at the last, once; without them, if at all, always
`timescale 1ns/1ns

module firelane_bench #(
    parameter BANK_BITS = 3,
    parameter ADDRESS_BITS = 10,
    parameter PC_BITS = 11
);
    // Outcome, read by Python (public: see testbench.vlt).
    reg [31:0] wakeups = 0;             // changes when Python should look
    reg [31:0] frames_done = 0;
    reg [63:0] cycle = 0;
    reg finished = 0;
    reg [1:0] verdict = 0;              // why it finished, see below
    wire waves;                         // whether this cycle is to be in the waveforms
    localparam COMPLETE = 0, ENGINE_ERROR = 1, TIMED_OUT = 2, PROTOCOL_ERROR = 3;

    reg clk = 0;
    always #1 clk = ~clk;
    always @(posedge clk) begin
        cycle <= cycle + 1;
        if (cycle[15:0] == 16'hffff) wakeups <= wakeups + 1;
    end

    // ------------------------------------------------------------------------------------------------ the engine
    reg rst = 1;
    reg [7:0] s_data = 0;
    reg s_valid = 0, s_last = 0;
    wire s_ready;
    wire [7:0] m_data;
    wire m_valid, m_last;
    reg m_ready = 0;
    reg [7:0] csr_address = 0;
    reg csr_write = 0;
    reg [31:0] csr_write_data = 0;
    wire [31:0] csr_read_data;
    wire write_valid, tile_start, tile_done;
    wire [BANK_BITS-1:0] write_bank;
    wire [ADDRESS_BITS-1:0] write_address;
    wire [13:0] write_enable;
    wire [111:0] write_data;
    wire [PC_BITS-1:0] pc;

    firelane_engine engine (
        .clk(clk), .rst(rst),
        .s_axis_tdata(s_data), .s_axis_tvalid(s_valid), .s_axis_tready(s_ready), .s_axis_tlast(s_last),
        .m_axis_tdata(m_data), .m_axis_tvalid(m_valid), .m_axis_tready(m_ready), .m_axis_tlast(m_last),
        .csr_address(csr_address), .csr_write(csr_write), .csr_write_data(csr_write_data),
        .csr_read_data(csr_read_data),
        .trace_write_valid(write_valid), .trace_write_bank(write_bank), .trace_write_address(write_address),
        .trace_write_enable(write_enable), .trace_write_data(write_data),
        .trace_tile_start(tile_start), .trace_tile_done(tile_done), .trace_pc(pc)
    );

    // ---------------------------------------------------------------------------------------------- what to do
    integer script_file = 0, images_file = 0, results_file = 0, events_file = 0, writes_file = 0;
    integer frames = 0, frame_bytes = 0, stall_in = 0, stall_out = 0, seed = 1, csr_count = 0;
    integer wave_first = -1, wave_last = -1;
    reg [63:0] timeout = 64'd1000000;
    reg [7:0] error_address = 0;
    reg [31:0] error_mask = 0;
    string path;

    initial begin
        if ($value$plusargs("script=%s", path)) script_file = $fopen(path, "r");
        if ($value$plusargs("images=%s", path)) images_file = $fopen(path, "rb");
        if ($value$plusargs("results=%s", path)) results_file = $fopen(path, "w");
        if ($value$plusargs("events=%s", path)) events_file = $fopen(path, "w");
        if ($value$plusargs("writes=%s", path)) writes_file = $fopen(path, "w");
        if ($value$plusargs("frames=%d", frames)) ;
        if ($value$plusargs("frame_bytes=%d", frame_bytes)) ;
        if ($value$plusargs("stall_in=%d", stall_in)) ;
        if ($value$plusargs("stall_out=%d", stall_out)) ;
        if ($value$plusargs("seed=%d", seed)) ;
        if ($value$plusargs("timeout=%d", timeout)) ;
        if ($value$plusargs("error_address=%d", error_address)) ;
        if ($value$plusargs("error_mask=%d", error_mask)) ;
        if ($value$plusargs("csr_count=%d", csr_count)) ;
        if ($value$plusargs("wave_first=%d", wave_first)) ;
        if ($value$plusargs("wave_last=%d", wave_last)) ;
        noise_in = {seed[15:0], 16'hace1};
        noise_out = {seed[15:0], 16'h1dea};
        if (script_file == 0 || images_file == 0 || results_file == 0 || events_file == 0) begin
            $display("firelane_bench: a file named by a plusarg cannot be opened");
            $fatal;
        end
    end

    // ------------------------------------------------------------------------- reset, script, run, record of CSRs
    localparam RESET = 0, SCRIPT = 1, SETTLE = 2, RUN = 3, RECORD = 4, OVER = 5;
    localparam RESET_CYCLES = 8;
    localparam SETTLE_CYCLES = 3;       // from csr_address to the csr_read_data that belongs to it, and one to spare
    reg [2:0] phase = RESET;
    reg [3:0] wait_cycles = RESET_CYCLES;
    reg [31:0] script_address, script_data;
    integer index = 0;
    wire running = phase == RUN;
    wire stop;                          // a reason to finish; see the end of this file
    always @(posedge clk) begin
        if (wait_cycles != 0) wait_cycles <= wait_cycles - 1;
        case (phase)
            RESET: if (wait_cycles == 0) begin
                rst <= 0;
                phase <= SCRIPT;
            end
            SCRIPT: begin
                if ($fscanf(script_file, "%h %h\n", script_address, script_data) == 2) begin
                    csr_write <= 1;
                    csr_address <= script_address[7:0];
                    csr_write_data <= script_data;
                end else begin
                    csr_write <= 0;
                    csr_address <= error_address;
                    wait_cycles <= SETTLE_CYCLES;
                    phase <= SETTLE;
                end
            end
            SETTLE: if (wait_cycles == 0) begin
                record("run", 0);
                phase <= RUN;
            end
            RUN: if (stop) begin
                csr_address <= 0;
                wait_cycles <= SETTLE_CYCLES;
                phase <= RECORD;
            end
            RECORD: begin
                if (index == csr_count) begin
                    record("end", frames_done);
                    flush();
                    phase <= OVER;
                    finished <= 1;
                    wakeups <= wakeups + 1;
                end else if (wait_cycles == 0) begin
                    $fwrite(events_file, "csr %0d %0d\n", csr_read_data, index);
                    index <= index + 1;
                    csr_address <= csr_address + 1;
                    wait_cycles <= SETTLE_CYCLES;
                end
            end
            default: ;
        endcase
    end

    // ------------------------------------------------------------------------------------- pauses of the streams
    reg [31:0] noise_in, noise_out;     // maximal-length shift registers
    function [31:0] next_noise(input [31:0] now);
        next_noise = {1'b0, now[31:1]} ^ (now[0] ? 32'h80200003 : 32'h0);
    endfunction
    wire pause_in = {24'd0, noise_in[15:8]} < stall_in;
    wire pause_out = {24'd0, noise_out[15:8]} < stall_out;
    always @(posedge clk) if (stall_in != 0 || stall_out != 0) begin
        noise_in <= next_noise(noise_in);
        noise_out <= next_noise(noise_out);
    end

    // --------------------------------------------------------------------------------------------- image feed
    integer next_byte;                  // of the file; negative behind its end
    reg [31:0] sent = 0;                // bytes of this frame that are offered or taken
    wire last_of_frame = sent + 1 == frame_bytes;
    always @(posedge clk) if (running) begin
        if (!s_valid || s_ready) begin
            s_valid <= 0;
            if (!pause_in) begin
                next_byte = $fgetc(images_file);
                if (next_byte >= 0) begin
                    s_valid <= 1;
                    s_data <= next_byte[7:0];
                    s_last <= last_of_frame;
                    sent <= last_of_frame ? 0 : sent + 1;
                end
            end
        end
    end

    // --------------------------------------------------------------------------------------- result collection
    reg first_of_result = 1;
    reg was_waiting = 0, was_last = 0;
    reg [7:0] was_data = 0;
    wire taken = m_valid && m_ready;
    always @(posedge clk) begin
        m_ready <= running && !pause_out;
        was_waiting <= m_valid && !m_ready && !rst;
        was_data <= m_data;
        was_last <= m_last;
        if (taken) begin
            $fwrite(results_file, "%02x\n", m_data);
            first_of_result <= m_last;
            if (first_of_result) record("out_first", frames_done);
            if (m_last) begin
                record("out_last", frames_done);
                flush();
                frames_done <= frames_done + 1;
                if (frames_done + 1 < frames) wakeups <= wakeups + 1;
            end
        end
    end

    // ------------------------------------------------------------------------------------------ logs of the trace
    always @(posedge clk) if (running) begin
        if (tile_start) record_tile("tile_start");
        if (writes_file != 0 && write_valid)
            $fwrite(writes_file, "write %0d %0d %0d %h %h\n", cycle, write_bank, write_address, write_enable,
                    write_data);
        if (tile_done) record_tile("tile_done");
    end

    reg window_open = 0, window_over = 0;
    wire window_begins = tile_start && pc == wave_first && !window_over;
    assign waves = wave_first < 0 || window_open || window_begins;
    always @(posedge clk) if (wave_first >= 0 && waves) begin
        window_open <= !(tile_done && pc == wave_last);
        window_over <= tile_done && pc == wave_last;
    end

    task record(input string what, input [31:0] detail);
        $fwrite(events_file, "%s %0d %0d\n", what, cycle, detail);
    endtask

    task record_tile(input string what);
        begin
            record(what, pc);
            if (writes_file != 0) $fwrite(writes_file, "%s %0d %0d\n", what, cycle, pc);
        end
    endtask

    task flush;
        begin
            $fflush(results_file);
            $fflush(events_file);
            if (writes_file != 0) $fflush(writes_file);
        end
    endtask

    // ------------------------------------------------------------------------------------------------- the end
    reg [63:0] idle = 0;                // cycles without progress
    wire error_seen = (csr_read_data & error_mask) != 0;
    wire broken = was_waiting && (!m_valid || m_data != was_data || m_last != was_last);
    assign stop = error_seen || broken || idle >= timeout || frames_done == frames;
    always @(posedge clk) if (running) begin
        idle <= taken || tile_done ? 0 : idle + 1;
        if (stop)
            verdict <= error_seen ? ENGINE_ERROR : broken ? PROTOCOL_ERROR : idle >= timeout ? TIMED_OUT : COMPLETE;
    end
endmodule

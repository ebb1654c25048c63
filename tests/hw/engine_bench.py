"""Drives a whole engine in Amaranth's simulator: registers, memories, image, results."""

from firelane.hw.contract.registers import ERROR, STATUS, LoadTarget, Register


class EngineBench:
    """Agents for one engine; use `image` and `results` as background benches."""

    def __init__(self, engine):
        self.engine = engine
        self.image_bytes = []       # (data, last), taken from the front
        self.received = []          # (data, last)
        self.ready = lambda: True   # of m_axis, asked every cycle
        self.offer = lambda: True   # whether to go on with the image

    async def write(self, ctx, register, value):
        ctx.set(self.engine.csr_address, register)
        ctx.set(self.engine.csr_write_data, value)
        ctx.set(self.engine.csr_write, 1)
        await ctx.tick()
        ctx.set(self.engine.csr_write, 0)

    async def read(self, ctx, register):
        ctx.set(self.engine.csr_address, register)
        await ctx.tick()
        return ctx.get(self.engine.csr_read_data)

    async def status(self, ctx):
        return STATUS.from_bits(await self.read(ctx, Register.STATUS))

    async def error(self, ctx):
        """(code, pc)"""
        error = ERROR.from_bits(await self.read(ctx, Register.ERROR))
        return error.code, error.pc

    async def load(self, ctx, target: LoadTarget, words, address=0):
        await self.write(ctx, Register.LOAD_ADDRESS, target.value << 28 | address)
        for word in words:
            await self.write(ctx, Register.LOAD_HIGH, word >> 32)
            await self.write(ctx, Register.LOAD_LOW, word & 0xFFFFFFFF)

    async def load_all(self, ctx, program, weights=(), values=(), runs=()):
        for target, words in zip(LoadTarget, (program, weights, values, runs)):
            await self.load(ctx, target, words)

    async def wait(self, ctx, field, cycles=5000):
        """Until a status bit is set."""
        for _ in range(cycles):
            if (await self.status(ctx))[field]:
                return
        raise AssertionError(f"no {field} in {cycles} cycles")

    async def image(self, ctx):
        engine, taken = self.engine, 0
        while True:
            offer = taken < len(self.image_bytes) and (ctx.get(engine.s_axis_tvalid) or self.offer())
            ctx.set(engine.s_axis_tvalid, int(offer))
            if offer:
                data, last = self.image_bytes[taken]
                ctx.set(engine.s_axis_tdata, data)
                ctx.set(engine.s_axis_tlast, last)
            *_, valid, ready = await ctx.tick().sample(engine.s_axis_tvalid, engine.s_axis_tready)
            if valid and ready:
                ctx.set(engine.s_axis_tvalid, 0)
                taken += 1

    async def results(self, ctx):
        engine = self.engine
        while True:
            ctx.set(engine.m_axis_tready, int(self.ready()))
            *_, valid, ready, data, last = await ctx.tick().sample(
                engine.m_axis_tvalid, engine.m_axis_tready, engine.m_axis_tdata, engine.m_axis_tlast)
            if valid and ready:
                self.received.append((data, last))

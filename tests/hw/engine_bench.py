"""Drives a whole engine in Amaranth's simulator: registers, memories, image, results."""

from firelane.hw.contract.registers import ERROR, STATUS, LoadTarget, Register


class EngineBench:
    """Agents for one engine; use `image` and `results` as background benches."""

    def __init__(self, engine):
        self.engine = engine
        self.image_bytes = []       # (data, last), taken from the front
        self.received = []          # (data, last)
        self.ready = lambda: True   # of `result`, asked every cycle
        self.offer = lambda: True   # whether to go on with the image

    async def write(self, ctx, register, value):
        ctx.set(self.engine.csr.address, register)
        ctx.set(self.engine.csr.write_data, value)
        ctx.set(self.engine.csr.write, 1)
        await ctx.tick()
        ctx.set(self.engine.csr.write, 0)

    async def read(self, ctx, register):
        ctx.set(self.engine.csr.address, register)
        await ctx.tick()
        return ctx.get(self.engine.csr.read_data)

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

    async def wait_for_frame(self, ctx, cycles=5000):
        """Until a frame has been counted."""
        for _ in range(cycles):
            if await self.read(ctx, Register.FRAMES):
                return
        raise AssertionError(f"no frame in {cycles} cycles")

    async def image(self, ctx):
        image, taken = self.engine.image, 0
        while True:
            offer = taken < len(self.image_bytes) and (ctx.get(image.valid) or self.offer())
            ctx.set(image.valid, int(offer))
            if offer:
                data, last = self.image_bytes[taken]
                ctx.set(image.payload, {"data": data, "last": last})
            *_, valid, ready = await ctx.tick().sample(image.valid, image.ready)
            if valid and ready:
                ctx.set(image.valid, 0)
                taken += 1

    async def results(self, ctx):
        result = self.engine.result
        while True:
            ctx.set(result.ready, int(self.ready()))
            *_, valid, ready, byte = await ctx.tick().sample(result.valid, result.ready, result.payload)
            if valid and ready:
                self.received.append((byte.data, byte.last))

# SPDX-License-Identifier: PostgreSQL
"""A relay between programs and a server, with faults of the line: either direction held or delayed,
all connections cut. A held direction keeps its bytes and passes them on when it is mended, as TCP does
once a partition is over. One thread serves all relays of a run."""

import asyncio
import os
import threading
import time


class Relay:
    """One listening address (a path, or host and port) in front of one server address.

    `held` and `delay_s` may be set from any thread: held is a set of "up" (to the server) and "down"."""

    def __init__(self, listen, server):
        self.listen, self.server = listen, server
        self.held, self.delay_s = set(), 0.0
        self.writers = set()

    async def start(self):
        if isinstance(self.listen, str):
            if os.path.exists(self.listen):
                os.unlink(self.listen)
            await asyncio.start_unix_server(self.serve, self.listen)
            os.chmod(self.listen, 0o777)
        else:
            await asyncio.start_server(self.serve, *self.listen)

    async def open(self):
        if isinstance(self.server, str):
            return await asyncio.open_unix_connection(self.server)
        return await asyncio.open_connection(*self.server)

    async def serve(self, reader, writer):
        try:
            server_reader, server_writer = await asyncio.wait_for(self.open(), 5)
        except (OSError, asyncio.TimeoutError):
            writer.close()
            return
        ends = {writer, server_writer}
        self.writers |= ends
        try:
            await asyncio.gather(self.pump("up", reader, server_writer),
                                 self.pump("down", server_reader, writer))
        except OSError:
            pass  # one of them has gone
        finally:
            self.writers -= ends
            for end in ends:
                end.close()

    async def pump(self, direction, reader, writer):
        while data := await reader.read(65536):
            due = time.monotonic() + self.delay_s
            while direction in self.held or time.monotonic() < due:
                await asyncio.sleep(0.02)
            writer.write(data)
            await writer.drain()
        raise OSError("the end of the stream")

    def cut(self):
        """Reset every connection that is open."""
        for writer in list(self.writers):
            writer.transport.abort()


class Relays(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.loop = asyncio.new_event_loop()

    def run(self):
        self.loop.run_forever()

    def add(self, relay):
        asyncio.run_coroutine_threadsafe(relay.start(), self.loop).result(10)
        return relay

    def cut(self, relay):
        self.loop.call_soon_threadsafe(relay.cut)

"""Work whose client has disconnected: it ends without a traceback in the log, unless it has a bug."""

import asyncio
import weakref
from contextlib import nullcontext

import pytest

from headscope.errors import Busy, ClientsGone
from headscope.web.responses import HoldingStream, while_connected


class Request:
    """The client disconnects as soon as the work has begun, and the work ends in the same turn of the event loop."""

    def __init__(self):
        self.begun = asyncio.Event()

    async def receive(self):
        await self.begun.wait()
        return {"type": "http.disconnect"}

    async def work(self, error):
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise error from None


def ended_with(error):
    async def main():
        request = Request()
        with pytest.raises(ClientsGone):
            await while_connected(request, request.work(error))
        await asyncio.sleep(0)  # the callbacks of the work

    asyncio.run(main())


@pytest.mark.fault(22)
def test_work_that_is_refused_while_its_client_disconnects_leaves_nothing_in_the_log(caplog):
    ended_with(Busy("not now"))
    assert caplog.records == []


def test_a_bug_in_work_whose_client_has_disconnected_is_logged(caplog):
    ended_with(ZeroDivisionError())
    assert [record.name for record in caplog.records] == ["headscope.web.responses"]
    assert caplog.records[0].exc_info[0] is ZeroDivisionError


@pytest.mark.fault(22, 40)
@pytest.mark.usefixtures("no_collector")
def test_a_stream_whose_client_leaves_keeps_nothing():
    class Large:
        pass

    async def content():
        used = Large()
        large.append(weakref.ref(used))
        sent.set()
        await asyncio.Event().wait()
        yield b""

    async def receive():
        await sent.wait()
        return {"type": "http.disconnect"}

    async def send(_):
        pass

    async def scene():
        scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
        await HoldingStream(nullcontext(), content(), "text/plain")(scope, receive, send)
        return [each() for each in large]

    large, sent = [], asyncio.Event()
    assert asyncio.run(scene()) == [None]

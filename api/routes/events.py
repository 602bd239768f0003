"""What changes in the review queue, as it changes."""

from typing import Annotated

from litestar import Request, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter

from api.access import Work, requires
from api.live.hub import Hub
from api.live.stream import MEDIA_TYPE, EventStream, accepts_stream
from api.live.visibility import FAMILIES

DESCRIPTION = """\
审核队列的变化，以服务器推送事件（SSE）发送。仅含类型和编号，不含任何个人信息；收到后请重新读取相应列表或记录。

Server-sent events: leads, discrepancies, cases, visits, devices that fall silent or come back, imports, in the
caller's estates and as far as the caller's roles may list them. Ids and kinds alone: read the thing itself anew.

- `ready`: the stream stands; `id` is the place it begins at. Open the stream first, load lists afterwards.
- `change`: `{"kind", "estate_id", "object_kind", "object_id", "at"}`. `kind` is, for example, `lead.opened`,
  `lead.accepted`, `lead.withdrawn`, `discrepancy.raised`, `discrepancy.cleared`, `case.register`, `visit.finished`,
  `device.silent`, `device.back`, `import.checking` (told again with progress), `import.applied`. Kinds are added in
  later releases.
- `reset`: `{"reason"}`; load everything anew and go on. `restored`: the database was restored from a backup.
  `too-old`: what was missed is forgotten after a day. `unknown`: the id given is none of this server's.
- `end`: `{"reason"}`; `restart`: connect again; `signed-out`: refresh the access token, then connect again;
  `unavailable`: connect again later.

Send the `id` of the last event as `Last-Event-ID` to go on without losing or doubling a change; the order is that in
which changes became final. A comment comes every 15 seconds. The access token goes into the header, never into the
address: browsers read the stream with `fetch`. A client whose `Accept` header does not name `text/event-stream` gets
what there is after `Last-Event-ID`, and the answer ends. A user has at most 4 streams at a time on a server.
"""


@get(
    "/api/v1/events", guards=[requires(*FAMILIES)], tags=["live"], operation_id="watchEvents",
    summary="实时变化 / Changes as they happen", description=DESCRIPTION, media_type=MEDIA_TYPE,
    responses={
        200: ResponseSpec(str, media_type=MEDIA_TYPE, description="A stream of events", generate_examples=False)
    },
)  # fmt: skip
async def watch_events(
    request: Request[None, None, State], work: Work,
    last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID", max_length=64)] = None,
) -> EventStream:  # fmt: skip
    """Follows the changes."""
    hub: Hub = request.app.state.live
    return EventStream(
        hub, work, header=request.headers.get("authorization"), last=last_event_id,
        follow=accepts_stream(request.headers.get("accept", "")),
    )  # fmt: skip


handlers = [watch_events]

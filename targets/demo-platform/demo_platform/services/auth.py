"""auth: signs members in, with the profile that customer keeps.

A member who was signed in not long ago is let in without it: a session that is still kept, or, when
nobody can be asked, a token that was signed here and has not expired.
"""

from demo_platform.service import (
    Body,
    CacheUse,
    Capacity,
    Dependency,
    Node,
    Request,
    Service,
    ServiceFailed,
    Wire,
)
from demo_platform.tokens import Claims, key_of, read, sign


async def signin(request: Request, node: Node) -> Body:
    """A session for the member. body: member, and the token of an earlier session if there is one.

    Raises ServiceFailed when customer cannot be asked and there is no good token.
    """
    member = request.body.get("member")
    key = key_of(node.seed)
    now_s = node.wall_clock()

    async def load() -> Body:
        profile = await node.calls.call("customer", "profile", {"member": member}, request)
        return {"plan": profile.get("plan")}

    try:
        session = await node.cache.fetch(str(member), load)
    except ServiceFailed:
        claims = read(request.body.get("token"), key=key, now_s=now_s)
        if claims is None or claims.member != member:
            raise
        session = {"plan": claims.plan, "fallback": True}
    plan = session.get("plan")
    token = sign(Claims.starting(member, plan, now_s=now_s), key=key)
    return {**session, "session": f"s-{request.request_id}", "token": token}


SERVICE = Service(
    name="auth",
    wire=Wire.GRPC,
    capacity=Capacity(slots=4, work_s=0.020),
    routes={"signin": signin},
    dependencies=(Dependency("customer", timeout_s=0.3),),
    cache=CacheUse("session", ttl_s=60.0, stale_s=30.0),
)

"""What HTTP alone costs: uvicorn with uvloop and httptools, Starlette, a body read, JSON given."""

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

ANSWER = b'{"boxes":[' + b"[1,0.5,100.25,200.25,300.25,400.25]," * 20 + b"0]}"


async def detect(request):
    """Read and answer."""
    chunks = [chunk async for chunk in request.stream()]
    assert sum(map(len, chunks))
    return Response(ANSWER, media_type="application/json")


app = Starlette(routes=[Route("/detect", detect, methods=["POST"])])

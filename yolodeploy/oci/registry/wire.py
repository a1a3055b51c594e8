"""Requests to one registry: where it is, who we are to it, where it sends us, what went wrong.

Credentials go to the registry alone: never along a redirect to another host, never to an upload
address elsewhere, never in clear where the registry itself speaks TLS.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from yolodeploy.core.errors import Failed, Interrupted, Unreachable, YolodeployError
from yolodeploy.oci.registry.access import DEFAULT, Access
from yolodeploy.oci.registry.addresses import api_host, followed, is_loopback, origin, redacted
from yolodeploy.oci.registry.answers import Answer, looks_like_html, refusal
from yolodeploy.oci.registry.authority import Authority
from yolodeploy.oci.registry.exchange import Body, Exchange, Stream

LARGEST_ANSWER = 1 << 16  # bytes that are read of an answer nobody asked for more of
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Wire:
    """One registry. Making the object touches nothing; safe for several threads at once."""

    def __init__(self, registry: str, access: Access = DEFAULT) -> None:
        self.registry = registry
        self._access = access
        self._exchange = Exchange(registry, access)
        self._authority = Authority(registry, lambda: access.credentials(registry), self._ask_realm)
        self._lock = threading.Lock()
        self._base = ""
        self._hung_up = False

    def close(self) -> None:
        """Close the connections; again is harmless."""
        self._exchange.close()

    def hang_up(self) -> None:
        """Break off whatever is under way, from any thread, and ask for nothing any more."""
        self._hung_up = True
        self._exchange.hang_up()

    def ask(
        self,
        method: str,
        where: str,
        *,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        largest: int = LARGEST_ANSWER,
    ) -> Answer:
        """One request and its answer, whatever its status, with at most `largest` bytes of content.

        `where` is a path below `/v2/`, or a URL that the registry gave.

        Raises:
            Unreachable: `registry.unreachable`, `registry.silent`, `registry.cut`.
            Failed: `registry.tls`, `registry.bad_answer`, `registry.redirect`,
                `registry.not_a_registry`, and those of `Authority.header`.
        """
        with self.open(method, where, scope=scope, headers=headers, body=body) as stream:
            return stream.whole(largest)

    @contextmanager
    def open(
        self,
        method: str,
        where: str,
        *,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Iterator[Stream]:
        """The same with the content still to be read."""
        if self._hung_up:
            raise Interrupted("registry.stopped")
        self._contacted()
        url = where if "://" in where else self.url(where)
        stream = self._authorised(method, url, scope, headers or {}, body)
        try:
            yield stream
        finally:
            stream.close()

    def url(self, path: str) -> str:
        """The address of a path below `/v2/`; raises as `ask`."""
        return f"{self._contacted()}/v2/{path}"

    def follow(self, answer: Answer) -> str:
        """The URL that an answer's `Location` names.

        Raises:
            Failed: `registry.bad_answer`; `registry.redirect`, it leaves TLS.
        """
        return self._led(answer.url, answer.headers.get("location", ""))

    def _authorised(
        self, method: str, url: str, scope: str, headers: Mapping[str, str], body: Body | None
    ) -> Stream:
        """The answer to a request, logged in when asked to, redirects of reads followed."""
        logged_in = False
        redirects = 0
        while True:
            at_home = origin(url) == origin(self._base)
            token = self._authority.header(scope) if at_home else ""
            authorization = {"Authorization": token} if token else {}
            stream = self._exchange.send(method, url, {**headers, **authorization}, body)
            try:
                if stream.status == 401 and at_home and not logged_in:
                    logged_in = True
                    if self._authority.learn(stream.headers.get("www-authenticate", "")):
                        self._authority.forget(scope, token)
                        stream.closed(LARGEST_ANSWER)  # read, so that the connection is kept
                        continue
                if stream.status not in _REDIRECTS or method not in ("GET", "HEAD"):
                    return stream
                redirects += 1
                url = self._led(url, stream.headers.get("location", ""))
                if redirects > _MOST_REDIRECTS:
                    raise Failed("registry.redirect", registry=self.registry, url=redacted(url))
                stream.closed(LARGEST_ANSWER)
            except BaseException:
                stream.close()
                raise

    def _led(self, url: str, location: str) -> str:
        target = self._secured(followed(url, location))
        if origin(target)[0] == "http" and not self._may_be_plain(url, target):
            raise Failed("registry.redirect", registry=self.registry, url=redacted(target))
        return target

    def _secured(self, target: str) -> str:
        """The same with TLS, where a registry behind a proxy that ends TLS names itself so."""
        scheme, host, port = origin(target)
        home = origin(self._base)
        here = home[0] == "https" and scheme == "http" and host == home[1]
        if here and (port == home[2] or (port, home[2]) == (80, 443)):
            return f"{self._base}/{target.partition('//')[2].partition('/')[2]}"
        return target

    def _may_be_plain(self, url: str, target: str) -> bool:
        here, there = origin(url), origin(target)
        allowed = self._access.insecure or is_loopback(there[1])
        return here[0] == there[0] == "http" and allowed

    def _may_learn_a_password(self, realm: str) -> bool:
        try:
            return followed("", realm) == realm and (
                origin(realm)[0] == "https" or self._may_be_plain(self._base, realm)
            )
        except Failed:
            return False

    def _contacted(self) -> str:
        """The registry's address, found out with the first request.

        Raises:
            Unreachable, Failed: As `ask`.
        """
        with self._lock:
            if not self._base:
                self._base = self._contact()
        return self._base

    def _contact(self) -> str:
        host = api_host(self.registry)
        problem: YolodeployError | None = None
        for scheme in self._access.schemes(host):
            base = f"{scheme}://{host}"
            try:
                answer = self._exchange.send("GET", f"{base}/v2/", {}, None).closed(LARGEST_ANSWER)
                self._understand(answer)
            except (Unreachable, Failed) as error:
                if problem is None or error.code == "registry.tls":
                    problem = error
                if error.retryable and error.code != "registry.cut":
                    break
            else:
                return base
        raise problem or Failed("registry.not_a_registry", registry=self.registry, status=0)

    def _understand(self, answer: Answer) -> None:
        """Whether the first answer is a registry's."""
        challenge = answer.headers.get("www-authenticate", "")
        if answer.status == 401 and challenge:
            if not self._authority.learn(challenge):
                raise Failed("registry.unknown_login", registry=self.registry, challenge=challenge)
            return
        if answer.status != 200 and answer.status not in {400, 404, 426, *_REDIRECTS}:
            raise refusal(answer, self.registry, "v2/")
        if answer.status != 200 or looks_like_html(answer):
            raise Failed("registry.not_a_registry", registry=self.registry, status=answer.status)

    def _ask_realm(
        self, url: str, headers: Mapping[str, str], form: str | None, largest: int
    ) -> bytes:
        if not self._may_learn_a_password(url):
            raise Failed("registry.realm", registry=self.registry, reason=redacted(url))
        if form is not None:
            headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        body = Body.of(form.encode()) if form is not None else None
        method = "POST" if body else "GET"
        answer = self._exchange.send(method, url, headers, body).closed(largest)
        if answer.status in (400, 401, 403):
            raise Failed("registry.login_failed", registry=self.registry, url=redacted(url))
        if answer.status != 200:
            raise refusal(answer, self.registry, redacted(url))
        return answer.content

"""The HTTP requests of a simulated browser, which keeps its cookies and its connection."""

import http.client
from http.cookies import SimpleCookie


class HttpConnection:
    """A connection to one server; to be used by one thread at a time."""

    def __init__(self, host: str, port: int, cookies: SimpleCookie | None = None) -> None:
        self._host = f"{host}:{port}"
        self._connection = http.client.HTTPConnection(host, port, timeout=60)
        self._cookies: SimpleCookie = SimpleCookie() if cookies is None else cookies

    @property
    def cookies(self) -> str:
        """The value of the Cookie header."""
        return "; ".join(f"{name}={cookie.coded_value}" for name, cookie in self._cookies.items())

    def cookie(self, name: str) -> str:
        """The value of a cookie, "" if the server has not set it."""
        return self._cookies[name].value if name in self._cookies else ""

    def get(self, path: str) -> int:
        """Fetches this path and returns the status."""
        try:
            return self._try_to_get(path)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):  # the server closes idle connections
            return self._try_to_get(path)

    def close(self) -> None:
        self._connection.close()

    def _try_to_get(self, path: str) -> int:
        try:
            return self._get(path)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()  # otherwise it would wait for the answer to this request before it sends another
            if isinstance(error, OSError):
                raise
            raise ConnectionError(str(error)) from error

    def _get(self, path: str) -> int:
        headers = {"Host": self._host, "Cookie": self.cookies} if self._cookies else {"Host": self._host}
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            self._cookies.load(cookie)
        return answer.status

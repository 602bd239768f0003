"""The people who play the demonstration: clients of the API that sign in whenever the clock has moved on."""

import base64
import hashlib
import json
import secrets
from typing import Any

import httpx


class Refused(Exception):
    """The API refused a step of the story: the story is wrong, or the product is."""


class Player:
    """Somebody with a log-in. Access tokens end as the simulated months pass, so a refusal is met by signing in."""

    def __init__(self, base_url: str, login: str, password: str, name: str) -> None:
        self.login = login
        self.password = password
        self.name = name
        self.id = ""
        self.client = httpx.Client(base_url=base_url, timeout=60, verify=False)  # noqa: S501 - plain HTTP on loopback

    def sign_in(self) -> None:
        """A fresh access token."""
        answer = self.client.post("/api/v1/session", json={"login": self.login, "password": self.password})
        if answer.status_code != 200:
            raise Refused(f"{self.login}: {answer.text}")
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def choose_password(self) -> None:
        """Replaces the password that somebody else made."""
        chosen = new_password()
        self.post("/me/password", current_password=self.password, new_password=chosen)
        self.password = chosen

    def call(self, method: str, path: str, **request: Any) -> Any:  # noqa: ANN401 - JSON
        """One request; the JSON of its answer. Raises `Refused` with the problem."""
        content = self.file(method, path, **request)
        return json.loads(content) if content else None

    def file(self, method: str, path: str, **request: Any) -> bytes:  # noqa: ANN401 - what httpx takes
        """One request; the bytes of its answer."""
        answer = self.client.request(method, f"/api/v1{path}", **request)
        if answer.status_code == 401:
            self.sign_in()
            answer = self.client.request(method, f"/api/v1{path}", **request)
        if answer.is_error:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text[:600]}")
        return answer.content

    def get(self, path: str, **params: Any) -> Any:  # noqa: ANN401 - JSON
        """Reads."""
        return self.call("GET", path, params=params)

    def all(self, path: str, **params: Any) -> list[Any]:  # noqa: ANN401
        """Reads every page of a list."""
        items: list[Any] = []
        cursor = None
        while True:
            page = self.get(path, **params, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    def post(self, path: str, **body: Any) -> Any:  # noqa: ANN401 - JSON
        """Sends JSON."""
        return self.call("POST", path, json=body)

    def put(self, path: str, body: bytes, content_type: str = "application/json", **params: Any) -> Any:  # noqa: ANN401
        """Sends bytes with their digest, as the phone app does."""
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        headers = {"Content-Type": content_type, "Content-Digest": f"sha-256=:{digest}:"}
        return self.call("PUT", path, content=body, headers=headers, params=params)

    def close(self) -> None:
        """Ends the connection."""
        self.client.close()


def new_password() -> str:
    """A password nobody knows yet."""
    return secrets.token_urlsafe(12)

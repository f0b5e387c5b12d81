"""`kubectl` for the scripts of the trial: hands the call to the trial cluster over its socket.

Started once per call with `python -S -E`, so it imports next to nothing. `TRIAL_CLUSTER_SOCKET` says where the
cluster listens, `TRIAL_ACCOUNT` as whom the call is made.
"""

from __future__ import annotations

import json
import os
import socket
import sys

FRAME = 4  # bytes of a frame's length, big-endian


def named_files(argv: list[str]) -> list[str]:
    """What `-f` names, `-` for the standard input."""
    names = []
    for index, word in enumerate(argv):
        if word in ("-f", "--filename"):
            names += argv[index + 1 : index + 2]
        elif word.startswith("--filename="):
            names.append(word[len("--filename=") :])
        elif word.startswith("-f"):
            names.append(word[2:].lstrip("="))
    return names


def contents(name: str) -> str | None:
    """None for what cannot be read."""
    try:
        with open(name, "rb") as file:  # noqa: PTH123 - pathlib costs more than everything else here
            return file.read().decode("utf-8", "replace")
    except OSError:
        return None


def receive(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise OSError("it closed the connection")
        data += chunk
    return data


def call(request: dict[str, object]) -> dict[str, object]:
    data = json.dumps(request).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["TRIAL_CLUSTER_SOCKET"])
        connection.sendall(len(data).to_bytes(FRAME, "big") + data)
        size = int.from_bytes(receive(connection, FRAME), "big")
        answer: dict[str, object] = json.loads(receive(connection, size))
        return answer


def remember(cache: str) -> None:
    """Notes that this HOME has reached the cluster once; on a read-only one kubectl just asks again."""
    try:
        os.makedirs(cache, exist_ok=True)  # noqa: PTH103 - as above
    except OSError:
        return


def main() -> int:
    argv = [os.fsencode(word).decode("utf-8", "replace") for word in sys.argv[1:]]
    cache = os.environ.get("HOME", "") + "/.kube/cache/discovery"
    names = named_files(argv)
    request: dict[str, object] = {
        "account": os.environ.get("TRIAL_ACCOUNT", ""),
        "argv": argv,
        "stdin": sys.stdin.buffer.read().decode("utf-8", "replace") if "-" in names else "",
        "files": {name: contents(name) for name in names if name != "-"},
        "discovered": os.path.isdir(cache),  # noqa: PTH112 - as above
    }
    try:
        answer = call(request)
    except (OSError, KeyError, ValueError) as error:
        sys.stderr.write(f"The connection to the server of the trial cluster was refused: {error}\n")
        return 1
    if answer["discovered"]:
        remember(cache)
    sys.stdout.buffer.write(str(answer["stdout"]).encode())
    sys.stdout.buffer.flush()
    sys.stderr.buffer.write(str(answer["stderr"]).encode())
    return int(str(answer["exit_code"]))


if __name__ == "__main__":
    sys.exit(main())

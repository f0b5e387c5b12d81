"""`kubectl` for the scripts of the trial: hands the call to the trial cluster over its socket.

Started once per call with `python -S -E`, so it imports next to nothing. `TRIAL_CLUSTER_SOCKET` says where the
cluster listens, `TRIAL_ACCOUNT` as whom the call is made.
"""

import json
import os
import socket
import sys

FRAME = 4


def _files(argv):  # type: ignore[no-untyped-def]
    """Contents of the files that `-f` names; null for what cannot be read."""
    found = {}
    for index, word in enumerate(argv):
        name = None
        if word in ("-f", "--filename"):
            name = argv[index + 1] if index + 1 < len(argv) else None
        elif word.startswith("--filename="):
            name = word[len("--filename=") :]
        elif word.startswith("-f"):
            name = word[2:].lstrip("=")
        if name and name != "-":
            try:
                with open(name, "rb") as file:
                    found[name] = file.read().decode("utf-8", "replace")
            except OSError:
                found[name] = None
    return found


def _receive(connection, size):  # type: ignore[no-untyped-def]
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise OSError("the trial cluster closed the connection")
        data += chunk
    return data


def _call(request):  # type: ignore[no-untyped-def]
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.environ["TRIAL_CLUSTER_SOCKET"])
    data = json.dumps(request).encode()
    connection.sendall(len(data).to_bytes(FRAME, "big") + data)
    return json.loads(_receive(connection, int.from_bytes(_receive(connection, FRAME), "big")))


def main():  # type: ignore[no-untyped-def]
    argv = [os.fsencode(word).decode("utf-8", "replace") for word in sys.argv[1:]]
    reads = any(argv[index : index + 2] == ["-f", "-"] for index in range(len(argv)))
    reads = reads or "-f-" in argv or "--filename=-" in argv
    cache = os.path.join(os.environ.get("HOME", "/"), ".kube", "cache", "discovery")
    request = {
        "account": os.environ.get("TRIAL_ACCOUNT", ""),
        "argv": argv,
        "stdin": sys.stdin.buffer.read().decode("utf-8", "replace") if reads else "",
        "files": _files(argv),
        "cwd": os.getcwd(),
        "discovered": os.path.isdir(cache),
    }
    try:
        answer = _call(request)
    except (OSError, KeyError, ValueError) as error:
        sys.stderr.write("The connection to the server of the trial cluster was refused: %s\n" % error)
        return 1
    if answer["discovered"]:
        try:
            os.makedirs(cache, exist_ok=True)
        except OSError:
            pass  # as kubectl does on a read-only HOME: it asks again next time
    sys.stdout.buffer.write(answer["stdout"].encode())
    sys.stdout.buffer.flush()
    sys.stderr.buffer.write(answer["stderr"].encode())
    return answer["exit_code"]


if __name__ == "__main__":
    sys.exit(main())

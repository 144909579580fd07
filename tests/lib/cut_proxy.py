#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""A relay in front of PostgreSQL's unix socket that loses answers.

    cut_proxy.py LISTEN_SOCKET SERVER_SOCKET FUNCTION N

The first of every N executions of a statement, prepared or not, that calls FUNCTION is passed on to the
server; its answer is awaited, dropped, and the connection cut. That is the moment which exactly-once
is about: the work is committed, and the client does not know. Prints "cut" for each. Runs until it is
killed.
"""

import os
import re
import socket
import sys
import threading

listen_path, server_path, function, every = sys.argv[1:5]
every = int(every)
parse = re.compile(rb"P....([^\0]*)\0[^\0]*\b" + re.escape(function.encode()) + rb"\(", re.S)
EXECUTE = b"E\0\0\0\x09\0\0\0\0\0"  # the unnamed portal, all rows
lock = threading.Lock()
executed = 0


def doomed(data, names):
    """Whether the answer to this request is to be lost. names: this connection's statements that call
    the function."""
    global executed
    names.update(name for name in parse.findall(data) if name)
    unnamed = b"" in parse.findall(data) and EXECUTE in data
    if not unnamed and not any(b"\0" + name + b"\0" in data and data[:1] == b"B" for name in names):
        return False
    with lock:
        executed += 1
        return executed % every == 1 % every


def relay_answers(server, client, state):
    try:
        while data := server.recv(65536):
            if state["doomed"]:
                print("cut", flush=True)
                break
            client.sendall(data)
    except OSError:
        pass  # the client has gone
    for end in (server, client):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was faster


def serve(client):
    server = socket.socket(socket.AF_UNIX)
    server.connect(server_path)
    state, names = {"doomed": False}, set()
    threading.Thread(target=relay_answers, args=(server, client, state), daemon=True).start()
    try:
        while data := client.recv(65536):
            state["doomed"] = doomed(data, names)
            server.sendall(data)
    except OSError:
        pass  # cut
    finally:
        server.close()
        client.close()


def main():
    if os.path.exists(listen_path):
        os.unlink(listen_path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(listen_path)
    listener.listen(64)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()


main()

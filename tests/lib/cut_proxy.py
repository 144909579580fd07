#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""A relay in front of PostgreSQL's unix socket that loses answers.

    cut_proxy.py LISTEN_SOCKET SERVER_SOCKET FUNCTION[,FUNCTION]... N

The first of every N executions of a statement, prepared or not, that calls a FUNCTION is passed on to the
server; its answer is awaited, dropped, and the connection cut. That is the moment which exactly-once
is about: the work is committed, and the client does not know. Prints "cut FUNCTION" for each. Executions
of each function are counted by themselves. Runs until it is killed.
"""

import collections
import os
import re
import socket
import sys
import threading

listen_path, server_path, functions, every = sys.argv[1:5]
every = int(every)
either = b"|".join(re.escape(function.encode()) for function in functions.split(","))
parse = re.compile(rb"P....([^\0]*)\0[^\0]*\b(" + either + rb")\(", re.S)
EXECUTE = b"E\0\0\0\x09\0\0\0\0\0"  # the unnamed portal, all rows
lock = threading.Lock()
executed = collections.Counter()


def called(data, names):
    """The function that this request executes, or None. names: this connection's statements, by what
    they call."""
    parsed = parse.findall(data)
    names.update((name, function) for name, function in parsed if name)
    if parsed and not parsed[-1][0] and EXECUTE in data:
        return parsed[-1][1]
    if data[:1] == b"B":
        return next((function for name, function in names.items() if b"\0" + name + b"\0" in data), None)
    return None


def doomed(data, names):
    """The function whose answer is to be lost, or None."""
    function = called(data, names)
    if not function:
        return None
    with lock:
        executed[function] += 1
        return function if executed[function] % every == 1 % every else None


def relay_answers(server, client, state):
    try:
        while data := server.recv(65536):
            if state["doomed"]:
                print("cut", state["doomed"].decode(), flush=True)
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
    state, names = {"doomed": None}, {}
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

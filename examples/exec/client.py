#!/usr/bin/env python3
"""A client program for holdfast's protocol exec, for a store that speaks HTTP.

holdfast starts it once for each client, writes one operation a line to its standard input, and reads one
answer a line from its standard output, in any order. docs/clients.md describes both.
"""
import http.client
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

NODES = json.loads(os.environ["HOLDFAST_ENDPOINTS"])  # those of the client's own region come first
printing = threading.Lock()


def connect(timeout):
    """Returns a node that has answered, and a connection to it.

    A connection alone proves nothing: it is accepted on behalf of a node that is dead.
    """
    reasons = []
    for node in NODES:
        conn = http.client.HTTPConnection(node["address"], timeout=timeout)
        try:
            conn.request("GET", "/healthz")
            reply = conn.getresponse()
            reply.read()
            if reply.status < 300:
                return node["node"], conn
            reasons.append(f"{node['node']}: status {reply.status}")
        except (OSError, http.client.HTTPException) as e:
            reasons.append(f"{node['node']}: {e!r}")
        conn.close()
    raise LookupError("no node serves: " + "; ".join(reasons))


def request_for(op):
    """Returns the method, the path and the body of an operation's request."""
    key = quote(op.get("key", ""), safe="")
    return {
        "read": lambda: ("GET", "/kv/" + key, None),
        "write": lambda: ("PUT", "/kv/" + key, op["value"]),
        "cas": lambda: ("PUT", f"/kv/{key}?expect={quote(op['expect'], safe='')}", op["value"]),
        "add": lambda: ("POST", "/sets/" + key, op["value"]),
        "members": lambda: ("GET", "/sets/" + key, None),
        "query": lambda: ("GET", op["value"], None),
    }[op["kind"]]()


def carry_out(op):
    """Carries an operation out once, and says what is known of its effect."""
    timeout = op.get("timeoutMs", 5000) / 1000
    try:
        node, conn = connect(timeout / 2)
    except LookupError as e:
        return {"outcome": "failed", "error": str(e)}  # nothing was sent
    try:
        method, path, body = request_for(op)
        conn.request(method, path, body if body is None else body.encode())
        reply = conn.getresponse()
        text = reply.read().decode()
    except (OSError, http.client.HTTPException) as e:
        return {"outcome": "unknown", "error": repr(e)}  # it may have been carried out
    finally:
        conn.close()
    ok = {"outcome": "ok", "node": node}
    if op["kind"] == "cas" and reply.status == 412:
        return {**ok, "applied": False}
    if op["kind"] == "read" and reply.status == 404:
        return {**ok, "output": ""}  # never written
    if reply.status >= 300:
        return {"outcome": "unknown", "error": f"status {reply.status}"}  # nothing says that it had no effect
    if op["kind"] == "members":
        return {**ok, "set": json.loads(text)["items"]}
    return {**ok, "output": text, "applied": True}


def serve(line):
    op = json.loads(line)
    result = carry_out(op)
    with printing:
        print(json.dumps({"id": op["id"], **result}), flush=True)


with ThreadPoolExecutor(max_workers=16) as pool:
    for line in sys.stdin.buffer:
        pool.submit(serve, line)

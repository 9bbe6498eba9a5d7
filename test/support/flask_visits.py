"""Visits to the Flask of examples/flask-and-node, with Debian's Flask-Session: a list of visits as JSON on stdin, the answers on stdout.

A visit is {"cookie": the cookie header or null, "path": "/login?user=ann"}. An answer holds what Flask said, and the cookie that it set.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from flask_app import app


def visit(cookie, path):
    client = app.test_client(use_cookies=False)
    headers = {} if cookie is None else {"Cookie": cookie}
    answer = (client.get if path == "/see" else client.post)(path, headers=headers)
    told = answer.headers.get("Set-Cookie")
    return {"cookie": told and told.split(";")[0], "said": answer.get_json()}


print(json.dumps([visit(**each) for each in json.load(sys.stdin)]))

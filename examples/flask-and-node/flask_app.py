"""The Flask half: an ordinary application, as it was before Node came.

Its sessions are in Flask's cookie, or, with REDIS_PORT, in Redis by Flask-Session. Nothing in here knows of sojourn.
"""

import json
import os

from flask import Flask, flash, get_flashed_messages, jsonify, request, session

app = Flask(__name__)
app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]

if "REDIS_PORT" in os.environ:
    import redis
    from flask_session import Session

    app.config.update(
        SESSION_TYPE="redis",
        SESSION_REDIS=redis.Redis(port=int(os.environ["REDIS_PORT"])),
        SESSION_USE_SIGNER=True,
    )
    Session(app)


@app.post("/login")
def login():
    session["_user_id"] = request.args["user"]
    return see()


@app.post("/logout")
def logout():
    session.clear()
    return jsonify(by="flask")


@app.post("/set")
def change():
    session[request.args["key"]] = json.loads(request.args["value"])
    return see()


@app.post("/cart")
def cart():
    """Types that only Python has: a tuple, and a float that is whole."""
    session["cart"] = {"seat": ("A", 7), "price": 30.0, "count": 1}
    return see()


@app.post("/count")
def count():
    if "cart" in session:
        session["cart"]["count"] += 1
        session.modified = True
    return see()


@app.post("/drop")
def drop():
    session.pop(request.args["key"], None)
    return see()


@app.post("/flash")
def say():
    flash(request.args["text"])
    return see()


@app.post("/flashes")
def flashes():
    return jsonify(by="flask", flashes=get_flashed_messages())


@app.get("/see")
def see():
    fields = {key: value for key, value in session.items() if not key.startswith("_")}
    types = {key: type_of(value) for key, value in fields.items()}
    return jsonify(by="flask", user=session.get("_user_id"), fields=fields, types=types)


def type_of(value):
    """dict{'seat': tuple(str, int), 'price': float}"""
    kind = type(value).__name__
    if isinstance(value, dict):
        return kind + "{" + ", ".join(f"{key}: {type_of(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, (list, tuple)):
        return kind + "(" + ", ".join(map(type_of, value)) + ")"
    return kind


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]), threaded=True)

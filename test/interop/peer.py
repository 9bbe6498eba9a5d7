"""Flask's own libraries, asked by a test: a list of questions as JSON on stdin, a list of answers on stdout.

Values are in the notation of README.md. Whatever raises is an answer as well: {"refused": the exception's name}.
"""

import base64
import datetime
import decimal
import json
import pickle
import sys
import uuid

import flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import timed
from markupsafe import Markup

NOW = [0]
timed.TimestampSigner.get_timestamp = lambda self: NOW[0]


def b64(data):
    return base64.b64encode(data).decode()


def value(typed):
    if isinstance(typed, list):
        return [value(each) for each in typed]
    if not isinstance(typed, dict):
        return typed
    if not isinstance(typed.get("$"), str):
        return {key: value(each) for key, each in typed.items()}
    return MAKE[typed["$"]](typed["v"])


def items(typed):
    return [value(each) for each in typed]


MAKE = {
    "int": int,
    "float": float,
    "bytes": base64.b64decode,
    "bytearray": lambda v: bytearray(base64.b64decode(v)),
    "tuple": lambda v: tuple(items(v)),
    "set": lambda v: set(items(v)),
    "frozenset": lambda v: frozenset(items(v)),
    "uuid": uuid.UUID,
    "markup": Markup,
    "decimal": decimal.Decimal,
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "timedelta": lambda v: datetime.timedelta(*v),
    "dict": lambda v: {value(key): value(each) for key, each in v},
    "str16": lambda v: "".join(map(chr, v)),
}


def typed(it):
    kind = type(it)
    if it is None or kind in (bool,):
        return it
    if kind is int:
        return it if abs(it) < 2**53 else {"$": "int", "v": str(it)}
    if kind is str:
        return {"$": "str16", "v": [ord(c) for c in it]} if any(0xD800 <= ord(c) < 0xE000 for c in it) else it
    if kind is list:
        return [typed(each) for each in it]
    if kind is dict:
        if "$" in it or any(type(key) is not str for key in it) or any(0xD800 <= ord(c) < 0xE000 for key in it for c in key):
            return {"$": "dict", "v": [[typed(key), typed(each)] for key, each in it.items()]}
        return {key: typed(each) for key, each in it.items()}
    return {"$": kind.__name__.lower(), "v": SHOW[kind](it)}


SHOW = {
    float: repr,
    bytes: b64,
    bytearray: b64,
    tuple: lambda v: [typed(each) for each in v],
    set: lambda v: [typed(each) for each in v],
    frozenset: lambda v: [typed(each) for each in v],
    uuid.UUID: str,
    Markup: str,
    decimal.Decimal: str,
    datetime.datetime: lambda v: v.isoformat(),
    datetime.date: lambda v: v.isoformat(),
    datetime.timedelta: lambda v: [v.days, v.seconds, v.microseconds],
}

app = flask.Flask("peer")
serializers = {}


def serializer(secret):
    if secret not in serializers:
        app.secret_key = secret
        serializers[secret] = SecureCookieSessionInterface().get_signing_serializer(app)
    return serializers[secret]


def answer(question):
    what = question["ask"]
    NOW[0] = question.get("now", 0)
    if what == "write cookie":
        return {"cookie": serializer(question["secret"]).dumps(value(question["value"]))}
    if what == "read cookie":
        return {"value": typed(serializer(question["secret"]).loads(question["cookie"], max_age=question["max_age"]))}
    if what == "write pickle":
        return {"pickle": b64(pickle.dumps(value(question["value"]), protocol=question["protocol"]))}
    if what == "read pickle":
        return {"value": typed(pickle.loads(base64.b64decode(question["pickle"])))}
    if what == "read msgpack":
        import msgpack

        data = base64.b64decode(question["msgpack"])
        return {"value": typed(msgpack.unpackb(data, timestamp=3, strict_map_key=False))}
    if what == "read json":
        return {"value": typed(json.loads(base64.b64decode(question["json"])))}
    raise SystemExit(what)


def safely(question):
    try:
        return answer(question)
    except Exception as error:
        return {"refused": type(error).__name__}


with app.app_context():
    print(json.dumps([safely(question) for question in json.load(sys.stdin)]))

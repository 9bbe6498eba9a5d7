/**
 * Set-Cookie and Vary as Flask answers them, for Flask 2.2.2 and 3.1.3: once by Flask's own rules of saving, written down here, over our
 * cookie values and our transport; and once by our engine, whose rules differ in the few ways that stand in `DIFFERENT`.
 */
import { inflateSync } from 'node:zlib';
import { type HeaderLine, type RequestView, type Session, sessions } from 'sojourn';
import { type FlaskTransportOptions, flaskCookie, flaskLifetimes, flaskTransport, tuple } from 'sojourn/flask';
import { controllableClock } from 'sojourn/testing';
import { describe, expect, test } from 'vitest';
import { cookieValue } from '../../src/compat/flask/cookie-value.js';
import { Dict, type Python, Tuple } from '../../src/compat/flask/python.js';
import { python, secretOf, type Typed, vectors } from './typed.js';

interface Vector {
  id: string;
  secret: string | { b: string };
  config: Record<string, unknown>;
  steps: [string, ...Typed[]][];
  incoming_cookie: string | null;
  now: number;
  set_cookie: string[];
  vary: string | null;
}

const all = vectors<Record<string, Vector[]>>('flask-set-cookie-headers.json');
const cases = Object.entries(all).flatMap(([flask, list]) => list.map((vector) => ({ flask, ...vector })));
type Case = (typeof cases)[number];

const MONTH_S = 31 * 86_400;
const lifetimeS = ({ config }: Case) => (config.PERMANENT_SESSION_LIFETIME as number | undefined) ?? MONTH_S;

function transportOf({ flask, config, now }: Case) {
  const { SESSION_COOKIE_SAMESITE: site, SESSION_COOKIE_DOMAIN: given } = config;
  // Werkzeug 3 drops a leading dot itself, and Flask 2.2 takes the domain of SERVER_NAME where there is none.
  const server = flask === 'flask-2.2.2' && config.SERVER_NAME ? `.${config.SERVER_NAME}` : undefined;
  const domain = flask === 'flask-2.2.2' ? (given ?? server) : (given as string | undefined)?.replace(/^\./, '');
  const options: Record<string, unknown> = {
    name: config.SESSION_COOKIE_NAME,
    domain,
    path: config.SESSION_COOKIE_PATH ?? config.APPLICATION_ROOT,
    httpOnly: config.SESSION_COOKIE_HTTPONLY,
    secure: config.SESSION_COOKIE_SECURE,
    sameSite: site ? String(site).toLowerCase() : undefined,
    partitioned: config.SESSION_COOKIE_PARTITIONED,
  };
  return flaskTransport({ ...(options as FlaskTransportOptions), now: () => now * 1000 });
}

/** A compressed value is compared by what it says. */
function readable(line: string): string {
  return line.replace(/^([^=]+=)\.([\w-]+)\.([\w-]+)\.[\w-]+/, (_all, name, payload, timestamp) => {
    return `${name}${inflateSync(Buffer.from(payload, 'base64url'))} ${timestamp}`;
  });
}

const request = (cookie: string | null, name: string): RequestView => ({
  secure: true,
  proxied: false,
  header: (header) => (header === 'cookie' && cookie !== null ? `${name}=${cookie}` : undefined),
});

describe("by Flask's rules of saving", () => {
  test.each(cases)('$flask $id', (vector) => {
    const transport = transportOf(vector);
    const values = cookieValue({ keys: secretOf(vector.secret), epoch: 'unix' });
    const opened = vector.incoming_cookie && values.read(vector.incoming_cookie, vector.now, lifetimeS(vector));
    const dict = opened ? opened.dict : new Dict();
    const flags = { modified: false, accessed: false };
    for (const [step, ...args] of vector.steps) STEPS[step]!(dict, flags, ...args.map(python));

    const isPermanent = dict.get('_permanent') === true;
    const refresh = vector.config.SESSION_REFRESH_EACH_REQUEST !== false;
    const view = request(vector.incoming_cookie, 'session');
    let lines: readonly HeaderLine[] = [];
    if (dict.size === 0) lines = flags.modified ? transport.clear(view) : [];
    else if (flags.modified || (isPermanent && refresh)) {
      lines = transport.write(values.write(dict, vector.now), isPermanent ? lifetimeS(vector) * 1000 : undefined, view);
    }
    expect(lines.map(([, value]) => readable(value))).toEqual(vector.set_cookie.map(readable));
    const isVaried = flags.accessed || flags.modified || lines.length > 0;
    expect(isVaried ? transport.vary : null).toBe(vector.vary);
  });
});

type Flags = { modified: boolean; accessed: boolean };
const changed = (flags: Flags) => Object.assign(flags, { modified: true, accessed: true });

/** What a view does in one step, on the session of Flask 2.2 and 3.1. */
const STEPS: Record<string, (dict: Dict, flags: Flags, ...args: Python[]) => void> = {
  get(_dict, flags) {
    flags.accessed = true;
  },
  set: (dict, flags, key, value) => void (changed(flags) && dict.set(key!, value!)),
  pop: (dict, flags, key) => void (changed(flags) && dict.delete(key!)),
  clear: (dict, flags) => void (changed(flags) && [...dict.entries()].map(([key]) => dict.delete(key))),
  permanent: (dict, flags, value) => void (changed(flags) && dict.set('_permanent', value!)),
  touch_modified(_dict, flags) {
    flags.modified = true;
  },
  nested_set(dict, flags, key, inner, value) {
    flags.accessed = true;
    (dict.get(key!) as Dict).set(inner!, value!);
  },
  flash(dict, flags, text, category) {
    changed(flags);
    dict.set('_flashes', [...((dict.get('_flashes') as Python[]) ?? []), new Tuple([category!, text!])]);
  },
  take_flashes(dict, flags) {
    flags.accessed = true;
    if (dict.has('_flashes')) flags.modified = true;
    dict.delete('_flashes');
  },
};

/** What we do in another way, and why. */
const DIFFERENT = new Map([
  ['untouched', 'a handler that never asks for its session costs nothing, not even a refresh'],
  ['refresh_permanent_untouched', 'the same'],
  ['nested_change_not_seen', 'changes deep inside are seen'],
  ['set_then_clear_same_request', 'nobody is told to drop a cookie that he has not'],
  ['permanent_only', 'an empty session is not kept'],
  ['pop_last', 'a session that was emptied is still one, until it is destroyed'],
  ['take_flashes_only', 'the same'],
]);

describe('by the rules of the engine', () => {
  test.each(cases.filter(({ id }) => !DIFFERENT.has(id)))('$flask $id', async (vector) => {
    const clock = controllableClock(vector.now * 1000);
    const transport = transportOf(vector);
    const lifetime = lifetimeS(vector) * 1000;
    const s = sessions({
      seal: flaskCookie({ secretKey: secretOf(vector.secret), lifetime, signTimeOffset: 0 }),
      transport,
      environment: clock,
      ...flaskLifetimes(lifetime),
    });
    const name = (vector.config.SESSION_COOKIE_NAME as string | undefined) ?? 'session';
    const session = await s.open(request(vector.incoming_cookie, name));
    for (const [step, ...args] of vector.steps) HANDLERS[step]!(session, ...args);
    const lines = await s.save(session);
    const of = (header: string) => lines.filter(([line]) => line === header).map(([, value]) => value);
    expect(of('Set-Cookie').map(readable)).toEqual(vector.set_cookie.map(readable));
    expect(of('Vary')).toEqual(vector.vary === null ? [] : [vector.vary]);
    await s.close();
  });
});

const HANDLERS: Record<string, (session: Session, ...args: Typed[]) => void> = {
  get: (session, key) => void session.get(key as string),
  set: (session, key, value) => session.set(key as string, value),
  pop: (session, key) => session.delete(key as string),
  clear: (session) => session.destroy(),
  permanent: (session, value) => session.remember(value as boolean),
  touch_modified() {},
  nested_set(session, key, inner, value) {
    (session.data[key as string] as Record<string, unknown>)[inner as string] = value;
  },
  flash: (session, text, category) =>
    session.update('_flashes', (before) => [...((before as unknown[]) ?? []), tuple(category, text)]),
  take_flashes: (session) => void session.take('_flashes'),
};

/** Moving away from Flask: nobody is signed out, and nothing of Flask's is written. */
import { memory, sessions } from 'sojourn';
import { flaskCookie, flaskTransport, fromFlask } from 'sojourn/flask';
import { controllableClock } from 'sojourn/testing';
import { expect, test } from 'vitest';
import { visitor } from '../../../test/support/visitor.js';
import { cookieValue } from './cookie-value.js';
import { Dict, Float, type Python, Tuple } from './python.js';

interface Fields {
  [key: string]: unknown;
}

const now = () => Math.floor(Date.now() / 1000);
const flask = (dict: Dict) => new Map([['session', cookieValue({ keys: 'dev', epoch: 'unix' }).write(dict, now())]]);

function site(options: { keepCookie?: boolean } = {}) {
  return sessions<Fields>({
    store: memory(),
    environment: controllableClock(Date.now()),
    formerly: [fromFlask({ seal: flaskCookie({ secretKey: 'dev' }), transport: flaskTransport(), ...options })],
  });
}

const ofAnn = () =>
  Dict.of([
    ['_permanent', true],
    ['_user_id', 'ann'],
    ['cart', [new Tuple(['A', new Float(7)])]],
  ] as [Python, Python][]);

test('who was signed in with Flask goes on, in a session of ours', async () => {
  const ann = visitor(site(), flask(ofAnn()));
  expect(await ann.visit((session) => [session.user, session.get('cart')])).toEqual(['ann', [['A', 7]]]);
  expect([...ann.cookies.keys()]).toEqual(['__Host-sid']);
  expect(await ann.visit((session) => session.user)).toBe('ann');
});

test("Flask's cookie stays where Flask still runs", async () => {
  const ann = visitor(site({ keepCookie: true }), flask(ofAnn()));
  await ann.visit((session) => session.user);
  expect([...ann.cookies.keys()].sort()).toEqual(['__Host-sid', 'session']);
});

test('a forged cookie is nobody', async () => {
  const cookies = flask(ofAnn());
  cookies.set('session', `${cookies.get('session')!.slice(0, -3)}AAA`);
  expect(await visitor(site(), cookies).visit((session) => [session.user, ...session.keys()])).toEqual([undefined]);
});

test.each([
  [{}],
  [{ transport: flaskTransport() }],
  [{ transport: flaskTransport(), seal: flaskCookie({ secretKey: 'dev' }), deadline: 0 }],
])('options %j are refused', (options) => {
  expect(() => fromFlask(options as never)).toThrow(expect.objectContaining({ code: 'SOJOURN_OPTION' }));
});

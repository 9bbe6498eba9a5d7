/**
 * The weaknesses of Flask's cookie sessions, and of the post that lists "the session in the cookie" as a strategy, row by row: what
 * ours does instead. The rows are those of test/seed-strategies.test.ts.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cookie, encrypted, memory, sessions, signed } from 'sojourn';
import { flaskCookie, flaskLifetimes, flaskTransport } from 'sojourn/flask';
import { controllableClock } from 'sojourn/testing';
import { describe, expect, test } from 'vitest';
import { visitor } from './support/visitor.js';

const keys = [randomBytes(32)];
const NAME = '__Host-sid';

describe('Flask', () => {
  test('S3-1 nobody reads the cookie; with revocations one from before the logout opens nothing', async () => {
    const s = sessions({ seal: encrypted({ keys }), revocations: memory() });
    const ann = visitor(s);
    await ann.visit((session) => {
      session.login('ann@example.com');
      session.set('address', '1 Long Street');
    });
    const replayed = new Map(ann.cookies);
    expect(Buffer.from(replayed.get(NAME)!, 'base64url').toString('latin1')).not.toMatch(/ann|Long|address/);
    await ann.visit((session) => session.destroy());
    expect(await visitor(s, replayed).visit((session) => [session.user, session.get('address')])).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('S3-2 keys rotate, and what is signed is signed with SHA-256', async () => {
    const [older, newer] = [randomBytes(32), randomBytes(32)];
    for (const seal of [encrypted, signed]) {
      const token = seal({ keys: [older] }).seal(Buffer.from('session'));
      expect(seal({ keys: [newer, older] }).unseal(token)).not.toBeNull();
      expect(seal({ keys: [newer] }).unseal(token)).toBeNull();
    }
    expect(signed({ keys }).seal(Buffer.from('x')).split('.')[1]).toHaveLength(43);
  });

  test('S3-4 what is too long for a cookie is an error, or takes another cookie', async () => {
    const long = (session: { set(key: string, value: string): void }): void =>
      session.set('cart', randomBytes(3000).toString('base64'));
    await expect(visitor(sessions({ seal: encrypted({ keys }) })).visit(long)).rejects.toThrow('"cart" 4002 bytes');
    const roomy = visitor(sessions({ seal: encrypted({ keys }), transport: cookie({ parts: 2 }) }));
    await roomy.visit(long);
    expect(await roomy.visit((session) => String(session.get('cart')).length)).toBe(4000);
  });
});

describe('the session in the cookie', () => {
  test('A3a what a stolen cookie is worth is bounded by its deadline, and by revoke where there is a store for it', async () => {
    const clock = controllableClock();
    const seal = encrypted({ keys });
    const s = sessions({ seal, revocations: memory({ now: clock.now }), environment: clock });
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    const thief = visitor(s, new Map(ann.cookies));
    expect(await thief.visit((session) => session.user)).toBe('ann');
    await s.revoke('ann');
    expect(await thief.visit((session) => session.user)).toBeUndefined();

    const alone = sessions({ seal, environment: clock });
    await ann.visit((session) => session.login('ann'));
    const late = visitor(alone, new Map(ann.cookies));
    clock.advance(30 * 60_000);
    expect(await late.visit((session) => session.user)).toBeUndefined();
  });

  test("A3b the cookie is sent when something changed, and is not much longer than Flask's", async () => {
    const fields = { cart: ['popcorn', 'cola'], theme: 'dark', seats: { row: 4, numbers: [7, 8] } };
    const lengthOf = async (options: object): Promise<number> => {
      const ann = visitor(sessions(options as never));
      await ann.visit((session) => {
        for (const [name, value] of Object.entries(fields)) session.set(name, value);
      });
      expect((await ann.ask((session) => session.get('cart'))).lines).toEqual([['Vary', 'Cookie']]);
      return [...ann.cookies.values()].join('').length;
    };
    const flask = await lengthOf({
      seal: flaskCookie({ secretKey: keys[0]! }),
      transport: flaskTransport(),
      ...flaskLifetimes(),
    });
    const own = await lengthOf({ seal: encrypted({ keys }) });
    expect(own).toBeLessThan(flask * 2);
  });

  test('A3c long sessions are compressed, take more cookies, or are refused: nothing is lost in silence', async () => {
    const text = 'popcorn and cola '.repeat(300);
    const small = visitor(sessions({ seal: encrypted({ keys, compress: true }) }));
    await small.visit((session) => session.set('text', text));
    expect(await small.visit((session) => session.get('text'))).toBe(text);
    await expect(
      visitor(sessions({ seal: encrypted({ keys }) })).visit((session) => session.set('text', text)),
    ).rejects.toMatchObject({ code: 'SOJOURN_TOKEN_SIZE' });
  });

  test('A3d a missing key is an error at the start, not a silent logout', () => {
    expect(() => encrypted({ keys: [process.env.NO_SUCH_SECRET as string] })).toThrow(/keys\[0\] of encrypted/);
    const program = "import { encrypted, sessions } from 'sojourn'; sessions({ seal: encrypted({ keys: [''] }) });";
    expect(() =>
      execFileSync(process.execPath, ['--input-type=module', '-e', program], { stdio: 'pipe', encoding: 'utf8' }),
    ).toThrow(/keys\[0\] of encrypted/);
  });
});

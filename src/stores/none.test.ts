/** An application whose sessions have no place: it can be read, and the first write says what is missing. */
import { isFailure, none, sessions, type } from 'sojourn';
import { expect, test } from 'vitest';
import { visitor } from '../../test/support/visitor.js';

interface Fields {
  views: number;
}

test('a page that only reads is served, with nothing in the session and no cookie', async () => {
  const s = sessions({ data: type<Fields>(), store: none() });
  const ann = visitor(s);
  expect(await ann.visit((session) => session.get('views'))).toBeUndefined();
  expect(ann.header).toBeUndefined();
  await s.close();
});

test('the first write is an error of the application that names the option and what to put there', async () => {
  const s = sessions({ data: type<Fields>(), store: none() });
  const write = visitor(s).visit((session) => session.set('views', 1));
  await expect(write).rejects.toSatisfy((error) => isFailure(error, 'SOJOURN_OPTION') && error.fault === 'usage');
  await expect(visitor(s).visit((session) => session.login('ann'))).rejects.toThrow(/lmdb\('\.\/sessions'\)/);
  await s.close();
});

test('writes that fail do not make the store count as down: it is the setting that is wrong', async () => {
  const s = sessions({ data: type<Fields>(), store: none() });
  const down: unknown[] = [];
  s.on('storeDown', (event) => down.push(event));
  for (let i = 0; i < 20; i++)
    await visitor(s)
      .visit((session) => session.set('views', 1))
      .catch(() => {});
  expect(await s.ready()).toBe(true);
  expect(down).toEqual([]);
  await s.close();
});

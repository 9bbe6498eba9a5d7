/** Events: everybody who listens hears, and nobody who listens can disturb. */
import { expect, test } from 'vitest';
import { emitter } from './events.js';

const nextWarning = () => new Promise<Error>((resolve) => process.once('warning', resolve));

test('all listeners of an event hear it, in the order in which they came, and others do not', () => {
  const heard: string[] = [];
  const events = emitter({ created: ({ id }) => heard.push(`first ${id}`) });
  events.on('created', ({ id }) => heard.push(`second ${id}`));
  events.on('gone', ({ id }) => heard.push(`gone ${id}`));

  events.emit('created', { id: 'a' });

  expect(heard).toEqual(['first a', 'second a']);
});

test('who stops listening hears no more, and the others go on', () => {
  const heard: string[] = [];
  const events = emitter();
  const stop = events.on('gone', () => heard.push('one'));
  events.on('gone', () => heard.push('two'));

  stop();
  events.emit('gone', { id: 'a' });

  expect(heard).toEqual(['two']);
});

test('an event that nobody listens to is no trouble', () => {
  expect(() => emitter().emit('gone', { id: 'a' })).not.toThrow();
});

test('a listener that throws is told as a warning, and the next one hears all the same', async () => {
  const heard: string[] = [];
  const events = emitter();
  events.on('gone', () => {
    throw new Error('audit log is full');
  });
  events.on('gone', ({ id }) => heard.push(id));
  const warned = nextWarning();

  events.emit('gone', { id: 'a' });

  expect(heard).toEqual(['a']);
  expect(await warned).toMatchObject({
    name: 'SojournWarning',
    message: 'a listener for "gone" threw: audit log is full',
  });
});

test('an async listener that fails is a warning too, and does not end the process', async () => {
  const events = emitter();
  events.on('gone', async () => {
    throw 'text that may be secret';
  });
  const warned = nextWarning();

  events.emit('gone', { id: 'a' });

  expect((await warned).message).toBe('a listener for "gone" threw: not an error');
});

import { describe, expect, test } from 'vitest';
import { firstTable } from './first-table.js';
import { nextTable } from './next-table.js';
import { SLOTS } from './nodes.js';
import { ringOf } from './ring.js';
import { fingerprint, readTable, tableText } from './table.js';

const THREE = [
  { name: 'b', weight: 20 },
  { name: 'a', weight: 15 },
  { name: 'c', weight: 10 },
];
const { table } = firstTable(THREE, { copies: 2 });
const text = tableText(table);

/** The text with one part of it exchanged: what damage, or somebody's edit, would leave. */
function changed(from: string | RegExp, to: string): string {
  const edited = text.replace(from, to);
  expect(edited).not.toBe(text);
  return edited;
}

describe('the table document', () => {
  test('is canonical JSON, and reads back as it was', () => {
    expect(text).toMatch(
      /^\{"copies":2,"epoch":1,"format":1,"nodes":\[\{"name":"a","state":"active","weight":15,"zone":null\},/,
    );
    expect(Object.keys(JSON.parse(text))).toEqual(['copies', 'epoch', 'format', 'nodes', 'owners', 'routing', 'slots']);
    expect(readTable(text)).toEqual(table);
    expect(tableText(readTable(text))).toBe(text);
  });

  test('the order of the list of nodes changes nothing', () => {
    expect(fingerprint(firstTable(THREE.toReversed(), { copies: 2 }).table)).toBe(fingerprint(table));
  });

  test('a drained node is in it, and owns nothing', () => {
    const drained = nextTable(
      table,
      THREE.map((node) => (node.name === 'c' ? { ...node, weight: 0 } : node)),
    ).table;
    expect(drained.nodes[2]).toEqual({ name: 'c', state: 'draining', weight: 0, zone: null });
    expect(drained.owners.entries.includes(2)).toBe(false);
    expect(readTable(tableText(drained))).toEqual(drained);
  });

  test('the same list again moves nothing, at whatever epoch', () => {
    let now = table;
    for (let n = 0; n < 3; n++) now = nextTable(now, THREE).table;
    expect(now.epoch).toBe(4);
    expect(now.owners).toEqual(table.owners);
  });

  const otherOwners = (change: (entries: Uint8Array) => void) => {
    const entries = Uint8Array.from(table.owners.entries);
    change(entries);
    return tableText({ ...table, owners: { width: 2, entries } });
  };

  test.each([
    ['nothing', '', /it is not JSON/],
    ['half of it', text.slice(0, text.length / 2), /it is not JSON/],
    ['more than any table has', `${text}${' '.repeat(1024 * 1024)}`, /longer than any table/],
    ['another document', '[]', /not a JSON object/],
    ['a format of the future', changed('"format":1', '"format":2'), /format is not 1: .*update/],
    ['another number of slots', changed('16384', '1024'), /does not have 16384 slots/],
    ['a routing that we do not know', changed('id-bits', 'crc16'), /routing/],
    ['no epoch', changed('"epoch":1', '"epoch":0'), /epoch/],
    ['an epoch in text', changed('"epoch":1', '"epoch":"1"'), /epoch/],
    ['no copies', changed('"copies":2', '"copies":0'), /copies/],
    ['more copies than it has', changed('"copies":2', '"copies":3'), /owners are not 3 for each/],
    ['owners cut short', changed(/"owners":"..../, '"owners":"'), /owners are not 2 for each/],
    ['owners in another alphabet', changed(/"owners":"./, '"owners":"+'), /slot 0|one spelling/],
    ['owners that are no text', changed(/"owners":"[^"]*"/, '"owners":[]'), /owners are not a text/],
    [
      'an owner that does not exist',
      otherOwners((entries) => entries.fill(3, 6, 7)),
      /slot 3 has an owner that is not/,
    ],
    ['one owner twice', otherOwners((entries) => entries.fill(1, 8, 10)), /slot 4 has one owner twice/],
    ['a node twice', changed('"name":"b"', '"name":"a"'), /distinct names/],
    ['nodes in another order', changed('"name":"a"', '"name":"z"'), /order of names/],
    ['a node without a weight', changed('"weight":15,', ''), /nodes are not/],
    ['a state that contradicts the weight', changed('active', 'draining'), /nodes are not/],
    ['an address', changed('"state"', '"host":"x","state"'), /one spelling/],
    ['spaces', changed('{"copies"', '{ "copies"'), /one spelling/],
    ['a key twice', changed('{"copies":2', '{"copies":2,"copies":2'), /one spelling/],
    ['a key more', changed('{"copies"', '{"__proto__":{},"copies"'), /one spelling/],
  ])('%s is refused', (_, damaged, problem) => {
    expect(() => readTable(damaged)).toThrow(
      expect.objectContaining({ code: 'SOJOURN_CORRUPT', message: expect.stringMatching(problem) }),
    );
    expect(() => readTable(damaged)).toThrow(/Use the table of another node with the highest epoch/);
  });
});

describe('a ring', () => {
  const ring = ringOf(table);

  test('gives the owners of a session, the home first, as the table has them', () => {
    const id = Buffer.from('123456'.padEnd(32, '0'), 'hex').toString('base64url');
    const [home, next] = table.owners.entries.subarray(2 * 1165, 2 * 1165 + 2);
    expect(ring.slotOf(id)).toBe(1165);
    expect(ring.nodesFor(id)).toEqual([table.nodes[home!]!.name, table.nodes[next!]!.name]);
    expect(ring.nodesOf(1165)).toBe(ring.nodesFor(id));
    expect(ring.fingerprint).toBe(fingerprint(table));
  });

  test('one frozen list for each combination of owners, however many sessions share it', () => {
    const lists = new Set(Array.from({ length: SLOTS }, (_, slot) => ring.nodesOf(slot)));
    expect(lists.size).toBe(6);
    for (const list of lists) expect(Object.isFrozen(list)).toBe(true);
  });

  test('anything may stand for a node', () => {
    const clients = new Map(table.nodes.map(({ name }) => [name, { name }]));
    const own = ringOf(table, ({ name }) => clients.get(name)!);
    expect(own.nodesFor('abc')[0]).toBe(clients.get(ring.nodesFor('abc')[0]!));
  });

  test('routing sha256 goes by the digest, also for ids of our own form', () => {
    const foreign = ringOf(firstTable(THREE, { copies: 2, routing: 'sha256' }).table);
    const ids = Array.from({ length: 50 }, (_, n) => `AAAA${String(n).padStart(18, '0')}`);
    expect(new Set(ids.map((id) => ring.slotOf(id))).size).toBe(1);
    expect(new Set(ids.map((id) => foreign.slotOf(id))).size).toBeGreaterThan(45);
  });
});

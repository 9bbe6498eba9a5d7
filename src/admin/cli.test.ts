/**
 * The tool as operators use it: the built program, on real files, judged by what it prints and how it exits.
 */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CLI, sojourn } from '../../test/support/cli.js';
import { need, skipUnless } from '../../test/support/needs.js';
import { freePort } from '../../test/support/ports.js';
import { start } from '../../test/support/spawn.js';
import { tempFolder } from '../../test/support/temp.js';
import { inspectTable } from '../ring/compare.js';
import { firstTable } from '../ring/first-table.js';
import { nextTable } from '../ring/next-table.js';
import { ringOf } from '../ring/ring.js';
import { fingerprint, readTable, tableText } from '../ring/table.js';
import { type Output, run } from './run.js';

const POST = [
  { name: 'a', weight: 15 },
  { name: 'b', weight: 20 },
  { name: 'c', weight: 10 },
];
const NODES = ['--nodes', 'a=15,b=20,c=10', '--copies', '2'];
/** What a style of ours looks like to a terminal. */
const OWN_STYLE = new RegExp(`${'\x1b'}\\[[0-9;]+m`, 'g');
/** Those that ask a ring that runs are driven in live.test.ts. */
const COMMANDS = [
  'show',
  'where',
  'plan',
  'simulate',
  'status',
  'apply',
  'pause',
  'resume',
  'abort',
  'drain',
  'repair',
  'verify',
];
const ID = 'q2Zc0cYyPkS1aVtCq0mLbA';

/** A folder with the ring of the post in ring.json. */
function folderWithRing() {
  const folder = tempFolder('cli');
  const { table } = firstTable(POST, { copies: 2 });
  writeFileSync(join(folder, 'ring.json'), tableText(table));
  const at = (name: string) => join(folder, name);
  return { folder, table, at, run: (...args: string[]) => sojourn(args, folder) };
}

describe('ring show', () => {
  test('shows who holds how much, and what a death would do', async () => {
    const { run } = folderWithRing();
    const { exit, stdout, stderr } = await run('ring', 'show', '--table', 'ring.json');
    expect([exit, stderr]).toEqual([0, '']);
    expect(stdout).toMatchInlineSnapshot(`
      "Ring of 3 nodes, 2 copies  epoch 1
      fingerprint 45f877fb8967dd7d0270c83620234ccc6b7866051fd1f2d66e01edea4d00a649

      node  weight   share  copies    ideal  homes   ideal
      a         15  33.3 %   10923  10922.7   5461  5461.3  ━━━━━━━━━━━━━━━━━━━━━━━┃────────
      b         20  44.4 %   14563  14563.6   7282  7281.8  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┃
      c         10  22.2 %    7282   7281.8   3641  3640.9  ━━━━━━━━━━━━━━━━┃───────────────

      Most over its share: copies 1.0000, homes 1.0000

      if it died  busiest survivor  homes over its share  at best
      a           b                                1.077    1.000
      c           b                                1.077    1.000
      b           a                                1.026    1.000
      "
    `);
  });

  test('says the same of a list of nodes, of a JSON file of nodes, and of the table', async () => {
    const { run, at } = folderWithRing();
    writeFileSync(at('nodes.json'), JSON.stringify(POST.toReversed()));
    const [ofTable, ofList, ofFile] = await Promise.all([
      run('ring', 'show', '--table', 'ring.json'),
      run('ring', 'show', ...NODES),
      run('ring', 'show', '--nodes', 'nodes.json', '--copies=2'),
    ]);
    expect(ofList).toEqual(ofTable);
    expect(ofFile).toEqual(ofTable);
  });

  test('tells a script everything as JSON', async () => {
    const { run, table } = folderWithRing();
    const { exit, stdout } = await run('ring', 'show', '--table', 'ring.json', '--json');
    const { loads, ...rest } = inspectTable(table);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      epoch: 1,
      fingerprint: fingerprint(table),
      copies: 2,
      owners: 2,
      routing: 'id-bits',
      nodes: table.nodes.map((node, n) => ({ ...node, ...loads[n] })),
      ...rest,
      attention: [],
      notes: [],
    });
  });

  test('zones that cannot keep copies apart, and copies that have no node, need attention', async () => {
    const [crowded, few] = await Promise.all([
      sojourn(['ring', 'show', '--nodes', 'a@x,b@x', '--copies', '2']),
      sojourn(['ring', 'show', '--nodes', 'a,b', '--copies', '3']),
    ]);
    expect(crowded).toMatchObject({ exit: 1, stderr: '' });
    expect(crowded.stdout).toContain('! 2 copies are spread over 1 zones');
    expect(few).toMatchObject({ exit: 1, stderr: '' });
    expect(few.stdout).toContain('Ring of 2 nodes, 3 copies (2 for now)');
    expect(few.stdout).toContain('! 3 copies were asked for');
  });

  test('a weight that cannot be followed is a note, which stops no script', async () => {
    const { exit, stdout } = await sojourn(['ring', 'show', '--nodes', 'a=90,b=5,c=5', '--copies', '2']);
    expect(exit).toBe(0);
    expect(stdout).toContain('- Node a has 90 % of the weight');
  });

  test('one copy is told from two', async () => {
    const { exit, stdout } = await sojourn(['ring', 'show', '--nodes', 'a,b']);
    expect(exit).toBe(0);
    expect(stdout).toContain('One copy: while a node is away, so are its sessions');
  });

  test('256 nodes with the longest names are shown, too', async () => {
    const folder = tempFolder('cli');
    const nodes = Array.from({ length: 256 }, (_, n) => ({ name: `n${n}`.padEnd(64, '-'), weight: 1_000_000 - n }));
    writeFileSync(join(folder, 'many.json'), JSON.stringify(nodes));
    const { exit, stdout } = await sojourn(['ring', 'show', '--nodes', 'many.json'], folder);
    expect(exit).toBe(0);
    expect(stdout.split('\n').filter((line) => line.startsWith('n')).length).toBe(257);
  });
});

describe('ring show --svg', () => {
  test('draws every slot once, in the colour of its home', async () => {
    const { run, table } = folderWithRing();
    const { exit, stdout } = await run('ring', 'show', '--table', 'ring.json', '--svg');
    expect(exit).toBe(0);
    const homes = slotsDrawn(stdout);
    expect([...homes.keys()].sort()).toEqual(['a', 'b', 'c']);
    const ring = ringOf(table);
    for (const [name, slots] of homes) for (const slot of slots) expect(ring.nodesOf(slot)[0]).toBe(name);
    expect([...homes.values()].flat()).toHaveLength(16384);
    expect(stdout).toContain(fingerprint(table));
  });

  test('holds nothing that runs, and nothing from elsewhere', async () => {
    const { stdout } = await sojourn(['ring', 'show', ...NODES, '--svg']);
    expect(stdout).not.toMatch(/<script|\son\w+=|href|url\(|@import|<foreignObject/i);
    expect(stdout.match(/https?:[^"]*/g)).toEqual(['http://www.w3.org/2000/svg']);
  });
});

describe('ring where', () => {
  test('names the nodes of a session in the order in which they are asked', async () => {
    const { run } = folderWithRing();
    const { exit, stdout } = await run('ring', 'where', ID, '--table', 'ring.json');
    expect(exit).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "Ring of 3 nodes, 2 copies  epoch 1
      fingerprint 45f877fb8967dd7d0270c83620234ccc6b7866051fd1f2d66e01edea4d00a649

      id    q2Zc0cYyPkS1aVtCq0mLbA
      slot  10969 of 16384, by the first 14 bits of the id

              node  weight
      home    b         20
      copy 2  c         10
      "
    `);
  });

  test('agrees with the ring about any text, one that begins with a hyphen too', async () => {
    const { run, table } = folderWithRing();
    const ring = ringOf(table);
    const ids = [ID, '-2Zc0cYyPkS1aVtCq0mLbA', '--c0cYyPkS1aVtCq0mLbAA', 'sess:abc', 'q2Zc0cYyPkS1aVtCq0mL', '日本'];
    for (const id of ids) {
      const { exit, stdout } = await run('ring', 'where', id, '--table', 'ring.json', '--json');
      const { slot, nodes } = JSON.parse(stdout) as { slot: number; nodes: { name: string }[] };
      expect([id, exit, slot, nodes.map(({ name }) => name)]).toEqual([id, 0, ring.slotOf(id), ring.nodesFor(id)]);
    }
    const dashed = await run('ring', 'where', '--json', '--table', 'ring.json', '--', '--what');
    expect(JSON.parse(dashed.stdout)).toMatchObject({ id: '--what', by: 'sha256', slot: ring.slotOf('--what') });
  });

  test('refuses a whole token, and does not repeat its secret', async () => {
    const secret = 'S3cretS3cretS3cretS3cretS3cretS3cretS3cretA';
    const token = `${ID}.${secret}`;
    for (const word of [
      token,
      `__Host-sid=${token}`,
      `${ID}.${secret.slice(0, 20)}`,
      `-${token.slice(1)}`,
      `--${token.slice(2)}`,
    ]) {
      const { exit, stdout, stderr } = await sojourn(['ring', 'where', word, ...NODES]);
      expect([exit, stdout]).toEqual([2, '']);
      expect(stderr).toContain('looks like a whole token');
      expect(stderr).not.toContain('S3cret');
    }
  });

  test('nor does any other complaint about something that was typed', async () => {
    const secret = 'S3cretS3cretS3cretS3cretS3cretS3cretS3cretA';
    const token = `${ID}.${secret}`;
    const places = [
      [token],
      ['ring', token],
      ['ring', 'show', token],
      ['ring', 'show', `--x${token}`],
      ['ring', 'show', '--table', token],
    ];
    for (const words of places) {
      const { exit, stderr } = await inProcess(words);
      expect(exit).toBeGreaterThan(0);
      expect(stderr).toContain(`${ID}....`);
      expect(stderr).not.toContain('S3cret');
    }
  });
});

describe('ring plan', () => {
  test('tells what a change moves, beside the least that could, and changes nothing', async () => {
    const { run, at } = folderWithRing();
    const before = readFileSync(at('ring.json'), 'utf8');
    const { exit, stdout } = await run('ring', 'plan', '--table', 'ring.json', '--add', 'n4,weight=15', '--drain', 'c');
    expect(exit).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "Plan: add n4 (weight 15), drain c
      epoch 1  fingerprint 45f877fb8967dd7d0270c83620234ccc6b7866051fd1f2d66e01edea4d00a649
         to 2  fingerprint c41d64fd0671f3f611517ae41f3b2558f4d4291c4160cbb161b22091528c01ae

      node   weight  copies   then  change    ideal  homes  then
      a          15   10923   9831   -1092   9830.4   5461  4915
      b          20   14563  13107   -1456  13107.2   7282  6554
      c     10 to 0    7282      0   -7282      0.0   3641     0
      n4     new 15       -   9830   +9830   9830.4      -  4915

      Copies that travel  9830 of 32768 (30.0 %), at least 9830: 1.000 times the minimum
      Slots with another home  4949
      Busiest survivor of a death  1.077 before, 1.051 after (times its share)

      from  to  copies  of all
      c     n4    7282  74.1 %  ━━━━━━━━━━━━━━━━━━━━━━━━
      b     n4    1456  14.8 %  ━━━━━
      a     n4    1092  11.1 %  ━━━━

      Nothing was changed or written. With --out FILE the table is written to a file.
      "
    `);
    expect(readFileSync(at('ring.json'), 'utf8')).toBe(before);
  });

  test('writes the next table, whose fingerprint is the SHA-256 of the file', async () => {
    const { run, at, table } = folderWithRing();
    const change = ['--table', 'ring.json', '--weight', 'a=30', '--remove', 'b', '--add', 'd,weight=7'];
    const { exit, stdout } = await run('ring', 'plan', ...change, '--out', 'next.json', '--json');
    const expected = nextTable(table, [
      { name: 'a', weight: 30 },
      { name: 'c', weight: 10 },
      { name: 'd', weight: 7 },
    ]).table;
    const text = readFileSync(at('next.json'), 'utf8');
    expect(exit).toBe(0);
    expect(text).toBe(tableText(expected));
    expect(JSON.parse(stdout)).toMatchObject({
      changes: ['add d (weight 7)', 'remove b', 'give a weight 30'],
      before: { epoch: 1, fingerprint: fingerprint(table) },
      after: { epoch: 2, fingerprint: createHash('sha256').update(text).digest('hex') },
      ratio: expect.closeTo(1, 1),
      out: 'next.json',
    });
    expect((await run('ring', 'show', '--table', 'next.json')).exit).toBe(0);
  });

  test('a new ring is a plan without a change', async () => {
    const { run, at, table } = folderWithRing();
    const { exit, stdout } = await run('ring', 'plan', ...NODES, '--out', 'first.json');
    expect(exit).toBe(0);
    expect(readTable(readFileSync(at('first.json'), 'utf8'))).toEqual(table);
    expect(stdout).toContain('The table is in "first.json".');
  });

  test('another number of copies is a change of a table', async () => {
    const { run } = folderWithRing();
    const { exit, stdout } = await run('ring', 'plan', '--table', 'ring.json', '--copies', '3', '--json');
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ changes: ['keep 3 copies'], moved: 16384, minimum: 16384 });
  });

  test('never replaces a file', async () => {
    const { run, at } = folderWithRing();
    const before = readFileSync(at('ring.json'), 'utf8');
    const answer = await run('ring', 'plan', '--table', 'ring.json', '--remove', 'a', '--out', 'ring.json');
    expect(answer).toEqual({
      exit: 1,
      stdout: '',
      stderr: 'sojourn ring plan: --out "ring.json" is there already; remove it, or choose another name.\n',
    });
    expect(readFileSync(at('ring.json'), 'utf8')).toBe(before);
  });

  test.each([
    [['--add', 'a'], '--add names node a, which is in this ring already; use --weight a=N to change it'],
    [['--remove', 'n9'], '--remove names node n9, which is not in this ring; there are a, b, c'],
    [['--weight', 'a=15'], '--weight: node a has weight 15 already, so nothing would change'],
    [['--copies', '2'], '--copies: the ring has 2 copies already, so nothing would change'],
    [
      ['--add', 'd,zone=x'],
      'After this change the nodes of the ring must have a zone each, or none at all, but a has none',
    ],
    [
      ['--drain', 'a', '--drain', 'b', '--remove', 'c'],
      'After this change the nodes of the ring must have at least one node whose weight is not 0',
    ],
  ])('%j is refused with the reason', async (change, reason) => {
    const { run, at } = folderWithRing();
    const answer = await run('ring', 'plan', '--table', 'ring.json', ...change, '--out', 'next.json');
    expect({ ...answer, stderr: unwrapped(answer.stderr) }).toEqual({
      exit: 1,
      stdout: '',
      stderr: `sojourn ring plan: ${reason}.`,
    });
    expect(existsSync(at('next.json'))).toBe(false);
  });
});

describe('ring simulate', () => {
  test('shows the survivors of a death', async () => {
    const { run } = folderWithRing();
    const { exit, stdout } = await run('ring', 'simulate', '--kill', 'b', '--table', 'ring.json');
    expect(exit).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "Ring of 3 nodes, 2 copies  epoch 1
      fingerprint 45f877fb8967dd7d0270c83620234ccc6b7866051fd1f2d66e01edea4d00a649

      If b died

      survivor  homes   then     more   share   load
      a          5461  10082  +84.6 %  9830.4  1.026  ━━━━━━━━━━━━━━━━━━━━━━━━━━┃━
      c          3641   6302  +73.1 %  6553.6  0.962  ━━━━━━━━━━━━━━━━━─┃─────────

      14563 of 16384 slots (88.9 %) are down to 1 copy
      1821 of 16384 slots (11.1 %) keep all their copies
      "
    `);
  });

  test('agrees with ring show about the death of each node', async () => {
    const { run, table } = folderWithRing();
    const { deaths } = inspectTable(table);
    for (const { name, busiest, load } of deaths) {
      const { stdout } = await run('ring', 'simulate', '--kill', name, '--table', 'ring.json', '--json');
      const { survivors } = JSON.parse(stdout) as { survivors: { name: string; load: number }[] };
      const first = survivors.toSorted((a, b) => b.load - a.load)[0];
      expect(first).toMatchObject({ name: busiest, load: expect.closeTo(load, 9) });
    }
    expect(deaths).toHaveLength(3);
  });

  test('two deaths at once leave slots without a node, and the exit code says so', async () => {
    const { run } = folderWithRing();
    const { exit, stdout } = await run(
      'ring',
      'simulate',
      '--kill',
      'a',
      '--kill',
      'b',
      '--table',
      'ring.json',
      '--json',
    );
    expect(exit).toBe(1);
    const { slotsByCopies, survivors } = JSON.parse(stdout);
    // Every slot has two of three nodes, so each either has c or nobody.
    expect(slotsByCopies).toEqual([16384 - 7282, 7282, 0]);
    expect(survivors).toMatchObject([{ name: 'c', homesAfter: 7282, load: 1 }]);
  });

  test('nobody is left when all die, and nothing breaks', async () => {
    const { run } = folderWithRing();
    const all = ['--kill', 'a', '--kill', 'b', '--kill', 'c'];
    const { exit, stdout } = await run('ring', 'simulate', ...all, '--table', 'ring.json');
    expect(exit).toBe(1);
    expect(stdout).toContain('! 16384 of 16384 slots (100.0 %) have no node left');
  });
});

describe('a file that is not what it should be', () => {
  const good = tableText(firstTable(POST, { copies: 2 }).table);
  const files: readonly (readonly [what: string, content: string | Buffer, reason: string])[] = [
    ['nothing', '', 'it is not JSON'],
    ['half a table', good.slice(0, 20_000), 'it is not JSON'],
    ['a list of nodes', '[{"name":"a"}]', '(A list of nodes goes to --nodes.)'],
    [
      'another format',
      good.replace('"format":1', '"format":2'),
      'its format is not 1: a newer sojourn may have written it',
    ],
    [
      'an epoch beyond all numbers',
      good.replace('"epoch":1', '"epoch":1e999'),
      'its epoch is not a whole number from 1',
    ],
    [
      'a node with an escape sequence',
      good.replace('"name":"a"', '"name":"\\u001b[2J"'),
      'its nodes are not { name, state, weight, zone } each',
    ],
    ['spaces', JSON.stringify(JSON.parse(good), null, 2), 'it is not in its one spelling'],
    ['a key twice', good.replace('{"copies":2,', '{"copies":2,"copies":2,'), 'it is not in its one spelling'],
    ['no text', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'is not a text in UTF-8'],
    ['two megabytes', 'x'.repeat(2_000_000), 'is larger than 1 MiB'],
    ['deep brackets', '['.repeat(500_000), 'it is not JSON'],
  ];

  test.each(files)('%s: one sentence that says what to do', async (_what, content, reason) => {
    const { run, at } = folderWithRing();
    writeFileSync(at('bad.json'), content);
    const { exit, stdout, stderr } = await run('ring', 'show', '--table', 'bad.json');
    expect([exit, stdout]).toEqual([1, '']);
    expect(unwrapped(stderr)).toContain(reason);
    expectSentence(stderr);
  });

  test('a line end that an editor has added is no damage', async () => {
    const { run, at } = folderWithRing();
    writeFileSync(at('edited.json'), `${good}\n`);
    expect((await run('ring', 'show', '--table', 'edited.json')).exit).toBe(0);
  });

  test('a path that leads nowhere, or to a folder', async () => {
    const { run, at } = folderWithRing();
    mkdirSync(at('folder'));
    const [missing, folder, nowhere] = await Promise.all([
      run('ring', 'show', '--table', 'none.json'),
      run('ring', 'show', '--table', 'folder'),
      run('ring', 'plan', ...NODES, '--out', 'no/such/place.json'),
    ]);
    expect([missing.exit, missing.stderr]).toEqual([
      1,
      'sojourn ring show: --table "none.json" does not exist; look at the path.\n',
    ]);
    expect([folder.exit, folder.stderr]).toEqual([
      1,
      'sojourn ring show: --table "folder" is a folder; name a file in it.\n',
    ]);
    expect([nowhere.exit, nowhere.stderr]).toEqual([
      1,
      'sojourn ring plan: --out "no/such/place.json" does not exist; look at the path.\n',
    ]);
  });

  test.each([
    ['{"nodes":[]}', 'it must be a JSON array'],
    ['[]', 'nodes of the ring must have at least one node whose weight is not 0'],
    ['[{"name":"a","wieght":1}]', 'wieght of nodes[0] is not an option of nodes[0]; did you mean weight?'],
    ['[{"name":"a","weight":-1}]', 'weight of node a must be a whole number from 0 (drain) to 1000000'],
    ['[{"name":"a","weight":"15"}]', 'weight of node a must be a whole number from 0 (drain) to 1000000'],
    ['[{"name":"a"},{"name":"a"}]', 'must have distinct names, but a is there twice'],
    ['[{"name":"\\u001b]0;pwn\\u0007"}]', 'name of nodes[0] of the ring must be 1 to 64 of'],
    ['[{"\\u001b]0;pwn\\u0007":1}]', '\\x1b]0;pwn\\x07 of nodes[0] is not an option'],
    ['[null]', 'of nodes[0] must be an object'],
    ['{"owners":"AQAA"}', 'it is the table of a ring; give it to --table'],
  ])('nodes in JSON, %s', async (content, reason) => {
    const { at } = folderWithRing();
    writeFileSync(at('nodes.json'), content);
    const { exit, stdout, stderr } = await inProcess(['ring', 'show', '--nodes', at('nodes.json')]);
    expect([exit, stdout]).toEqual([1, '']);
    expect(unwrapped(stderr)).toContain(reason);
    expectSentence(stderr);
  });
});

describe('what was typed wrongly', () => {
  const slips: readonly (readonly [args: string[], complaint: string])[] = [
    [[], 'which command? There is ring'],
    [['rign'], '"rign" is no command; did you mean ring?'],
    [['ring'], 'which command of ring? There is show, where, plan, simulate'],
    [['ring', 'shwo'], '"shwo" is no command of ring; did you mean show?'],
    [['ring', 'constructor'], '"constructor" is no command of ring'],
    [['ring', 'promote'], '"promote" is no command of ring'],
    [['ring', 'show'], '--table is missing: name a ring by --table FILE'],
    [['ring', 'show', '--tabel', 'x'], '--tabel is not an option here; did you mean --table?'],
    [['ring', 'show', '--__proto__=x'], '--__proto__ is not an option here'],
    [['ring', 'show', '-x'], '-x is not an option here'],
    [['ring', 'show', '--table'], '--table needs a value: --table FILE'],
    [['ring', 'show', '--table', '--json'], '--table needs a value: --table FILE'],
    [['ring', 'show', '--table='], '--table needs a value: --table FILE'],
    [['ring', 'show', '--table', 'a', '--table', 'b'], '--table is there twice'],
    [['ring', 'show', '--table', 'a', '--nodes', 'b'], '--nodes does not go with --table'],
    [['ring', 'show', '--table', 'a', '--copies', '2'], '--copies goes with --nodes'],
    [['ring', 'show', '--json=yes', ...NODES], '--json takes no value, got "yes"'],
    [['ring', 'show', '--json', '--svg', ...NODES], '--svg does not go with --json'],
    [['ring', 'show', 'ring.json'], 'takes options only, no further words, got "ring.json"'],
    [['ring', 'show', '--nodes', 'a', '--copies', '6'], '--copies must be a whole number from 1 to 5, got "6"'],
    [['ring', 'show', '--nodes', 'a', '--copies', '1e0'], '--copies must be a whole number from 1 to 5, got "1e0"'],
    [
      ['ring', 'show', '--nodes', 'a=1.5'],
      'weight of a in --nodes must be a whole number from 0 to 1000000, got "1.5"',
    ],
    [
      ['ring', 'show', '--nodes', `a=${'9'.repeat(400)}`],
      'weight of a in --nodes must be a whole number from 0 to 1000000',
    ],
    [['ring', 'show', '--nodes', 'a=,b'], 'weight of a in --nodes must be a whole number'],
    [['ring', 'show', '--nodes', 'a,,b'], '--nodes has a name that cannot be'],
    [['ring', 'show', '--nodes', 'a b'], '--nodes has a name that cannot be'],
    [['ring', 'show', '--nodes', 'a@'], '--nodes has a zone that cannot be'],
    [['ring', 'show', '--nodes', 'a=0'], 'must have at least one node whose weight is not 0'],
    [['ring', 'show', '--nodes', Array.from({ length: 257 }, (_, n) => `n${n}`).join()], 'must not be more than 256'],
    [['ring', 'where', ...NODES], '<id> is missing'],
    [['ring', 'where', 'one', 'two', ...NODES], '<id> must be one id'],
    [['ring', 'where', 'x'.repeat(1025), ...NODES], '<id> must be at most 1024 characters, and has 1025'],
    [
      ['ring', 'plan', '--table', 'package.json', '--add', 'n4=10.0.0.4:6379'],
      'an address is configuration, not placement',
    ],
    [['ring', 'plan', ...NODES, '--add', 'n4@east'], '--add takes a name first, like --add n4,weight=15,zone=b'],
    [['ring', 'plan', ...NODES, '--add', 'n4,wieght=1'], '--add takes a name, then weight= and zone= once each'],
    [
      ['ring', 'plan', ...NODES, '--add', 'n4,weight=1,weight=2'],
      '--add takes a name, then weight= and zone= once each',
    ],
    [['ring', 'plan', ...NODES, '--weight', 'a'], '--weight takes a name and a weight, like --weight n1=30'],
    [
      ['ring', 'plan', ...NODES, '--weight', 'a=1000001'],
      'weight of --weight a must be a whole number from 0 to 1000000',
    ],
    [['ring', 'plan', ...NODES, '--remove', 'a', '--drain', 'a'], 'names node a, which another option names as well'],
    [['ring', 'simulate', ...NODES], '--kill is missing'],
  ];

  test.each(slips.map(([args, complaint]) => [complaint, args] as const))('%s', async (complaint, args) => {
    const { exit, stdout, stderr } = await inProcess(args);
    expect([exit, stdout]).toEqual([2, '']);
    expect(unwrapped(stderr)).toContain(complaint);
    expect(stderr).toMatch(/\nTry: sojourn.* --help\n$/);
    expectSentence(stderr);
  });

  test('the program says it on its error stream, and its exit code is 2', async () => {
    expect(await sojourn(['ring', 'shwo'])).toEqual({
      exit: 2,
      stdout: '',
      stderr: 'sojourn ring: "shwo" is no command of ring; did you mean show?\nTry: sojourn ring --help\n',
    });
  });

  test('a plan of a table without a change', async () => {
    const { run } = folderWithRing();
    const { exit, stderr } = await run('ring', 'plan', '--table', 'ring.json');
    expect(exit).toBe(2);
    expect(unwrapped(stderr)).toContain('CHANGE is missing: give --add, --remove, --weight, --drain or --copies');
  });

  test('a node that is not there', async () => {
    const { exit, stderr } = await sojourn(['ring', 'simulate', '--kill', 'z', ...NODES]);
    expect([exit, stderr]).toEqual([
      1,
      'sojourn ring simulate: --kill names node z, which is not in this ring; there are a, b, c.\n',
    ]);
  });
});

describe('help', () => {
  test('every command explains each of its options', async () => {
    const overview = await sojourn(['--help']);
    expect(overview).toMatchObject({ exit: 0, stderr: '' });
    for (const name of COMMANDS) {
      expect(overview.stdout).toContain(`sojourn ring ${name}`);
      const { exit, stdout } = await sojourn(['ring', name, '--help']);
      expect(exit).toBe(0);
      for (const [option] of stdout.split('\n', 3).join().matchAll(/--\w+/g)) expect(stdout).toContain(`\n  ${option}`);
      expect(stdout).toContain('Exit codes: 0 fine; 1 if');
      expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(100);
    }
  });

  test('the examples in it work', async () => {
    const { folder, table, at, run } = folderWithRing();
    const nowhere = await freePort();
    writeFileSync(at('table.json'), tableText(table));
    writeFileSync(at('ring.json'), JSON.stringify({ nodes: [{ name: 'a', url: `redis://127.0.0.1:${nowhere}` }] }));
    writeFileSync(at('plan.json'), JSON.stringify({ before: tableText(table), after: tableText(table), moves: [] }));
    const helps = await Promise.all(COMMANDS.map((name) => run('ring', name, '--help')));
    const examples = helps.flatMap(({ stdout }) => stdout.match(/(?<=^ {2}sojourn ).*$/gm) ?? []);
    expect(examples.length).toBeGreaterThan(15);
    const tried = examples.map(async (example, n) => {
      const args = example
        .replace(/--out \S+/, `--out new-${n}.json`)
        .replace('--kill n1 --kill n2', '--kill a')
        .split(' ');
      const { exit, stderr } = await sojourn(args, folder);
      // Of a ring that runs it is enough here that the words are understood.
      const isLive = example.includes('--ring');
      expect([example, exit]).toEqual([example, isLive ? 1 : 0]);
      if (isLive) expect(unwrapped(stderr)).toContain('none of the nodes answers');
      else expect(stderr).toBe('');
    });
    await Promise.all(tried);
  }, 120_000);

  test('--version is the one of package.json', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await sojourn(['--version'])).toEqual({ exit: 0, stdout: `sojourn ${version}\n`, stderr: '' });
  });
});

describe('where the output goes', () => {
  test('a reader that has seen enough is no fault', async () => {
    const program = spawn(process.execPath, [CLI, 'ring', 'show', ...NODES, '--svg'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let complaints = '';
    program.stderr.on('data', (chunk) => {
      complaints += chunk;
    });
    program.stdout.destroy();
    const exit = await new Promise((done) => program.once('close', done));
    expect([exit, complaints]).toEqual([0, '']);
  });

  const { test: withFullDisk } = skipUnless(existsSync('/dev/full'), 'there is no /dev/full here', {
    unobtainable: true,
  });
  withFullDisk('a full disk is one', async () => {
    const program = spawn(process.execPath, [CLI, 'ring', 'show', ...NODES, '--svg'], {
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    });
    let complaints = '';
    program.stderr?.on('data', (chunk) => {
      complaints += chunk;
    });
    const exit = await new Promise((done) => program.once('close', done));
    expect([exit, complaints]).toEqual([1, 'sojourn: the output could not be written (ENOSPC).\n']);
  });

  const python = need('python');
  const inTerminal = (env: Record<string, string | undefined>) =>
    start(
      python.path(),
      [
        '-c',
        'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)',
        process.execPath,
        CLI,
        'ring',
        'where',
        '\x1b]0;pwn\x07',
        ...NODES,
      ],
      {
        env: { TERM: 'xterm', NO_COLOR: undefined, ...env },
      },
    );

  python.test('a terminal gets colours, and nothing else that it would obey', async () => {
    const program = await inTerminal({});
    expect((await program.exited).code).toBe(0);
    const output = program.output();
    expect(output).toContain('\x1b[1mRing of 3 nodes, 2 copies\x1b[0m');
    expect(output).toContain('\\x1b]0;pwn\\x07');
    expect(output.replaceAll(OWN_STYLE, '')).not.toMatch(/[^\P{C}\r\n]/u);
  });

  python.test('a terminal with NO_COLOR gets none', async () => {
    const program = await inTerminal({ NO_COLOR: '1' });
    expect((await program.exited).code).toBe(0);
    expect(program.output()).toContain('Ring of 3 nodes, 2 copies');
    expect(program.output()).not.toContain('\x1b');
  });
});

/** The same words without a process around them: for tables of slips, of which each is as good as any other. */
function inProcess(args: readonly string[]): Promise<Output> {
  const look = { colours: false, columns: 100 };
  return run(args, look, look);
}

/** The slots that a picture draws for each node. */
function slotsDrawn(svg: string): Map<string, number[]> {
  const nodes = svg.matchAll(/<g class="node"><title>([^:]+):[^<]*<\/title>\n<path [^>]* d="([^"]*)"/g);
  return new Map(
    [...nodes].map(([, name = '', path = '']) => [
      name,
      [...path.matchAll(/M(\d+) (\d+)h(\d+)/g)].flatMap(([, x, y, length]) =>
        Array.from({ length: Number(length) }, (_, k) => Number(y) * 128 + Number(x) + k),
      ),
    ]),
  );
}

/** What was said, without the ends of its lines. */
function unwrapped(text: string): string {
  return text.replace(/\n\s*/g, ' ').trim();
}

/** No stack, no name of a file of ours, nothing for a terminal to obey. */
function expectSentence(stderr: string): void {
  expect(stderr).toMatch(/^sojourn/);
  expect(stderr).not.toMatch(/\n\s+at |\.js:\d|Error:|fault of sojourn/);
  expect(stderr).not.toMatch(/[^\P{C}\n]/u);
  expect(stderr.length).toBeLessThan(2000);
}

/**
 * The Redis servers of a ring, as an operator names them: a small file, or one `--node` for each.
 *
 *   { "copies": 2, "prefix": "s:", "nodes": [{ "name": "one", "url": "redis://10.0.0.1:6379", "weight": 15, "zone": "east" }] }
 *   --node one=redis://10.0.0.1,weight=15,zone=east
 *
 * The names are those that the application gives its nodes. Weights, zones and copies count only for nodes that the ring does not have
 * yet; of all others the ring itself knows them. An address may hold a password, so addresses are never printed with one.
 */
import { checked } from '../../core/options.js';
import { isFailure } from '../../errors.js';
import { checkedNodes, isName, MAX_COPIES, MAX_WEIGHT, type NodeSpec } from '../../ring/nodes.js';
import { type Given, type OptionRule, wholeFrom, wrong } from '../arguments.js';
import { isRefusal, type Refusal } from '../command.js';
import { quoted } from '../visible.js';
import { textOf } from './files.js';
import { checkedName, problemOf } from './node-list.js';

/** The options that name a ring that runs. */
export const liveSource: Readonly<Record<'ring' | 'node' | 'copies' | 'prefix', OptionRule>> = {
  ring: {
    value: 'FILE',
    says: 'the servers: { "copies": 2, "nodes": [{ "name": "one", "url": "redis://10.0.0.1", "weight": 15 }] }',
  },
  node: { value: 'NODE', many: true, says: 'instead: one=redis://10.0.0.1,weight=15,zone=east' },
  copies: { value: 'N', says: 'with --node: how many nodes hold each session (default 2)' },
  prefix: { value: 'TEXT', says: "what the keys begin with, as the application says it (default 's:')" },
};

/** A ring that can be reached. */
export interface RingServers {
  readonly copies: number;
  readonly prefix: string | undefined;
  readonly nodes: readonly ServerSpec[];
}

export interface ServerSpec extends NodeSpec {
  readonly url: string;
}

interface ServersFile {
  readonly copies: number;
  readonly prefix: string;
  readonly nodes: readonly ServerSpec[];
}

const DEFAULT_COPIES = 2;
const SCHEMES = ['redis:', 'rediss:', 'valkey:', 'valkeys:'];

export function isLive(given: Given): boolean {
  return given.has('ring') || given.has('node');
}

export function serversGiven(given: Given): RingServers | Refusal {
  const [path, texts] = [given.one('ring'), given.all('node')];
  if (path !== undefined && texts.length > 0) throw wrong('--node', 'does not go with --ring; give one of the two');
  if (path === undefined && texts.length === 0)
    throw wrong('--ring', 'is missing: name the servers by --ring FILE, or by --node one=redis://10.0.0.1 for each');
  const prefix = given.one('prefix');
  if (path !== undefined) {
    if (given.has('copies')) throw wrong('--copies', 'goes with --node; with --ring it stands in the file');
    const found = serversIn(path);
    return isRefusal(found) ? found : { ...found, prefix: prefix ?? found.prefix };
  }
  const nodes = texts.map(serverFrom);
  const problem = problemWith(nodes);
  if (problem !== undefined) throw wrong('--node', problem);
  const copies = given.has('copies')
    ? wholeFrom('--copies', given.one('copies')!, 1, MAX_COPIES)
    : Math.min(DEFAULT_COPIES, nodes.length);
  return { copies, prefix, nodes };
}

/** `10.0.0.1:6379`, without what may be a password. */
export function addressOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port || '6379'}`;
}

/** `one=redis://10.0.0.1,weight=15,zone=east`. A comma in a password is written %2C. */
function serverFrom(text: string): ServerSpec {
  const [, name = '', rest = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const [url = '', ...settings] = rest.split(',');
  const own: { -readonly [K in keyof ServerSpec]: ServerSpec[K] } = { name: checkedName('--node', 'name', name), url };
  if (!isAddress(url))
    throw wrong(`--node ${name}`, 'takes an address, like one=redis://10.0.0.1:6379,weight=15,zone=east');
  for (const setting of settings) {
    const [key = '', value = ''] = setting.split(/=(.*)/s);
    if (key === 'weight' && own.weight === undefined)
      own.weight = wholeFrom(`weight of --node ${name}`, value, 0, MAX_WEIGHT);
    else if (key === 'zone' && own.zone === undefined) own.zone = checkedName('--node', 'zone', value);
    else throw wrong(`--node ${name}`, 'takes weight= and zone= once each behind its address');
  }
  return own;
}

function serversIn(path: string): RingServers | Refusal {
  const text = textOf('--ring', path);
  if (typeof text !== 'string') return text;
  const refuse = (problem: string): Refusal => ({ refused: `--ring ${quoted(path)}: ${problem}` });
  const wanted =
    'it must be like { "copies": 2, "nodes": [{ "name": "one", "url": "redis://10.0.0.1", "weight": 15 }] }';
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // What the parser says may repeat a password.
    return refuse(`it is not JSON; ${wanted}`);
  }
  if ('owners' in Object(document)) return refuse('it is the table of a ring; give it to --table');
  if (!Array.isArray(Object(document).nodes)) return refuse(wanted);
  try {
    const {
      copies,
      prefix,
      nodes: listed = [],
    } = checked<ServersFile>('the ring', document as unknown as ServersFile, ['copies', 'prefix', 'nodes']);
    const nodes = listed.map(
      (node, i) => checked<ServerSpec>(`nodes[${i}]`, node, ['name', 'url', 'weight', 'zone']) as ServerSpec,
    );
    const odd = nodes.findIndex(({ url }) => typeof url !== 'string' || !isAddress(url));
    if (odd >= 0) return refuse(`url of nodes[${odd}] must be an address like redis://10.0.0.1:6379`);
    const problem = problemWith(nodes);
    if (problem !== undefined) return refuse(problem);
    if (copies !== undefined && !(Number.isInteger(copies) && copies >= 1 && copies <= MAX_COPIES))
      return refuse(`copies must be a whole number from 1 to ${MAX_COPIES}`);
    if (prefix !== undefined && typeof prefix !== 'string') return refuse('prefix must be a text');
    return { copies: copies ?? Math.min(DEFAULT_COPIES, nodes.length), prefix, nodes };
  } catch (error) {
    if (!isFailure(error, 'SOJOURN_OPTION')) throw error;
    return refuse(problemOf(error.details));
  }
}

function problemWith(nodes: readonly ServerSpec[]): string | undefined {
  const odd = nodes.find(({ name }) => typeof name !== 'string' || !isName(name));
  if (odd) return 'every node needs a name of 1 to 64 of A-Z a-z 0-9 . _ : -';
  try {
    checkedNodes(nodes.map(({ url: _, ...spec }) => spec));
    return undefined;
  } catch (error) {
    if (!isFailure(error, 'SOJOURN_OPTION')) throw error;
    return problemOf(error.details);
  }
}

function isAddress(url: string): boolean {
  return URL.canParse(url) && SCHEMES.includes(new URL(url).protocol) && new URL(url).hostname !== '';
}

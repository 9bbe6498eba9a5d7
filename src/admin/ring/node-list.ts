/**
 * Nodes as people write them: `a=15,b=20,c=10` on the command line, `n4,weight=15,zone=b` for one more, JSON in a file.
 *
 * What a name, a weight and a zone may be is the ring's own rule (src/ring/nodes.ts). Here only the spelling is taken apart, so
 * that a complaint names the option and shows what was typed.
 */
import { checked } from '../../core/options.js';
import { isFailure } from '../../errors.js';
import { checkedNodes, isName, MAX_WEIGHT, type NodeSpec } from '../../ring/nodes.js';
import { wholeFrom, wrong } from '../arguments.js';
import type { Refusal } from '../command.js';
import { quoted } from '../visible.js';
import { textOf } from './files.js';

/** Of `--nodes`: a path (with a slash in it, or ending in .json) is a file, anything else a list. */
export function nodesFrom(option: string, text: string): readonly NodeSpec[] | Refusal {
  if (text.includes('/') || text.endsWith('.json')) return nodesInFile(option, text);
  const specs = text.split(',').map((entry) => nodeIn(option, entry));
  return attemptNodes(specs, (problem) => {
    throw wrong(option, problem);
  });
}

/** Of `--add`: a name, then what is known of it. */
export function nodeToAdd(option: string, text: string): NodeSpec {
  const [name = '', ...settings] = text.split(',');
  if (/[=@]/.test(name))
    throw wrong(
      option,
      `takes a name first, like ${option} n4,weight=15,zone=b (an address is configuration, not placement)`,
      text,
    );
  const spec: { name: string; weight?: number; zone?: string } = { name: checkedName(option, 'name', name) };
  for (const setting of settings) {
    const [key = '', value = ''] = setting.split(/=(.*)/s);
    if (key === 'weight' && spec.weight === undefined) spec.weight = weightFrom(`weight of ${option} ${name}`, value);
    else if (key === 'zone' && spec.zone === undefined) spec.zone = checkedName(option, 'zone', value);
    else
      throw wrong(option, `takes a name, then weight= and zone= once each, like ${option} n4,weight=15,zone=b`, text);
  }
  return spec;
}

/** Of `--weight`: `n1=30`. */
export function nodeToWeigh(option: string, text: string): { readonly name: string; readonly weight: number } {
  const [, name, weight] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || weight === undefined)
    throw wrong(option, `takes a name and a weight, like ${option} n1=30`, text);
  return { name: checkedName(option, 'name', name), weight: weightFrom(`weight of ${option} ${name}`, weight) };
}

export function checkedName(option: string, what: 'name' | 'zone', text: string): string {
  if (isName(text)) return text;
  const letters = '1 to 64 of A-Z a-z 0-9 . _ : - that begin with a letter or a digit, like redis-1';
  throw wrong(option, `has a ${what} that cannot be: it must be ${letters}`, text);
}

/** `a`, `a=15`, `a=15@east`, `a@east`. */
function nodeIn(option: string, entry: string): NodeSpec {
  const [, name = '', weight, zone] = /^([^=@]*)(?:=([^@]*))?(?:@(.*))?$/s.exec(entry) ?? [];
  return {
    name: checkedName(option, 'name', name),
    ...(weight === undefined ? {} : { weight: weightFrom(`weight of ${name} in ${option}`, weight) }),
    ...(zone === undefined ? {} : { zone: checkedName(option, 'zone', zone) }),
  };
}

function weightFrom(option: string, text: string): number {
  return wholeFrom(option, text, 0, MAX_WEIGHT);
}

function nodesInFile(option: string, path: string): readonly NodeSpec[] | Refusal {
  const text = textOf(option, path);
  if (typeof text !== 'string') return text;
  const refuse = (problem: string): Refusal => ({ refused: `${option} ${quoted(path)}: ${problem}` });
  const wanted = 'it must be a JSON array like [{ "name": "a", "weight": 15, "zone": "east" }]';
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return refuse(`it is not JSON; ${wanted}`);
  }
  if (!Array.isArray(list)) {
    const isTable = typeof list === 'object' && list !== null && 'owners' in list;
    return refuse(isTable ? 'it is the table of a ring; give it to --table' : wanted);
  }
  return attemptNodes(list, refuse);
}

/** The nodes, or what `refuse` makes of the problem that the ring has with them. */
function attemptNodes<R>(list: readonly NodeSpec[], refuse: (problem: string) => R): readonly NodeSpec[] | R {
  try {
    const specs = list.map((spec, i) => ({ ...checked(`nodes[${i}]`, spec, ['name', 'weight', 'zone']) }) as NodeSpec);
    checkedNodes(specs);
    return specs;
  } catch (error) {
    if (!isFailure(error, 'SOJOURN_OPTION')) throw error;
    return refuse(problemOf(error.details));
  }
}

/** What an option complains of, without the word `Option`: here it is a line of a file, or part of one that was typed. */
export function problemOf({ option, wanted, got }: Readonly<Record<string, unknown>>): string {
  return `${option} ${wanted}${got === undefined ? '' : `, got ${got}`}`;
}

/**
 * What `plan` is asked for: nodes that come, go, weigh something else or are drained, and what the list of nodes is then.
 *
 * A change that cannot be is refused before anything is planned: a node that is there already, one that is not, a weight that it
 * has. A node that is named twice is a slip, not two changes in some order.
 */
import type { NodeSpec, RingNode } from '../../ring/nodes.js';
import { type Given, type OptionRule, wrong } from '../arguments.js';
import type { Refusal } from '../command.js';
import { checkedName, nodeToAdd, nodeToWeigh } from './node-list.js';

export type Change =
  | { readonly kind: 'add'; readonly name: string; readonly spec: NodeSpec }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'weight' | 'drain'; readonly name: string; readonly weight: number };

export const changeOptions: Readonly<Record<Change['kind'], OptionRule>> = {
  add: { value: 'NODE', many: true, says: 'a node that joins: n4 or n4,weight=15,zone=b (weight 1 unless said)' },
  remove: { value: 'NAME', many: true, says: 'a node that leaves' },
  weight: { value: 'NAME=N', many: true, says: 'a node that gets another weight, 0 to 1000000' },
  drain: { value: 'NAME', many: true, says: 'a node that stays in the list and keeps nothing: weight 0' },
};

/** The changes that were asked for. */
export function changesGiven(given: Given): readonly Change[] {
  const changes: Change[] = [
    ...given.all('add').map((text): Change => {
      const spec = nodeToAdd('--add', text);
      return { kind: 'add', name: spec.name, spec };
    }),
    ...given.all('remove').map((text): Change => ({ kind: 'remove', name: checkedName('--remove', 'name', text) })),
    ...given.all('weight').map((text): Change => ({ kind: 'weight', ...nodeToWeigh('--weight', text) })),
    ...given
      .all('drain')
      .map((text): Change => ({ kind: 'drain', name: checkedName('--drain', 'name', text), weight: 0 })),
  ];
  const twin = changes.find(({ name }, n) => changes.findIndex((other) => other.name === name) !== n);
  if (twin)
    throw wrong(`--${twin.kind}`, `names node ${twin.name}, which another option names as well; one change each`);
  return changes;
}

/** The nodes after the changes. */
export function changed(nodes: readonly RingNode[], changes: readonly Change[]): readonly NodeSpec[] | Refusal {
  for (const change of changes) {
    const refused = reasonAgainst(nodes, change);
    if (refused !== undefined) return { refused };
  }
  const changeOf = new Map(changes.map((change) => [change.name, change]));
  const stay = nodes.flatMap(({ name, weight, zone }): NodeSpec[] => {
    const change = changeOf.get(name);
    if (change?.kind === 'remove') return [];
    return [
      { name, weight: change && 'weight' in change ? change.weight : weight, ...(zone === null ? {} : { zone }) },
    ];
  });
  return [...stay, ...changes.flatMap((change) => (change.kind === 'add' ? change.spec : []))];
}

/** A change in a few words. */
export function said(change: Change): string {
  if (change.kind === 'add') {
    const { weight = 1, zone } = change.spec;
    return `add ${change.name} (weight ${weight}${zone === undefined ? '' : `, zone ${zone}`})`;
  }
  return change.kind === 'weight' ? `give ${change.name} weight ${change.weight}` : `${change.kind} ${change.name}`;
}

/** Why no node of that name can be meant, with those that can. */
export function absent(option: string, name: string, nodes: readonly RingNode[]): string {
  const some = nodes.slice(0, 10).map((node) => node.name);
  const rest = nodes.length - some.length;
  return `${option} names node ${name}, which is not in this ring; there are ${some.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function reasonAgainst(nodes: readonly RingNode[], change: Change): string | undefined {
  const node = nodes.find(({ name }) => name === change.name);
  const option = `--${change.kind}`;
  if (change.kind === 'add')
    return (
      node &&
      `${option} names node ${node.name}, which is in this ring already; use --weight ${node.name}=N to change it`
    );
  if (!node) return absent(option, change.name, nodes);
  if ('weight' in change && change.weight === node.weight)
    return `${option}: node ${node.name} ${change.weight === 0 ? 'is drained' : `has weight ${node.weight}`} already, so nothing would change`;
  return undefined;
}

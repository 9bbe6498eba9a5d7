/**
 * Abilities: what a store can do beyond the four verbs, found on the object and held to its own promises.
 *
 * A store without an ability is a good store. Which were not checked is printed, and `mustHave` turns that into a failure:
 * a layer that loses `byUser` on the way would otherwise pass with fewer tests than anybody believes.
 */
import type { Celled, Indexed, Listable, MaybePromise, Store, Sweepable, Watchable } from '../../contract.js';
import { holds } from './samples.js';
import type { Ability, Kit, Scene } from './scene.js';

type Abilities = Indexed & Listable & Sweepable & Watchable & Celled;
export type Able<A extends Ability> = Store & Pick<Abilities, A>;

const names: readonly Ability[] = ['byUser', 'list', 'sweep', 'watch', 'listen', 'cells'];

/** What can only be seen from a second handle. */
const between: readonly Ability[] = ['watch', 'listen'];

export function abilities(kit: Kit): void {
  const { mustHave, name, another } = kit.settings;
  kit.promise(
    'the abilities that the store must have are there',
    'option mustHave; a layer that does not pass them on',
    ({ store }) => {
      const absent = names.filter((ability) => !isAble(store, ability));
      const missing = mustHave.filter((ability) => absent.includes(ability));
      holds(missing.length === 0, `The store has no ${missing.join(', ')}.`);
      const untested = another ? [] : between.filter((ability) => !absent.includes(ability));
      const wanted = mustHave.filter((ability) => untested.includes(ability));
      holds(wanted.length === 0, `To check ${wanted.join(', ')} the kit needs a second handle: give it \`another\`.`);
      if (untested.length > 0) console.log(`${name}: not checked without \`another\`: ${untested.join(', ')}.`);
      if (absent.length > 0) console.log(`${name}: not checked, because the store has no ${absent.join(', ')}.`);
    },
  );
}

/** Registers the test of one sentence about an ability; there is nothing to test in a store without it. */
export function abilityPromise<A extends Ability>(
  kit: Kit,
  ability: A,
  sentence: string,
  lookAt: string,
  body: (scene: Scene & { readonly store: Able<A> }) => MaybePromise<void>,
): void {
  kit.promise(sentence, lookAt, (scene) => {
    if (isAble(scene.store, ability)) return body({ ...scene, store: scene.store });
  });
}

export function isAble<A extends Ability>(store: Store, ability: A): store is Able<A> {
  return (store as Partial<Abilities>)[ability] !== undefined;
}

/**
 * A layer that lets through whatever it does not know: properties of its own in front, and behind them all that the store below has.
 *
 * What is the layer's own is an ordinary property, everything else is found behind it through a Proxy as the prototype. So no ability
 * is lost on the way, and a load never meets the Proxy. Listing the abilities was rejected for layers that change neither ids nor
 * values (the next one is lost in silence), and a Proxy around all of it, too (0.1 us a load, as much as the load itself).
 */

/** An object with these properties, and behind them whatever else `below` has, its methods bound to it. */
export function inFrontOf(below: object, own: object): object {
  const behind = new Proxy(Object.create(null), {
    has: (_, name) => name in below,
    get(_, name) {
      const value: unknown = Reflect.get(below, name, below);
      return typeof value === 'function' ? value.bind(below) : value;
    },
  });
  return Object.create(behind, Object.getOwnPropertyDescriptors(own));
}

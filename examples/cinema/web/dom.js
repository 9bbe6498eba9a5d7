/**
 * Making elements: `el('p.quiet', { id: 'x', onclick }, 'text', child)`.
 *
 * The whole page is drawn with this one function. Strings become text nodes, never markup, so no value that a visitor or
 * a server sent can turn into an element; styles go through the CSSOM, which a strict Content-Security-Policy allows.
 * A template language with innerHTML was rejected for the first reason, a framework because the page has no need of one.
 */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @param {string} what tag and classes: 'button.primary.wide'
 * @param {Record<string, unknown>} [props] `on…` listens; `vars` sets CSS custom properties; true and false are bare
 *   attributes; null leaves one out; the rest are attributes
 * @param {...unknown} children nodes, strings, arrays of them; null and false are left out
 */
export function el(what, props = {}, ...children) {
  return build(document.createElement(what.split('.')[0]), what, props, children);
}

/** The same for SVG. */
export function svg(what, props = {}, ...children) {
  return build(document.createElementNS(SVG, what.split('.')[0]), what, props, children);
}

/** Empties `parent` and fills it anew. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat(3).filter(isThere).map(asNode));
  return parent;
}

function build(node, what, props, children) {
  const classes = what.split('.').slice(1);
  if (classes.length > 0) node.setAttribute('class', classes.join(' '));
  for (const [name, value] of Object.entries(props)) apply(node, name, value);
  node.append(...children.flat(3).filter(isThere).map(asNode));
  return node;
}

function apply(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
  else if (name === 'vars') for (const [key, v] of Object.entries(value)) node.style.setProperty(key, String(v));
  else node.setAttribute(name, value === true ? '' : String(value));
}

function isThere(child) {
  return child !== null && child !== undefined && child !== false;
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

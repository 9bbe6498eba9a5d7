/**
 * The head of a view: one h1, perhaps a line under it, perhaps something at the side.
 *
 * The h1 is also what the router takes for the title of the document.
 */
import { el } from '../dom.js';
import { icon } from '../icons.js';

export function heading(title, { text, side } = {}) {
  return el('header.heading', {}, el('div', {}, el('h1', {}, title), text && el('p.quiet', {}, text)), side);
}

export function backLink(href, text) {
  return el('a.back', { href }, icon('left'), text);
}

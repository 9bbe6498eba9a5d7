/**
 * What a view shows instead of its content: loading, nothing here, trouble.
 *
 * Each says what one can do next. Drawn like everything else, so that an empty page is a designed one.
 */
import { el } from '../dom.js';
import { icon } from '../icons.js';
import { t } from '../language.js';

/** Appears only when loading takes long enough to be noticed (the delay is in the style sheet). */
export function skeleton() {
  const bars = Array.from({ length: 6 }, () => el('span.bone'));
  return el('div.skeleton', { 'aria-label': t('loading') }, el('span.bone.bone-title'), el('div.bones', {}, bars));
}

/** @param {{ sign: string, title: string, text?: string, action?: Node }} what */
export function empty({ sign, title, text, action }) {
  return el('div.state', {}, icon(sign), el('h2', {}, title), text && el('p.quiet', {}, text), action);
}

export function failed(title, text, retry) {
  const again = el('button.button', { type: 'button', onclick: retry }, t('tryAgain'));
  return el('div.state', { role: 'alert' }, icon('unplugged'), el('h1', {}, title), el('p.quiet', {}, text), again);
}

export function notFound() {
  const home = el('a.button', { href: '#/' }, t('nowShowing'));
  return el('div.state', {}, icon('reel'), el('h1', {}, t('notFound')), el('p.quiet', {}, t('notFoundText')), home);
}

/**
 * English and Chinese: which one, and every text in it.
 *
 * The choice is remembered in localStorage, not in the session: it belongs to the device, and it must not cost an
 * anonymous visitor a session. The first visit follows the browser. Whoever draws text listens for changes and draws again.
 */
import { serverTexts } from './server-texts.js';
import { words } from './words.js';

const KEY = 'cinema.language';
const locales = { en: 'en-GB', zh: 'zh-CN' };
const listeners = new Set();
let current = remembered() ?? (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en');

export function language() {
  return current;
}

/** For Intl: what dates and numbers look like. */
export function locale() {
  return locales[current];
}

export function setLanguage(next) {
  current = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Storage may be forbidden; then the choice lasts as long as the page.
  }
  announce();
}

/** Calls `run` now and after every change. */
export function onLanguage(run) {
  listeners.add(run);
  run();
}

/** The text under `key`, with `{name}` replaced by `values.name`. A key that is missing shows itself, so that it is noticed. */
export function t(key, values = {}) {
  const pair = words[key];
  if (!pair) return key;
  const text = pair[current === 'en' ? 0 : 1];
  return typeof text === 'function'
    ? text(values)
    : text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}

/** A text that the server wrote in Chinese, in the visitor's language; unknown texts stay as they are. */
export function said(text) {
  if (current === 'zh' || typeof text !== 'string') return text;
  for (const [chinese, english] of serverTexts) {
    const match = chinese instanceof RegExp ? chinese.exec(text) : text === chinese && [];
    if (match) return english.replace('$1', match[1] ?? '');
  }
  return text;
}

function remembered() {
  try {
    const value = localStorage.getItem(KEY);
    return value in locales ? value : null;
  } catch {
    return null;
  }
}

function announce() {
  document.documentElement.lang = current === 'zh' ? 'zh-CN' : 'en';
  for (const run of listeners) run();
}

announce();

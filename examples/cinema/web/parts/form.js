/**
 * Forms: labelled fields, one button, and refusals where they belong.
 *
 * A form sends itself once at a time. When the server refuses, its text stands under the field it is about (`places`), or
 * under the button. Fields check themselves with the browser's own constraints; the texts are ours, in both languages.
 */
import { Refused, Unreachable } from '../api.js';
import { el, fill } from '../dom.js';
import { said, t } from '../language.js';

let serial = 0;

/**
 * @param {{ name: string, label: string, hint?: string, area?: boolean, beside?: Node } & Record<string, unknown>} what
 *   the rest are attributes of the input
 */
export function field({ name, label, hint, area, beside, ...attributes }) {
  const id = `field-${++serial}`;
  const about = `${id}-about`;
  const input = el(area ? 'textarea' : 'input', { id, name, 'aria-describedby': about, ...attributes });
  const note = el('span.field-note', { id: about }, hint ?? '');
  input.addEventListener('input', () => unmark(input, note, hint));
  return el('div.field', {}, el('label', { for: id }, label), el('div.field-row', {}, input, beside), note);
}

/**
 * @param {{ id: string, fields: unknown[], submit: string, places?: Record<string, string>,
 *   send: (values: Record<string, string>) => Promise<unknown> }} what `places`: server text to field name
 */
export function form({ id, fields, submit, send, places = {} }) {
  const button = el('button.button', { type: 'submit' }, submit);
  const verdict = el('p.verdict', { role: 'alert' });
  const frame = el('form.form', { id, novalidate: true }, fields, el('div.form-end', {}, button, verdict));
  frame.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (button.disabled || !complete(frame)) return;
    await whileBusy(button, () => attempt(frame, verdict, places, send));
  });
  return frame;
}

/** Puts a text under a field, red, and the focus into it. */
export function mark(frame, name, text) {
  const input = frame.elements[name];
  const note = document.getElementById(`${input.id}-about`);
  input.setAttribute('aria-invalid', 'true');
  fill(note, text);
  note.classList.add('bad');
  input.focus();
}

/** Disables the button while `run` runs, and says so to screen readers. */
export async function whileBusy(button, run) {
  button.disabled = true;
  button.setAttribute('aria-busy', 'true');
  try {
    return await run();
  } finally {
    button.disabled = false;
    button.removeAttribute('aria-busy');
  }
}

async function attempt(frame, verdict, places, send) {
  fill(verdict);
  try {
    await send(Object.fromEntries(new FormData(frame)));
  } catch (error) {
    if (error instanceof Refused && places[error.message]) mark(frame, places[error.message], said(error.message));
    else if (error instanceof Refused) fill(verdict, said(error.message));
    else if (error instanceof Unreachable) fill(verdict, t(error.words.action));
    else throw error;
  }
}

/** The first field that is not filled in rightly is marked and focused. */
function complete(frame) {
  const wrong = [...frame.elements].find((input) => input.willValidate && !input.validity.valid);
  if (!wrong) return true;
  mark(frame, wrong.name, complaint(wrong));
  return false;
}

function complaint(input) {
  const { validity } = input;
  if (validity.valueMissing) return t('needed');
  if (validity.tooShort) return t('tooShort', { count: input.minLength });
  return input.dataset.wrong ?? t('wrongValue');
}

function unmark(input, note, hint) {
  if (!input.hasAttribute('aria-invalid')) return;
  input.removeAttribute('aria-invalid');
  note.classList.remove('bad');
  fill(note, hint ?? '');
}

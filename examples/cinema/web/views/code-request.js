/**
 * The button that asks for a code by sms, at most once in 60 seconds (the server's own limit).
 *
 * The wait outlives the view, in a variable: leaving and coming back does not make the server answer sooner. In demo mode
 * the server sends no sms; its answer carries the code, which is put into the form.
 */
import { get, Refused, Unreachable } from '../api.js';
import { el, fill } from '../dom.js';
import { said, t } from '../language.js';
import { mark, whileBusy } from '../parts/form.js';
import { toast } from '../toast.js';

const WAIT_MS = 60_000;
let nextAt = 0;

export function codeRequest(left) {
  const button = el('button.button.ghost', { type: 'button', id: 'request-code' }, t('requestCode'));
  button.addEventListener('click', () => request(button));
  const ticking = setInterval(() => show(button), 1000);
  left.addEventListener('abort', () => clearInterval(ticking));
  show(button);
  return button;
}

function show(button) {
  const rest = Math.ceil((nextAt - Date.now()) / 1000);
  const busy = button.hasAttribute('aria-busy');
  button.disabled = busy || rest > 0;
  if (!busy) fill(button, rest > 0 ? t('waitForCode', { seconds: rest }) : t('requestCode'));
}

async function request(button) {
  const frame = button.form;
  const mobile = frame.elements.id;
  if (!mobile.validity.valid) return mark(frame, 'id', t('mobileWrong'));
  await whileBusy(button, () => ask(frame, mobile.value));
  show(button);
}

async function ask(frame, mobile) {
  try {
    const { message } = await get(`/api/smscode/?mobile=${encodeURIComponent(mobile)}`);
    nextAt = Date.now() + WAIT_MS;
    received(frame, message);
  } catch (error) {
    if (error instanceof Refused) mark(frame, 'id', said(error.message));
    else if (error instanceof Unreachable) mark(frame, 'id', t(error.words.action));
    else throw error;
  }
}

function received(frame, message) {
  const isCode = /^\d{6}$/.test(message ?? '');
  if (isCode) frame.elements.smscode.value = message;
  toast(isCode ? t('codeFilledIn') : t('codeSent'));
  frame.elements[isCode ? 'password' : 'smscode'].focus();
}

/**
 * Where the user is signed in: every session by itself, the others together, or all at once.
 *
 * The id that is shown is the public half of the token: it names a session and opens none.
 */
import { signedOutHere } from '../account.js';
import { get, remove } from '../api.js';
import { el } from '../dom.js';
import { moment } from '../format.js';
import { icon } from '../icons.js';
import { t } from '../language.js';
import { whileBusy } from '../parts/form.js';
import { heading } from '../parts/heading.js';
import { go, redraw } from '../router.js';
import { askForSession } from '../session.js';
import { toast, toastTrouble } from '../toast.js';
import { accountFrame } from './account-frame.js';

export async function devices({ left }) {
  const [list, { livesIn }] = await Promise.all([get('/api/session/devices', left), askForSession(left)]);
  const isListed = livesIn !== 'cookie';
  const sorted = [...list].sort((a, b) => Number(b.current) - Number(a.current) || b.signedIn - a.signedIn);
  return accountFrame(
    heading(t('devices'), { text: t(isListed ? 'devicesText' : 'devicesInCookies') }),
    el(
      'ul.lines',
      {},
      sorted.map((device) => el('li', {}, line(device))),
    ),
    el('div.actions', {}, (list.length > 1 || !isListed) && endOthers(), endAll()),
  );
}

function line(device) {
  const since = t('signedInSince', { moment: moment(device.signedIn) });
  return el(
    'div.line',
    { 'data-current': String(device.current) },
    icon(/iPhone|Android|Mobile/.test(device.agent) ? 'phone' : 'device'),
    el(
      'span.line-text',
      {},
      el('b', {}, nameOf(device)),
      el('span.quiet', {}, since, ' · ', el('code', {}, device.id.slice(0, 8))),
    ),
    device.current ? el('span.badge', {}, t('thisDevice')) : endOne(device),
  );
}

/** Browser and system out of the long text that browsers send, as far as they can be told. */
function nameOf({ agent }) {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)(?=\/)/.exec(agent)?.[0];
  const system = /(Windows|iPhone|iPad|Android|Mac OS|Linux)/.exec(agent)?.[0];
  const names = { Edg: 'Edge', OPR: 'Opera' };
  return [names[browser] ?? browser, system].filter(Boolean).join(' · ') || t('unknownDevice');
}

function endOne(device) {
  return action(
    'button.button.ghost.small',
    t('end'),
    { 'aria-label': `${t('end')} ${device.id.slice(0, 8)}` },
    async () => {
      toast((await remove(`/api/session/devices/${encodeURIComponent(device.id)}`)).message);
      await redraw();
    },
  );
}

function endOthers() {
  return action('button.button.ghost', t('endOthers'), { id: 'end-others' }, async () => {
    toast((await remove('/api/session/devices?others=1')).message);
    await redraw();
  });
}

function endAll() {
  return action('button.button', t('endAll'), { id: 'end-all' }, async () => {
    toast((await remove('/api/session/devices')).message);
    signedOutHere();
    go('/sign-in');
  });
}

function action(what, text, props, run) {
  const button = el(what, { type: 'button', ...props }, text);
  button.addEventListener('click', () => whileBusy(button, () => run().catch(toastTrouble)));
  return button;
}

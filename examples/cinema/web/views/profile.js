/**
 * The user's own page: who he is, what is in the purse, both passwords, and the door.
 *
 * Each part is a form of its own that can fail by itself. A changed password ends every session of the user, this one too.
 */
import { refreshAccount, signedOutHere, signOut } from '../account.js';
import { get, patch } from '../api.js';
import { el } from '../dom.js';
import { money } from '../format.js';
import { said, t } from '../language.js';
import { passwordField } from '../parts/fields.js';
import { field, form, whileBusy } from '../parts/form.js';
import { avatar } from '../parts/pictures.js';
import { go, redraw } from '../router.js';
import { opaque } from '../secret.js';
import { toast, toastTrouble } from '../toast.js';
import { accountFrame } from './account-frame.js';

const LARGEST_PICTURE = 512 * 1024;

export async function profile({ left }) {
  const user = await get('/api/users/', left);
  return accountFrame(
    card(user),
    el('div.two', {}, panel(t('aboutYou'), aboutForm(user)), panel(t('changePassword'), loginPasswordForm())),
    el('div.two', {}, panel(t('changePayPassword'), payPasswordForm()), panel(t('leave'), leaving())),
  );
}

function card(user) {
  return el(
    'header.me',
    {},
    portrait(user),
    el(
      'div',
      {},
      el('h1', {}, said(user.nickname)),
      el('p.quiet', {}, said(user.description)),
      el('p.quiet.small', {}, user.id),
    ),
    el('p.purse', {}, el('span.quiet', {}, t('balance')), el('b', { id: 'balance' }, money(user.money))),
  );
}

/** The picture is a label of a hidden file input: it can be clicked, and reached and opened by keyboard. */
function portrait(user) {
  const input = el('input.unseen', {
    type: 'file',
    accept: 'image/png,image/jpeg,image/webp,image/gif',
    id: 'avatar',
    'aria-label': t('changePicture'),
  });
  input.addEventListener('change', () => input.files[0] && upload(input.files[0]));
  return el(
    'label.portrait',
    { title: t('changePicture') },
    input,
    avatar(user, true),
    el('span.portrait-hint', { 'aria-hidden': 'true' }, t('change')),
  );
}

async function upload(file) {
  if (!file.type.startsWith('image/')) return toast(t('pictureKind'), 'bad');
  if (file.size > LARGEST_PICTURE) return toast(t('pictureSize'), 'bad');
  const data = new FormData();
  data.set('avatar', file);
  try {
    toast((await patch('/api/users/', data)).message);
    await Promise.all([refreshAccount(), redraw()]);
  } catch (error) {
    toastTrouble(error);
  }
}

function panel(title, ...content) {
  return el('section.panel', {}, el('h2', {}, title), content);
}

function aboutForm(user) {
  return form({
    id: 'about',
    submit: t('save'),
    fields: [
      field({
        name: 'nickname',
        label: t('nickname'),
        value: said(user.nickname),
        maxlength: 20,
        required: true,
        autocomplete: 'nickname',
      }),
      field({ name: 'description', label: t('aboutMe'), value: said(user.description), maxlength: 50 }),
    ],
    send: async (values) => {
      toast((await patch('/api/users/', values)).message);
      await Promise.all([refreshAccount(), redraw()]);
    },
  });
}

function loginPasswordForm() {
  return form({
    id: 'login-password',
    submit: t('changePassword'),
    fields: [
      passwordField('password', t('oldPassword'), 'current-password'),
      passwordField('new_password', t('newPassword'), 'new-password', t('endsAll')),
    ],
    places: { 密码错误: 'password', 新的密码非法: 'new_password' },
    send: async ({ password, new_password }) => {
      const data = { password: await opaque(password), new_password: await opaque(new_password) };
      toast((await patch('/api/password/loginPassword', data)).message);
      signedOutHere();
      go('/sign-in');
    },
  });
}

function payPasswordForm() {
  return form({
    id: 'pay-password',
    submit: t('changePayPassword'),
    fields: [
      passwordField('payPassword', t('oldPayPassword'), 'off'),
      passwordField('new_payPassword', t('newPayPassword'), 'new-password'),
    ],
    places: { 支付密码错误: 'payPassword', 新的支付密码非法: 'new_payPassword' },
    send: async ({ payPassword, new_payPassword }) => {
      const data = { payPassword: await opaque(payPassword), new_payPassword: await opaque(new_payPassword) };
      toast((await patch('/api/password/payPassword', data)).message);
      document.getElementById('pay-password').reset();
    },
  });
}

function leaving() {
  const button = el('button.button.ghost', { type: 'button', id: 'sign-out' }, t('signOut'));
  button.addEventListener('click', () => whileBusy(button, leaveNow));
  return [el('p.quiet', {}, t('leaveText')), button, el('a.aside-link', { href: '#/devices' }, t('otherDevices'))];
}

async function leaveNow() {
  try {
    toast((await signOut()).message);
    go('/');
  } catch (error) {
    toastTrouble(error);
  }
}

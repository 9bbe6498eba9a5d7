/**
 * Signing in, and then back to where one came from.
 *
 * What the anonymous session held, chosen seats above all, is still there afterwards; the server sees to that.
 */
import { refreshAccount } from '../account.js';
import { post } from '../api.js';
import { el } from '../dom.js';
import { t } from '../language.js';
import { mobileField, passwordField } from '../parts/fields.js';
import { form } from '../parts/form.js';
import { go } from '../router.js';
import { opaque } from '../secret.js';
import { toast } from '../toast.js';

export function signIn({ query }) {
  const back = backOf(query);
  const frame = form({
    id: 'sign-in-form',
    submit: t('signIn'),
    fields: [mobileField(), passwordField('password', t('password'), 'current-password')],
    places: { 用户不存在: 'id', 密码错误: 'password' },
    send: async ({ id, password }) => {
      const answer = await post('/api/session/', { id, password: await opaque(password) });
      await refreshAccount();
      toast(answer.message);
      go(back);
    },
  });
  const other = el('a', { href: `#/register?back=${encodeURIComponent(back)}` }, t('register'));
  return el('section.door', {}, el('h1', {}, t('signInTitle')), frame, el('p.quiet', {}, t('newHere'), ' ', other));
}

/** Only a path of this page: a link must not lead a visitor elsewhere after signing in. */
export function backOf(query) {
  const back = query.get('back') ?? '/';
  return /^\/(?!\/)/.test(back) && !/^\/(sign-in|register)/.test(back) ? back : '/';
}

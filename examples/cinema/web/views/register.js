/**
 * Registering: a mobile number proved by a code, a password, and another one for paying.
 *
 * Registering signs in, so nobody types a password twice. Refusals stand under the field they are about.
 */
import { refreshAccount } from '../account.js';
import { post } from '../api.js';
import { el } from '../dom.js';
import { t } from '../language.js';
import { mobileField, passwordField } from '../parts/fields.js';
import { field, form } from '../parts/form.js';
import { go } from '../router.js';
import { opaque } from '../secret.js';
import { toast } from '../toast.js';
import { codeRequest } from './code-request.js';
import { backOf } from './sign-in.js';

const places = {
  手机号码非法: 'id',
  手机号码已被注册: 'id',
  验证码非法: 'smscode',
  验证码错误: 'smscode',
  请先获取短信验证码: 'smscode',
  密码非法: 'password',
  支付密码非法: 'payPassword',
};

export function register({ query, left }) {
  const back = backOf(query);
  const frame = form({
    id: 'register-form',
    submit: t('register'),
    fields: fields(left),
    places,
    send: async ({ id, smscode, password, payPassword }) => {
      const secrets = { password: await opaque(password), payPassword: await opaque(payPassword) };
      const answer = await post('/api/users/', { id, smscode, ...secrets });
      await refreshAccount();
      toast(answer.message);
      go(back);
    },
  });
  const other = el('a', { href: `#/sign-in?back=${encodeURIComponent(back)}` }, t('signIn'));
  return el(
    'section.door',
    {},
    el('h1', {}, t('registerTitle')),
    frame,
    el('p.quiet', {}, t('alreadyHere'), ' ', other),
  );
}

function fields(left) {
  const code = {
    name: 'smscode',
    label: t('code'),
    inputmode: 'numeric',
    autocomplete: 'one-time-code',
    pattern: '[0-9]{6}',
    maxlength: 6,
    required: true,
    'data-wrong': t('codeWrong'),
    beside: codeRequest(left),
  };
  return [
    mobileField(),
    field(code),
    passwordField('password', t('password'), 'new-password', t('passwordHint')),
    passwordField('payPassword', t('payPassword'), 'new-password', t('payPasswordHint')),
  ];
}

/**
 * Paying an order: coupons that fit, the sum, the balance, and the payment password.
 *
 * Coupons that do not fit are shown and cannot be chosen, so that one sees what is missing. The server checks it all again.
 */
import { refreshAccount } from '../account.js';
import { get, patch, Unreachable } from '../api.js';
import { el, fill } from '../dom.js';
import { date, money } from '../format.js';
import { t } from '../language.js';
import { passwordField } from '../parts/fields.js';
import { form } from '../parts/form.js';
import { redraw } from '../router.js';
import { opaque } from '../secret.js';
import { toast } from '../toast.js';

export async function payment(order, left) {
  const [coupons, user] = await Promise.all([get('/api/coupons/', left), get('/api/users/', left)]);
  const sum = el('dl.bill');
  const frame = form({
    id: 'pay',
    submit: t('pay'),
    fields: [couponChoice(coupons, order), sum, passwordField('payPassword', t('payPassword'), 'off')],
    places: { 支付密码错误: 'payPassword' },
    send: (values) => pay(order, values),
  });
  const show = () => fill(sum, bill(order, chosenCoupon(frame, coupons), user.money));
  frame.addEventListener('change', show);
  show();
  return frame;
}

function couponChoice(coupons, order) {
  if (coupons.length === 0) return null;
  return el(
    'fieldset.coupon-choice',
    {},
    el('legend', {}, t('coupon')),
    option(null, order),
    coupons.map((one) => option(one, order)),
  );
}

function option(coupon, order) {
  const fits = coupon === null || order.totalPrice >= coupon.condition;
  const input = el('input', {
    type: 'radio',
    name: 'couponId',
    value: coupon?.id ?? '',
    checked: coupon === null,
    disabled: !fits,
  });
  if (coupon === null) return el('label.option', {}, input, el('span', {}, t('noCoupon')));
  const about = [
    t('couponFrom', { amount: money(coupon.condition) }),
    t('validUntil', { date: date(coupon.expiredTime) }),
  ];
  return el(
    'label.option',
    {},
    input,
    el('span', {}, el('b', {}, `−${money(coupon.discount)}`), el('span.quiet', {}, about.join(' · '))),
  );
}

function chosenCoupon(frame, coupons) {
  const id = frame.elements.couponId?.value;
  return coupons.find((coupon) => coupon.id === id) ?? null;
}

function bill(order, coupon, balance) {
  const total = order.totalPrice - (coupon?.discount ?? 0);
  const line = (name, value, kind) => el('div', { class: kind }, el('dt', {}, name), el('dd', {}, value));
  return [
    line(t('seatCount', { count: order.seat.length }), money(order.totalPrice)),
    coupon && line(t('coupon'), `−${money(coupon.discount)}`),
    line(t('toPay'), money(total), 'bill-total'),
    line(t('balance'), money(balance), total > balance ? 'bad' : 'quiet'),
  ];
}

/** Paying twice is refused by the server, so after an answer that never came the order itself tells what happened. */
async function pay(order, { payPassword, couponId }) {
  const data = { payPassword: await opaque(payPassword), ...(couponId && { couponId }) };
  try {
    const answer = await patch(`/api/orders/${order.id}`, data);
    toast(answer.message);
    if (answer.coupon) toast(t('newCoupon', { discount: money(answer.coupon.discount) }), 'gift');
  } catch (error) {
    if (!(error instanceof Unreachable) || !(await get(`/api/orders/${order.id}`)).status) throw error;
  }
  await Promise.all([redraw(), refreshAccount()]);
}

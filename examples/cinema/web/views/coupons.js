/**
 * The coupons that the user may still use.
 *
 * They cannot be used here: they are offered where one pays.
 */
import { get } from '../api.js';
import { el } from '../dom.js';
import { date, money } from '../format.js';
import { t } from '../language.js';
import { heading } from '../parts/heading.js';
import { empty } from '../parts/states.js';
import { accountFrame } from './account-frame.js';

export async function coupons({ left }) {
  const list = await get('/api/coupons/', left);
  const none = () => empty({ sign: 'gift', title: t('noCoupons'), text: t('noCouponsText') });
  return accountFrame(heading(t('coupons')), list.length === 0 ? none() : el('ul.coupons', {}, list.map(card)));
}

function card(coupon) {
  return el(
    'li.coupon',
    {},
    el('b', {}, `−${money(coupon.discount)}`),
    el('span', {}, t('couponFrom', { amount: money(coupon.condition) })),
    el('span.quiet', {}, t('validUntil', { date: date(coupon.expiredTime) })),
  );
}

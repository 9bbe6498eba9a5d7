/**
 * Buying tickets, and saying what one thinks of the film, when many want the same thing at the same moment. Names C1..C7 and C16 are rows of the list of weaknesses that the
 * modelled application had; each row here is the promise that this one makes instead.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { need } from '../../test/support/needs.js';
import { freePort } from '../../test/support/ports.js';
import { startPostgres } from '../../test/support/postgres.js';
import { tempFolder } from '../../test/support/temp.js';
import { day, minute } from './domain/house.js';
import type { Body, Browser, Reply } from './testing/browser.js';
import { openHouse, type TestHouse } from './testing/house.js';
import { PASSWORD, PAY_PASSWORD, register, type ScreenJson, showings } from './testing/visit.js';

interface CouponJson {
  readonly id: string;
  readonly expiredTime: number;
}

const refusals = (replies: readonly Reply<Body>[]): string[] =>
  replies.filter(({ status }) => status === 233).map(({ body }) => body.message);

function story(database: () => Promise<string | undefined>): void {
  const mobiles = Array.from({ length: 6 }, (_, i) => `1380000000${i}`);
  let house: TestHouse;
  let buyers: Browser[];
  let shows: ScreenJson[];
  let roll = 99;

  beforeAll(async () => {
    const address = await database();
    const options = {
      folder: tempFolder('cinema'),
      port: await freePort(),
      dice: (below: number) => Math.min(roll, below - 1),
    };
    house = await openHouse(address === undefined ? options : { ...options, database: address });
    buyers = mobiles.map((mobile) => house.browser(`Phone of ${mobile}`));
    await Promise.all(buyers.map((buyer, i) => register(buyer, mobiles[i]!)));
    shows = await showings(buyers[0]!);
  });
  afterAll(async () => {
    await house.close();
    expect(house.faults).toEqual([]);
  });

  /** The latest that nobody has used yet: turning the clock forward never reaches it. */
  const freshShow = (): ScreenJson => shows.pop()!;
  const order = (buyer: Browser, screenId: string, seat: string) => buyer.post('/api/orders/', { screenId, seat });
  const pay = (buyer: Browser, id: string, couponId?: string) =>
    buyer.patch<Body & { coupon: CouponJson | null }>(`/api/orders/${id}`, {
      payPassword: PAY_PASSWORD,
      ...(couponId && { couponId }),
    });
  const money = async (buyer: Browser) => (await buyer.get<{ money: number }>('/api/users/')).body.money;
  const cancelAll = async (buyer: Browser) => {
    const { body } = await buyer.get<{ id: string; status: boolean }[]>('/api/orders/');
    for (const one of body) if (!one.status) await buyer.delete(`/api/orders/${one.id}`);
  };

  test('C1: six buyers want one seat at once, and one of them gets it', async () => {
    const show = freshShow();
    const replies = await Promise.all(buyers.map((buyer) => order(buyer, show.id, '60')));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(refusals(replies)).toEqual(Array(5).fill('座位 60 已经被预订'));
    expect((await buyers[0]!.get(`/api/screens/${show.id}/seats`)).body).toEqual([60]);
    await Promise.all(buyers.map(cancelAll));
    expect((await buyers[0]!.get(`/api/screens/${show.id}/seats`)).body).toEqual([]);
  });

  test('C1: overlapping choices never share a seat, and whoever loses one seat gets none of the others', async () => {
    const show = freshShow();
    const wanted = ['1,2,3', '3,4,5', '5,6,7', '7,8,1', '9,2', '4,8'];
    const replies = await Promise.all(buyers.map((buyer, i) => order(buyer, show.id, wanted[i]!)));
    const sold = wanted.filter((_, i) => replies[i]!.status === 200).flatMap((seats) => seats.split(',').map(Number));
    expect(new Set(sold).size).toBe(sold.length);
    expect((await buyers[0]!.get(`/api/screens/${show.id}/seats`)).body).toEqual(sold.sort((a, b) => a - b));
    await Promise.all(buyers.map(cancelAll));
  });

  test.each([
    ['36,36', '座位号非法'],
    ['0', '座位号非法'],
    ['121', '座位号非法'],
    ['', '座位号非法'],
    ['1;2', '座位号非法'],
    ['1,2,3,4,5', '您一次最多购买4张票'],
  ])('C1: the seats "%s" are refused: %s', async (seats, message) => {
    expect(refusals([await order(buyers[0]!, shows[0]!.id, seats)])).toEqual([message]);
  });

  test('C2: one buyer orders in five tabs at once and ends with one unpaid order', async () => {
    const show = freshShow();
    const [buyer] = buyers as [Browser];
    const replies = await Promise.all([1, 2, 3, 4, 5].map((seat) => order(buyer, show.id, String(seat))));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(refusals(replies))).toEqual(new Set(['您还有未支付的订单']));
    expect((await buyer.get<unknown[]>(`/api/screens/${show.id}/seats`)).body).toHaveLength(1);
    await cancelAll(buyer);
  });

  test('C3: five payments of one order at once take the money once', async () => {
    const [buyer] = buyers as [Browser];
    const before = await money(buyer);
    const { body } = await order(buyer, freshShow().id, '10,11');
    const replies = await Promise.all(Array.from({ length: 5 }, () => pay(buyer, body.id)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(refusals(replies))).toEqual(new Set(['订单已支付']));
    expect(await money(buyer)).toBe(before - 60);
  });

  test('C3: a coupon is spent once, and a failed payment leaves order, coupon and purse as they were', async () => {
    const buyer = buyers[1]!;
    roll = 0;
    const first = await order(buyer, freshShow().id, '1');
    const coupon = (await pay(buyer, first.body.id)).body.coupon!;
    roll = 99;
    const before = await money(buyer);
    const second = await order(buyer, freshShow().id, '1');
    await house.db.updateTable('users').set({ moneyCents: 2000 }).where('id', '=', mobiles[1]!).execute();
    expect(refusals([await pay(buyer, second.body.id, coupon.id)])).toEqual(['账户余额不足']);
    expect((await buyer.get<CouponJson[]>('/api/coupons/')).body).toHaveLength(1);
    await house.db
      .updateTable('users')
      .set({ moneyCents: before * 100 })
      .where('id', '=', mobiles[1]!)
      .execute();

    expect((await pay(buyer, second.body.id, coupon.id)).status).toBe(200);
    expect(await money(buyer)).toBe(before - 25);
    const third = await order(buyer, freshShow().id, '1');
    expect(refusals([await pay(buyer, third.body.id, coupon.id)])).toEqual(['优惠券已使用']);
    expect(refusals([await pay(buyer, third.body.id, 'none')])).toEqual(['优惠券不存在']);
    await cancelAll(buyer);
  });

  test('C4: an expired coupon is neither listed nor taken', async () => {
    const buyer = buyers[2]!;
    const userId = mobiles[2]!;
    const coupon = {
      id: 'c4',
      userId,
      conditionCents: 3000,
      discountCents: 500,
      expiresAt: house.clock.now + minute,
      usedAt: null,
    };
    await house.db.insertInto('coupons').values(coupon).execute();
    const { body } = await order(buyer, freshShow().id, '1');
    house.clock.now += 2 * minute;
    expect((await buyer.get('/api/coupons/')).body).toEqual([]);
    expect(refusals([await pay(buyer, body.id, 'c4')])).toEqual(['优惠券已过期']);
    await cancelAll(buyer);
  });

  test('a coupon below its condition, or of somebody else, is not taken', async () => {
    const mine = {
      id: 'c50',
      userId: mobiles[2]!,
      conditionCents: 5000,
      discountCents: 1200,
      expiresAt: house.clock.now + day,
      usedAt: null,
    };
    await house.db
      .insertInto('coupons')
      .values([mine, { ...mine, id: 'other', userId: mobiles[3]! }])
      .execute();
    const { body } = await order(buyers[2]!, freshShow().id, '1');
    expect(refusals([await pay(buyers[2]!, body.id, 'c50')])).toEqual(['未达到优惠金额']);
    expect(refusals([await pay(buyers[2]!, body.id, 'other')])).toEqual(['优惠券不存在']);
    await cancelAll(buyers[2]!);
  });

  test('C5: an order knows its price from the start', async () => {
    const { body } = await order(buyers[3]!, freshShow().id, '5,6,7');
    const made = await buyers[3]!.get<{ totalPrice: number; payPrice: number; status: boolean; seat: number[] }>(
      `/api/orders/${body.id}`,
    );
    expect(made.body).toMatchObject({ totalPrice: 90, payPrice: 90, status: false, seat: [5, 6, 7] });
    await cancelAll(buyers[3]!);
  });

  test('C6: after ten minutes an unpaid order is gone for everybody, before any sweep', async () => {
    const show = freshShow();
    const [, , , , first, second] = buyers as [Browser, Browser, Browser, Browser, Browser, Browser];
    const { body } = await order(first, show.id, '20,21');
    house.clock.now += 10 * minute;
    expect((await first.get('/api/orders/')).body).toEqual([]);
    expect(refusals([await first.get(`/api/orders/${body.id}`)])).toEqual(['订单不存在']);
    expect((await second.get(`/api/screens/${show.id}/seats`)).body).toEqual([]);
    expect((await order(second, show.id, '20,21')).status).toBe(200);
    expect((await order(first, show.id, '22')).status).toBe(200);
    await Promise.all([cancelAll(first), cancelAll(second)]);
  });

  test('C7: neither an expired order nor one of a showing that has begun can be paid', async () => {
    const buyer = buyers[4]!;
    const before = await money(buyer);
    const late = await order(buyer, freshShow().id, '1');
    house.clock.now += 10 * minute;
    expect(refusals([await pay(buyer, late.body.id)])).toEqual(['订单不存在']);

    const show = shows.find(({ time }) => time > house.clock.now + 5 * minute)!;
    house.clock.now = show.time - minute;
    const started = await order(buyer, show.id, '120');
    house.clock.now = show.time;
    expect(refusals([await pay(buyer, started.body.id)])).toEqual(['该场次已上映']);
    expect(refusals([await order(buyers[5]!, show.id, '119')])).toEqual(['该场次已上映']);
    expect(await money(buyer)).toBe(before);
    await cancelAll(buyer);
  });

  test('an order belongs to its buyer: others neither see nor pay nor cancel it', async () => {
    const show = shows.find(({ time }) => time > house.clock.now)!;
    const { body } = await order(buyers[0]!, show.id, '77');
    const other = buyers[1]!;
    const tries = [
      await other.get<Body>(`/api/orders/${body.id}`),
      await pay(other, body.id),
      await other.delete(`/api/orders/${body.id}`),
    ];
    expect(refusals(tries)).toEqual(['订单不存在', '订单不存在', '订单不存在']);
    expect((await pay(buyers[0]!, body.id)).status).toBe(200);
    expect(refusals([await buyers[0]!.delete(`/api/orders/${body.id}`)])).toEqual(['订单已支付，无法取消']);
  });

  test('C16: a user has one voice per film, and the mean is right after many voices at once', async () => {
    const movieId = shows[0]!.movie.id;
    const vote = (buyer: Browser, rating: number) =>
      buyer.post('/api/comments/', { movieId, rating: String(rating), content: '好看' });
    const storm = buyers.flatMap((buyer, i) => [vote(buyer, 1), vote(buyer, i), vote(buyer, 2)]);
    expect((await Promise.all(storm)).map(({ status }) => status)).toEqual(Array(18).fill(200));
    await Promise.all(buyers.map((buyer, i) => vote(buyer, i === 0 ? 4.5 : i)));
    const { body } = await buyers[0]!.get<{ rating: number; ratingNum: number }>(`/api/movies/${movieId}`);
    expect([body.rating, body.ratingNum]).toEqual([3.25, 6]);
    expect((await buyers[0]!.get<object[]>(`/api/comments/?movieId=${movieId}`)).body).toHaveLength(6);
  });

  test('a wrong payment password costs nothing, and after ten tries not even the right one helps for a while', async () => {
    const buyer = buyers[5]!;
    const show = shows.find(({ time }) => time > house.clock.now)!;
    const { body } = await order(buyer, show.id, '88');
    for (let i = 0; i < 10; i++) {
      const reply = await buyer.patch(`/api/orders/${body.id}`, { payPassword: PASSWORD });
      expect(refusals([reply])).toEqual(['支付密码错误']);
    }
    expect(refusals([await pay(buyer, body.id)])).toEqual(['支付密码错误']);
    await cancelAll(buyer);
    house.clock.now += 15 * minute;
    const again = await order(buyer, shows.find(({ time }) => time > house.clock.now)!.id, '88');
    expect((await pay(buyer, again.body.id)).status).toBe(200);
  });
}

describe('buying, kept in SQLite', () => story(async () => undefined));
need('postgres').describe('buying, kept in PostgreSQL', () => story(async () => (await startPostgres()).url));

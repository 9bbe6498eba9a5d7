/** Orders: make, list, show, cancel, pay. An order takes over the seats that were chosen in the session. */
import { Router } from 'express';
import { say } from '../domain/messages.js';
import { formOf } from '../http/form.js';
import { part, resource } from '../http/resource.js';
import { type Desk, flash, userOf } from './desk.js';
import { couponShape, orderShape } from './shapes.js';

export function orderRoutes(desk: Desk): Router {
  const router = Router({ strict: true });
  const { orders, payment } = desk.cinema;

  resource(router, '/orders/', {
    get: async (req) => (await orders.list(userOf(desk, req))).map(orderShape),
    async post(req) {
      const form = formOf(req);
      const order = await orders.create(userOf(desk, req), form.text('screenId'), form.text('seat'));
      forgetChoice(desk, req, order.screenId);
      return { message: say.orderCreated, id: order.id };
    },
  });

  resource(router, '/orders/:id', {
    get: async (req) => orderShape(await orders.one(userOf(desk, req), part(req, 'id'))),
    async delete(req) {
      await orders.cancel(userOf(desk, req), part(req, 'id'));
      return { message: say.orderCancelled };
    },
    async patch(req) {
      const form = formOf(req);
      const won = await payment.pay(
        userOf(desk, req),
        part(req, 'id'),
        form.text('payPassword'),
        form.text('couponId'),
      );
      flash(desk, req, { kind: 'good', text: say.paid });
      return { message: say.paid, coupon: won ? couponShape(won) : null };
    },
  });

  return router;
}

function forgetChoice(desk: Desk, req: Parameters<typeof userOf>[1], screenId: string): void {
  const mine = desk.sessions.from(req);
  if (!mine.get('seats')?.[screenId]) return;
  mine.update('seats', (chosen = {}) => {
    const { [screenId]: _ordered, ...others } = chosen;
    return Object.keys(others).length > 0 ? others : undefined;
  });
}

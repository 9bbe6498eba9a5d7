/** Favourites, comments and coupons: lists that belong to a user or a film. */
import { Router } from 'express';
import { say } from '../domain/messages.js';
import { formOf } from '../http/form.js';
import { part, query, resource } from '../http/resource.js';
import { type Desk, userOf } from './desk.js';
import { commentShape, couponShape, favouriteShape } from './shapes.js';

export function favouriteRoutes(desk: Desk): Router {
  const router = Router({ strict: true });
  const { favourites } = desk.cinema;
  resource(router, '/favorites/', {
    get: async (req) => (await favourites.list(userOf(desk, req))).map(favouriteShape),
    async post(req) {
      const id = await favourites.add(userOf(desk, req), formOf(req).text('movieId'));
      return { message: say.favouriteAdded, id };
    },
  });
  resource(router, '/favorites/:id', {
    async delete(req) {
      await favourites.remove(userOf(desk, req), part(req, 'id'));
      return { message: say.favouriteRemoved };
    },
  });
  return router;
}

export function commentRoutes(desk: Desk): Router {
  const router = Router({ strict: true });
  const { comments } = desk.cinema;
  resource(router, '/comments/', {
    get: async (req) => (await comments.of(query(req, 'movieId'))).map(commentShape),
    async post(req) {
      const form = formOf(req);
      const user = userOf(desk, req);
      const id = await comments.add(user, form.text('movieId'), form.text('rating'), form.text('content'));
      return { message: say.commented, id };
    },
  });
  resource(router, '/comments/:id', {
    get: async (req) => commentShape(await comments.one(part(req, 'id'))),
  });
  return router;
}

export function couponRoutes(desk: Desk): Router {
  const router = Router({ strict: true });
  resource(router, '/coupons/', {
    get: async (req) => (await desk.cinema.coupons.usable(userOf(desk, req))).map(couponShape),
  });
  return router;
}

/** Showings of a film, one showing, its taken seats. */
import { Router } from 'express';
import { part, query, resource } from '../http/resource.js';
import type { Desk } from './desk.js';
import { screenShape } from './shapes.js';

export function screenRoutes(desk: Desk): Router {
  const router = Router({ strict: true });
  const { movies, screens } = desk.cinema;

  resource(router, '/screens/', {
    async get(req) {
      const movie = await movies.one(query(req, 'movieId'));
      return (await screens.onSale(movie.id)).map((screen) => screenShape(screen, movie));
    },
  });
  resource(router, '/screens/:id', {
    async get(req) {
      const screen = await screens.one(part(req, 'id'));
      return screenShape(screen, await movies.one(screen.movieId));
    },
  });
  resource(router, '/screens/:id/seats', {
    get: (req) => screens.takenSeats(part(req, 'id')),
  });
  return router;
}

/** Films: all, searched, recommended, one. Looking at one is remembered in the session. */
import { type Request, Router } from 'express';
import { part, query, resource } from '../http/resource.js';
import type { Desk } from './desk.js';
import { movieShape, recommendShape } from './shapes.js';

const RECENT_MAX = 8;

export function movieRoutes(desk: Desk): Router {
  const router = Router({ strict: true });
  const { movies } = desk.cinema;

  resource(router, '/movies/', {
    get: async (req) => (await movies.list(query(req, 'query'))).map(movieShape),
  });
  resource(router, '/movies/recommendation', {
    get: async () => (await movies.recommended()).map(recommendShape),
  });
  resource(router, '/movies/:id', {
    async get(req) {
      const movie = await movies.one(part(req, 'id'));
      rememberLook(desk, req, movie.id);
      return movieShape(movie);
    },
  });
  return router;
}

/** `update`, not get and set: two tabs that open two films at once must both be remembered. */
function rememberLook(desk: Desk, req: Request, movieId: string): void {
  const mine = desk.sessions.from(req);
  if (mine.get('recent')?.[0] === movieId) return;
  mine.update('recent', (recent = []) => [movieId, ...recent.filter((id) => id !== movieId)].slice(0, RECENT_MAX));
}

/** /static/images: posters and default avatars are drawn on demand; uploaded avatars come from the database. */
import { type Response, Router } from 'express';
import type { Avatars } from '../domain/avatars.js';
import { drawAvatar } from '../pictures/avatar.js';
import { drawPoster } from '../pictures/poster.js';

/** Pictures never run anything, even when somebody opens one as a page. */
const HARMLESS = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

export function pictureRoutes(avatars: Avatars): Router {
  const router = Router({ strict: true });
  router.get('/poster/:file', (req, res, next) => {
    const svg = drawPoster(req.params.file);
    if (svg === null) next();
    else send(res, 'image/svg+xml', Buffer.from(svg));
  });
  router.get('/user/:file', async (req, res, next) => {
    const svg = drawAvatar(req.params.file);
    if (svg !== null) return send(res, 'image/svg+xml', Buffer.from(svg));
    const picture = await avatars.find(req.params.file);
    if (picture) send(res, picture.type, picture.bytes);
    else next();
  });
  return router;
}

function send(res: Response, type: string, bytes: Buffer): void {
  res.set({ 'Content-Type': type, 'Content-Security-Policy': HARMLESS, 'Cache-Control': 'public, max-age=86400' });
  res.end(bytes);
}

/**
 * Writes are accepted from our own pages only.
 *
 * Browsers say where a request comes from: Sec-Fetch-Site on secure connections and on localhost, Origin on every write.
 * A request with neither is no browser's, and carries no cookie that it was not given on purpose. Together with
 * SameSite=Lax this leaves nothing for a token in every form to do. The scheme is not compared: behind a proxy that does
 * not forward it, it would be guessed.
 */
import type { Request, RequestHandler } from 'express';
import { say } from '../domain/messages.js';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function ownPagesOnly(): RequestHandler {
  return (req, res, next) => {
    if (READS.has(req.method) || isOwn(req)) next();
    else res.status(403).json({ message: say.crossSite });
  };
}

/** Also asked by the one GET that acts (the text-message code, kept for old clients). */
export function isOwn(req: Request): boolean {
  const site = req.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = req.get('origin');
  return origin === undefined || hostOf(origin) === hostOf(`http://${req.host}`);
}

function hostOf(address: string): string | undefined {
  return URL.canParse(address) ? new URL(address).hostname + portOf(new URL(address)) : undefined;
}

function portOf(url: URL): string {
  return url.port === '' || url.port === '443' || url.port === '80' ? '' : `:${url.port}`;
}

/**
 * One address of the API: its verbs as functions from request to JSON. Everything else about it is alike everywhere, and
 * is here: any other verb is 405, and a value that is returned becomes the body of a 200.
 */
import type { Request, Response, Router } from 'express';
import { say } from '../domain/messages.js';

type Verb = 'get' | 'post' | 'put' | 'patch' | 'delete';
export type Handler = (req: Request) => object | Promise<object>;

export function resource(router: Router, path: string, verbs: Partial<Record<Verb, Handler>>): void {
  const route = router.route(path);
  const allowed = Object.keys(verbs) as Verb[];
  for (const verb of allowed) {
    const handler = verbs[verb]!;
    route[verb](async (req: Request, res: Response) => void res.json(await handler(req)));
  }
  route.all((_req: Request, res: Response) => {
    res.status(405).set('Allow', allowed.join(', ').toUpperCase()).json({ message: say.methodNotAllowed });
  });
}

/** A part of the path, such as the id in /api/movies/<id>. */
export function part(req: Request, name: string): string {
  const value = req.params[name];
  return typeof value === 'string' ? value : '';
}

/** A parameter after the question mark; empty when absent or given twice. */
export function query(req: Request, name: string): string {
  const value = req.query[name];
  return typeof value === 'string' ? value : '';
}

/** What parent, server and load generator must agree on: the frameworks, the routes, and where those are. */

export type Framework = 'node:http' | 'Express 5';

/** What is measured: one field read, one field raised by one, a visitor with somebody else's cookies. */
export type Route = 'read' | 'write' | 'anonymous';
export const PATHS: Readonly<Record<Route, string>> = { read: '/r', write: '/w', anonymous: '/a' };

/** What is not: starting a session, and reading its counter back. */
export const SEED_PATH = '/seed';
export const VIEWS_PATH = '/views';

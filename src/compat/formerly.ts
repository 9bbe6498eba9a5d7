/**
 * `sojourn/formerly`: visitors' cookies of other Node libraries, read once, so that a move from those signs nobody out.
 *
 * Nothing here writes what others can read: the way back is a cookie that was not taken back (`keepCookie`). A fallback among formats
 * does not exist: each reader looks at the cookie it was told of, and takes it as exactly one thing.
 */
export { type CookieSessionOptions, cookieSession } from './formerly/cookie-session.js';
export { type ExpressSessionOptions, type ExpressStore, expressSession } from './formerly/express-session.js';
export { type IronSessionOptions, ironSession } from './formerly/iron-session.js';
export type { OldCookieOptions, OldSession } from './formerly/old-cookie.js';

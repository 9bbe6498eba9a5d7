/**
 * sojourn/flask: one login for Flask and Node.
 *
 * Everything that a Flask application may have its sessions in, for Node to read and write beside it: Flask's own cookie
 * (`flaskCookie`), and Flask-Session's entries (`flaskSession`). The formats lie in the folder of this name, each as plain functions
 * over one set of values (python.ts); this file shows what applications use.
 */
export { type FlaskCookieOptions, flaskCookie } from './flask/cookie.js';
export type { EntryFormat } from './flask/entry.js';
export { type FromFlaskOptions, fromFlask } from './flask/former.js';
export { flaskLifetimes } from './flask/lifetimes.js';
export { float, markup, type PythonWord, tuple, uuid } from './flask/python-words.js';
export { type FlaskSessionOptions, flaskSession } from './flask/session.js';
export type { Entry, Shelf } from './flask/shelf.js';
export { flaskFiles } from './flask/shelf-files.js';
export { type FlaskMemcachedOptions, flaskMemcached } from './flask/shelf-memcached.js';
export { type FlaskCollection, flaskMongo } from './flask/shelf-mongo.js';
export { flaskSql } from './flask/shelf-sql.js';
export type { SecretKey } from './flask/signature.js';
export { type RememberToken, rememberToken } from './flask/signed-id.js';
export { type FlaskTransportOptions, flaskTransport } from './flask/transport.js';

/**
 * The API in OpenAPI 3.1, served at /api/openapi.json. Written in the application's own words rather than as a document of a
 * thousand lines: what all answers share (233 with a message) is added by `operation`, and a test asks every address that
 * stands here for its verbs.
 */
type Json = { readonly [name: string]: unknown };

/** Fields of a form; a name that ends in `?` may be left out. */
const form = (...names: string[]): Json => ({
  required: true,
  content: Object.fromEntries(
    ['multipart/form-data', 'application/x-www-form-urlencoded', 'application/json'].map((type) => [
      type,
      { schema: fieldsOf(names) },
    ]),
  ),
});

const fieldsOf = (names: readonly string[]): Json => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name.replace('?', ''), { type: 'string' }])),
  required: names.filter((name) => !name.endsWith('?')),
});

const parameter = (where: 'path' | 'query', name: string): Json => ({
  in: where,
  name,
  required: where === 'path',
  schema: { type: 'string' },
});
const inPath = parameter('path', 'id');

interface Extras {
  readonly parameters?: readonly Json[];
  readonly requestBody?: Json;
}

const answer = (description: string): Json => ({ description, content: { 'application/json': { schema: {} } } });

const operation = (summary: string, extras: Extras = {}): Json => ({
  summary,
  ...extras,
  responses: { 200: answer('done'), 233: answer('refused by a rule: {"message": "..."}') },
});

export const openapi = {
  openapi: '3.1.0',
  info: {
    title: 'Cinema',
    version: '1.0.0',
    description: 'Times are epoch milliseconds, money is yuan. Signed in by cookie.',
  },
  paths: {
    '/api/smscode/': {
      get: operation('A code for a mobile number (old clients)', { parameters: [parameter('query', 'mobile')] }),
      post: operation('A code for a mobile number', { requestBody: form('mobile') }),
    },
    '/api/users/': {
      get: operation('The user who is signed in'),
      post: operation('Register and sign in', { requestBody: form('id', 'password', 'payPassword', 'smscode') }),
      patch: operation('Change the profile', { requestBody: form('nickname?', 'description?', 'avatar?') }),
    },
    '/api/users/history': { get: operation('Films the user has bought tickets for') },
    '/api/session/': {
      get: operation('What this session holds'),
      post: operation('Sign in', { requestBody: form('id', 'password') }),
      delete: operation('Sign out'),
    },
    '/api/session/seats': {
      get: operation('Seats chosen for a showing', { parameters: [parameter('query', 'screenId')] }),
      put: operation('Choose seats', { requestBody: form('screenId', 'seat') }),
      post: operation('Choose seats', { requestBody: form('screenId', 'seat') }),
    },
    '/api/session/devices': {
      get: operation('Where the user is signed in'),
      delete: operation('Sign out everywhere, or with others=1 elsewhere', {
        parameters: [parameter('query', 'others')],
      }),
    },
    '/api/session/devices/{id}': { delete: operation('Sign out one device', { parameters: [inPath] }) },
    '/api/password/loginPassword': {
      patch: operation('Change the password; ends all sessions', { requestBody: form('password', 'new_password') }),
    },
    '/api/password/payPassword': {
      patch: operation('Change the payment password', { requestBody: form('payPassword', 'new_payPassword') }),
    },
    '/api/movies/': { get: operation('Films, all or by name', { parameters: [parameter('query', 'query')] }) },
    '/api/movies/recommendation': { get: operation('Recommended films') },
    '/api/movies/{id}': { get: operation('One film', { parameters: [inPath] }) },
    '/api/screens/': { get: operation('Showings of a film', { parameters: [parameter('query', 'movieId')] }) },
    '/api/screens/{id}': { get: operation('One showing', { parameters: [inPath] }) },
    '/api/screens/{id}/seats': { get: operation('Taken seats', { parameters: [inPath] }) },
    '/api/comments/': {
      get: operation('Comments on a film', { parameters: [parameter('query', 'movieId')] }),
      post: operation('Comment and rate', { requestBody: form('movieId', 'rating', 'content') }),
    },
    '/api/comments/{id}': { get: operation('One comment', { parameters: [inPath] }) },
    '/api/favorites/': {
      get: operation('The user’s favourites'),
      post: operation('Add a favourite', { requestBody: form('movieId') }),
    },
    '/api/favorites/{id}': { delete: operation('Remove a favourite', { parameters: [inPath] }) },
    '/api/orders/': {
      get: operation('The user’s orders'),
      post: operation('Order seats, such as "36,37"', { requestBody: form('screenId', 'seat') }),
    },
    '/api/orders/{id}': {
      get: operation('One order', { parameters: [inPath] }),
      delete: operation('Cancel', { parameters: [inPath] }),
      patch: operation('Pay', { parameters: [inPath], requestBody: form('payPassword', 'couponId?') }),
    },
    '/api/coupons/': { get: operation('Coupons that can be used') },
  },
} as const;

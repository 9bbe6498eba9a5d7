/** Adapters fit where their framework takes them; `Register` is left alone here and filled in by consumers/register.ts. */
import { createServer } from 'node:http';
import express from 'express';
import type { Session } from 'sojourn';
import { memory, sessions, type } from 'sojourn';
import { session } from 'sojourn/express';
import { session as onNode } from 'sojourn/node';
import { same } from './same.js';

interface Visit {
  views: number;
}

const s = sessions({ data: type<Visit>(), store: memory() });

// Express 5: on an application, on a path, on a router, beside other middleware.
const app = express();
app.use(session(s));
app.use('/shop', session(s), express.json());
express.Router().use(session(s));
app.get('/', session(s), (req, res) => {
  // Nobody has declared the shape: every name is a field, and no value is known.
  same<typeof req.session, Session<Record<string, unknown>>>(true);
  const visit = s.from(req);
  same<typeof visit, Session<Visit>>(true);
  res.send(`${visit.get('views') ?? 0}`);
});
// @ts-expect-error: the sessions, not their options.
app.use(session({ store: memory() }));

// node:http: the handler is handed the session, typed.
createServer(
  onNode(s, (_req, res, visit) => {
    same<typeof visit, Session<Visit>>(true);
    res.end();
  }),
);
onNode(s, () => {}, { trustProxy: true });
// @ts-expect-error
onNode(s, () => {}, { trustProxy: 'yes' });

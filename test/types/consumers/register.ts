/** An application that declares the shape of its sessions once and finds it at `req.session`. */
import express from 'express';
import { memory, type Session, sessions, type } from 'sojourn';
import { session } from 'sojourn/express';

interface Visit {
  views: number;
  cart: string[];
}

declare module 'sojourn/express' {
  interface Register {
    data: Visit;
  }
}

const s = sessions({ data: type<Visit>(), store: memory() });

export const app: express.Express = express()
  .use(session(s))
  .get('/', (req, res) => {
    const visit: Session<Visit> = req.session;
    visit.update('views', (views = 0) => views + 1);
    // @ts-expect-error
    req.session.set('views', 'one');
    // @ts-expect-error
    req.session.get('vews');
    res.send(String(req.session.get('views')?.toFixed(0)));
  });

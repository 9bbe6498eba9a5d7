/** Text-message code, registration, profile, history, sign-in and sign-out, the two passwords. */
import { type Request, Router } from 'express';
import { say } from '../domain/messages.js';
import { refuse } from '../domain/refusal.js';
import { formOf } from '../http/form.js';
import { isOwn } from '../http/origin.js';
import { query, resource } from '../http/resource.js';
import { addressOf, type Desk, flash, signIn, userOf } from './desk.js';
import { showSession } from './session.js';
import { seenShape, userShape } from './shapes.js';

export function accountRoutes(desk: Desk): Router {
  const router = Router({ strict: true });
  const { accounts, avatars, codes, movies } = desk.cinema;

  const sendCode = async (req: Request, mobile: string): Promise<object> => {
    const code = await codes.request(mobile, addressOf(req));
    desk.deliver(mobile, code);
    return { message: desk.demo ? code : say.codeSent };
  };

  resource(router, '/smscode/', {
    // Old clients ask with GET. It acts, so it is held to the rule for writes: own pages only.
    get: (req) => (isOwn(req) ? sendCode(req, query(req, 'mobile')) : refuse(say.tooOften)),
    post: (req) => sendCode(req, formOf(req).text('mobile')),
  });

  resource(router, '/users/', {
    async get(req) {
      const user = await accounts.find(userOf(desk, req));
      return user ? userShape(user) : refuse(say.loginFirst);
    },
    async post(req) {
      const form = formOf(req);
      const user = await accounts.register({
        id: form.text('id'),
        password: form.text('password'),
        payPassword: form.text('payPassword'),
        code: form.text('smscode'),
        address: addressOf(req),
      });
      await signIn(desk, req, user);
      return { message: say.registered };
    },
    async patch(req) {
      const id = userOf(desk, req);
      const form = formOf(req);
      const picture = form.file('avatar');
      await accounts.changeProfile(id, { nickname: form.text('nickname'), description: form.text('description') });
      if (picture) await avatars.keep(id, picture);
      return { message: say.profileChanged };
    },
  });

  resource(router, '/users/history', {
    get: async (req) => (await movies.seenBy(userOf(desk, req))).map(seenShape),
  });

  resource(router, '/session/', {
    get: (req) => showSession(desk, req),
    async post(req) {
      const form = formOf(req);
      const user = await accounts.verify(form.text('id'), form.text('password'), addressOf(req));
      await signIn(desk, req, user);
      return { message: say.loggedIn };
    },
    async delete(req) {
      userOf(desk, req);
      desk.sessions.from(req).destroy();
      return { message: say.loggedOut };
    },
  });

  resource(router, '/password/loginPassword', {
    async patch(req) {
      const id = userOf(desk, req);
      const form = formOf(req);
      await accounts.changePassword(id, form.text('password'), form.text('new_password'), addressOf(req));
      await desk.signIns.endAll(id);
      desk.sessions.from(req).destroy();
      return { message: say.passwordChanged };
    },
  });

  resource(router, '/password/payPassword', {
    async patch(req) {
      const id = userOf(desk, req);
      const form = formOf(req);
      await accounts.changePayPassword(id, form.text('payPassword'), form.text('new_payPassword'));
      flash(desk, req, { kind: 'good', text: say.payPasswordChanged });
      return { message: say.payPasswordChanged };
    },
  });

  return router;
}

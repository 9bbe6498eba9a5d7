/**
 * Users: register, sign in, profile, passwords, the payment password.
 *
 * Each try of a password is counted per account and per address, and a limited try answers exactly like a wrong one: the
 * front end takes every text it does not know for success. Hashing happens before a transaction, never inside one.
 */
import type { Selectable } from 'kysely';
import type { Database, Users } from '../db/schema.js';
import { transact } from '../db/transact.js';
import { type Codes, isMobile } from './codes.js';
import type { House } from './house.js';
import type { Limits } from './limits.js';
import { say } from './messages.js';
import { hashPassword, isAllowedPassword, isPassword } from './passwords.js';
import { refuse } from './refusal.js';

export type User = Selectable<Users>;

export interface Registration {
  readonly id: string;
  readonly password: string;
  readonly payPassword: string;
  readonly code: string;
  readonly address: string;
}

export interface Accounts {
  register(form: Registration): Promise<User>;
  /** The user, if this is the password. */
  verify(id: string, password: string, address: string): Promise<User>;
  find(id: string): Promise<User | undefined>;
  changeProfile(id: string, changes: { nickname?: string; description?: string }): Promise<void>;
  changePassword(id: string, old: string, fresh: string, address: string): Promise<void>;
  changePayPassword(id: string, old: string, fresh: string): Promise<void>;
  /** Refuses unless this is the user's payment password. */
  checkPayPassword(id: string, payPassword: string): Promise<void>;
}

const NICKNAME_MAX = 40;
const DESCRIPTION_MAX = 400;
/** How many avatars are drawn for those who upload none. */
const DEFAULT_AVATARS = 12;

/** `openingCents`: what a new user finds in the purse. */
export function accounts(house: House, limits: Limits, codes: Codes, openingCents: number): Accounts {
  const { db } = house;
  const hash = (password: string) => hashPassword(password, house.hashCost);
  const find = (id: string) => db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();

  return {
    find,

    async register({ id, password, payPassword, code, address }) {
      if (!isMobile(id)) refuse(say.badMobile);
      if (!(await limits.spend('registerPerAddress', address))) refuse(say.wrongCode);
      await codes.check(id, code);
      if (await find(id)) refuse(say.mobileTaken);
      if (!isAllowedPassword(password)) refuse(say.badPassword);
      if (!isAllowedPassword(payPassword)) refuse(say.badPayPassword);
      const user = newUser(id, await hash(password), await hash(payPassword), openingCents);
      await transact(db, async (tx) => {
        if (!(await codes.consume(tx, id))) refuse(say.askForCodeFirst);
        if (!(await insertUser(tx, user))) refuse(say.mobileTaken);
      });
      return user;
    },

    async verify(id, password, address) {
      if (!(await limits.spend('loginPerAddress', address))) refuse(say.wrongPassword);
      const user = await find(id);
      if (!user) refuse(say.noSuchUser);
      if (!(await limits.spend('loginPerAccount', id))) refuse(say.wrongPassword);
      if (!(await isPassword(password, user.password))) refuse(say.wrongPassword);
      await limits.forgive('loginPerAccount', id);
      return user;
    },

    async changeProfile(id, changes) {
      const { nickname, description } = changes;
      if ((nickname ?? '').length > NICKNAME_MAX || (description ?? '').length > DESCRIPTION_MAX)
        refuse(say.badProfile);
      if (nickname || description) {
        const set = { ...(nickname && { nickname }), ...(description && { description }) };
        await db.updateTable('users').set(set).where('id', '=', id).execute();
      }
    },

    async changePassword(id, old, fresh, address) {
      const { password: known } = await this.verify(id, old, address);
      if (!isAllowedPassword(fresh)) refuse(say.badNewPassword);
      const password = await hash(fresh);
      // Only over the password that was checked: of two changes at once, the second must prove itself anew.
      const done = await db
        .updateTable('users')
        .set({ password })
        .where('id', '=', id)
        .where('password', '=', known)
        .executeTakeFirst();
      if (done.numUpdatedRows === 0n) refuse(say.wrongPassword);
    },

    async changePayPassword(id, old, fresh) {
      await this.checkPayPassword(id, old);
      if (!isAllowedPassword(fresh)) refuse(say.badNewPayPassword);
      const payPassword = await hash(fresh);
      await db.updateTable('users').set({ payPassword }).where('id', '=', id).execute();
    },

    async checkPayPassword(id, payPassword) {
      if (!(await limits.spend('payPasswordPerAccount', id))) refuse(say.wrongPayPassword);
      const user = await find(id);
      if (!user || !(await isPassword(payPassword, user.payPassword))) refuse(say.wrongPayPassword);
      await limits.forgive('payPasswordPerAccount', id);
    },
  };
}

function newUser(id: string, password: string, payPassword: string, moneyCents: number): User {
  const avatar = `default-${Number(id) % DEFAULT_AVATARS}.svg`;
  return {
    id,
    password,
    payPassword,
    moneyCents,
    avatar,
    nickname: say.defaultNickname,
    description: say.defaultDescription,
  };
}

async function insertUser(tx: Database, user: User): Promise<boolean> {
  const done = await tx
    .insertInto('users')
    .values(user)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return done.numInsertedOrUpdatedRows === 1n;
}

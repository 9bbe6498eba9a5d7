/** The whole cinema without its web: every area of rules, bound together here and nowhere else. */
import { type Accounts, accounts } from './accounts.js';
import { type Avatars, avatars } from './avatars.js';
import { type Codes, codes } from './codes.js';
import { type Comments, comments } from './comments.js';
import { type Coupons, coupons } from './coupons.js';
import { type Devices, devices } from './devices.js';
import { type Favourites, favourites } from './favourites.js';
import type { House } from './house.js';
import { limits } from './limits.js';
import { type Movies, movies } from './movies.js';
import { type Orders, orders } from './orders.js';
import { type Payment, payment } from './payment.js';
import { type Programme, programme } from './programme.js';
import { type Screens, screens } from './screens.js';

export interface Cinema {
  readonly accounts: Accounts;
  readonly avatars: Avatars;
  readonly codes: Codes;
  readonly comments: Comments;
  readonly coupons: Coupons;
  readonly devices: Devices;
  readonly favourites: Favourites;
  readonly movies: Movies;
  readonly orders: Orders;
  readonly payment: Payment;
  readonly programme: Programme;
  readonly screens: Screens;
}

export function openCinema(house: House, openingCents: number): Cinema {
  const limited = limits(house);
  const texted = codes(house, limited);
  const people = accounts(house, limited, texted, openingCents);
  const films = movies(house);
  const bought = orders(house);
  return {
    accounts: people,
    avatars: avatars(house),
    codes: texted,
    comments: comments(house, films),
    coupons: coupons(house),
    devices: devices(house),
    favourites: favourites(house, films),
    movies: films,
    orders: bought,
    payment: payment(house, people, bought),
    programme: programme(house),
    screens: screens(house),
  };
}

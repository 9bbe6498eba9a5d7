/**
 * The beginning: which address shows which view, and what is drawn once for all views.
 *
 * Each view is a function `(visit) => node` in views/; it may be asynchronous. Adding a page means one file and one line.
 */
import { refreshAccount } from './account.js';
import { drawFoot } from './foot.js';
import { drawHeader } from './header.js';
import { startRouter } from './router.js';
import { coupons } from './views/coupons.js';
import { devices } from './views/devices.js';
import { favourites } from './views/favourites.js';
import { history } from './views/history.js';
import { movie } from './views/movie.js';
import { nowShowing } from './views/now-showing.js';
import { order } from './views/order.js';
import { orders } from './views/orders.js';
import { profile } from './views/profile.js';
import { register } from './views/register.js';
import { seats } from './views/seats.js';
import { signIn } from './views/sign-in.js';
import { drawWeather } from './weather.js';

drawHeader();
drawFoot();
drawWeather();
// Views may ask who is here, so that comes first. An outage does not hold them up: the promise never fails.
await refreshAccount();
startRouter([
  ['/', nowShowing],
  ['/movies/:id', movie],
  ['/screens/:id', seats],
  ['/orders', orders],
  ['/orders/:id', order],
  ['/profile', profile],
  ['/devices', devices],
  ['/coupons', coupons],
  ['/favourites', favourites],
  ['/history', history],
  ['/sign-in', signIn],
  ['/register', register],
]);

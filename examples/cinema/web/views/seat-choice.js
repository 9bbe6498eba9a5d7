/**
 * The chosen seats of one showing, as the session keeps them.
 *
 * Clicks are faster than servers: at most one request is under way, and of the choices made meanwhile only the last is
 * sent. Each request carries the whole choice, so it may be repeated when no server answered.
 */
import { get, post } from '../api.js';

export function seatChoice(screenId, left) {
  let wanted = null;
  let sending = null;

  async function sendAll() {
    while (wanted !== null) {
      const seats = wanted;
      wanted = null;
      await post('/api/session/seats', { screenId, seat: seats.join(',') }, { again: true });
    }
  }

  return {
    /** The seats that the session holds now. */
    load: async () => seatsOf(await get(`/api/session/seats?screenId=${encodeURIComponent(screenId)}`, left)),
    /** Resolves when the session holds these seats, or later ones. */
    keep(seats) {
      wanted = seats;
      sending ??= sendAll().finally(() => {
        sending = null;
        wanted = null;
      });
      return sending;
    },
    /** Resolves when nothing is under way, whatever came of it. */
    settled: () => Promise.resolve(sending).catch(() => undefined),
    isBusy: () => sending !== null,
  };
}

function seatsOf(answer) {
  return Array.isArray(answer) ? answer : answer.seat;
}

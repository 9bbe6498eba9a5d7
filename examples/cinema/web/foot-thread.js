/**
 * Who answered: the servers seen so far, and the last answers as a thread that runs over them.
 *
 * One row for each server, one knot for each answer, the newest at the right. A server that has been silent while the
 * others gave many answers is shown as quiet; that is all a browser can know about it.
 */
import { svg } from './dom.js';

const KNOTS = 24;
const QUIET_AFTER = 12;
const STEP = 8;
const HEIGHT = 24;
const seen = new Map();
const trail = [];

export function answered(name) {
  seen.set(name, (seen.get(name) ?? 0) + 1);
  trail.push(name);
  if (trail.length > KNOTS) trail.shift();
}

/** In the order of their names, so that lights do not change places. */
export function servers() {
  const recent = trail.slice(-QUIET_AFTER);
  return [...seen.keys()].sort().map((name, place) => ({
    name,
    place,
    answers: seen.get(name),
    isQuiet: recent.length === QUIET_AFTER && !recent.includes(name),
  }));
}

export function thread() {
  const names = servers().map((server) => server.name);
  const width = KNOTS * STEP;
  const points = trail.map((name, i) => [
    width - (trail.length - i) * STEP + STEP / 2,
    height(names.indexOf(name), names.length),
  ]);
  const knots = points.map(([x, y], i) => svg('circle', { cx: x, cy: y, r: i === points.length - 1 ? 3 : 1.6 }));
  const line = svg('polyline', { points: points.map((point) => point.join(',')).join(' ') });
  return svg('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, 'aria-hidden': 'true' }, line, knots);
}

function height(row, rows) {
  return rows < 2 ? HEIGHT / 2 : 4 + (row * (HEIGHT - 8)) / (rows - 1);
}

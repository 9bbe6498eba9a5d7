/**
 * A line under the header while no server answers, or servers cannot reach the place where sessions live.
 *
 * It says that the page tries again, which it does, and goes away by itself with the next answer. It never says
 * that somebody is signed out: an outage tells nothing about that.
 */
import { onWeather } from './api.js';
import { el, fill } from './dom.js';
import { icon } from './icons.js';
import { onLanguage, t } from './language.js';
import { askForSessionSoon } from './session.js';

const AGAIN_MS = 2000;
const line = document.getElementById('weather');
let trouble = null;
let asking = null;

export function drawWeather() {
  onWeather((next) => {
    if (next === trouble) return;
    trouble = next;
    clearInterval(asking);
    if (trouble !== null) asking = setInterval(askForSessionSoon, AGAIN_MS);
    draw();
  });
  onLanguage(draw);
}

function draw() {
  fill(line, trouble !== null && el('p', {}, icon('unplugged'), t(trouble)));
}

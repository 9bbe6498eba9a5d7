/**
 * A line under the header while no server answers.
 *
 * It says that the page tries again, stays while nothing helps, and goes away by itself with the next answer. It never says
 * that somebody is signed out: an outage tells nothing about that.
 */
import { onWeather } from './api.js';
import { el, fill } from './dom.js';
import { icon } from './icons.js';
import { onLanguage, t } from './language.js';

const line = document.getElementById('weather');
let weather = 'fine';

export function drawWeather() {
  onWeather((next) => {
    if (next === weather) return;
    weather = next;
    draw();
  });
  onLanguage(draw);
}

function draw() {
  const texts = { trying: t('tryingAgain'), down: t('noServer') };
  const text = texts[weather];
  fill(line, text && el('p', {}, icon('unplugged'), text));
}

/**
 * Posters, drawn by code: a sky, a light, a scene, a title. The same film gives the same poster on every server, so there
 * are no image files to ship, to licence or to lose.
 *
 * Chance comes from the film's own name (a small generator seeded with its digest). Each scene is a short function from
 * chance to shapes; what they share, the frame below adds.
 */
import { catalogue, type Film, type Scene } from '../domain/catalogue.js';
import { city, forest, mountains, orbit, rain, sea } from './scenes.js';
import { seeded } from './seeded.js';

export const WIDTH = 600;
export const HEIGHT = 900;

export type Chance = () => number;
export type Colours = Film['colours'];
export type Painter = (chance: Chance, colours: Colours) => string;

const painters: Record<Scene, Painter> = { city, forest, mountains, orbit, rain, sea };

/** The SVG of `<slug>.svg`; null for a file that is no film's poster. */
export function drawPoster(file: string): string | null {
  const film = catalogue.find((one) => `${one.slug}.svg` === file);
  return film ? poster(film) : null;
}

function poster(film: Film): string {
  const chance = seeded(film.slug);
  const [top, bottom, ground, light] = film.colours;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(`${film.name} ${film.englishName}`)}">`,
    '<defs>',
    `<linearGradient id="sky" x2="0" y2="1"><stop stop-color="${top}"/><stop offset=".72" stop-color="${bottom}"/></linearGradient>`,
    `<radialGradient id="glow"><stop stop-color="${light}" stop-opacity=".75"/><stop offset="1" stop-color="${light}" stop-opacity="0"/></radialGradient>`,
    `<linearGradient id="shade" x2="0" y2="1"><stop stop-color="${ground}" stop-opacity="0"/><stop offset="1" stop-color="${ground}"/></linearGradient>`,
    '</defs>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="url(#sky)"/>`,
    painters[film.scene](chance, film.colours),
    `<rect y="560" width="${WIDTH}" height="340" fill="url(#shade)"/>`,
    title(film),
    '</svg>',
  ].join('');
}

function title({ name, englishName, playingType, colours }: Film): string {
  const size = Math.min(104, 520 / [...name].length);
  const latin = Math.min(34, 880 / englishName.length);
  return [
    `<g fill="${colours[3]}" text-anchor="middle">`,
    `<text x="300" y="770" font-family="'Songti SC','Noto Serif CJK SC','Source Han Serif SC',serif" font-weight="700" font-size="${size}" letter-spacing="6">${escaped(name)}</text>`,
    `<text x="300" y="826" font-family="Georgia,'Times New Roman',serif" font-style="italic" font-size="${latin}" opacity=".9">${escaped(englishName)}</text>`,
    `<text x="300" y="866" font-family="'Helvetica Neue',Arial,sans-serif" font-size="14" letter-spacing="6" opacity=".65">${playingType}</text>`,
    '</g>',
  ].join('');
}

function escaped(text: string): string {
  return text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Faces for those who upload none: twelve of them, drawn like the posters. `default-<n>.svg`, 0 to 11. */
import { seeded } from './seeded.js';

const PALETTES = [
  ['#ffb45c', '#7a3b5d'],
  ['#8fd3ff', '#27405c'],
  ['#d8f0c8', '#1d3b2a'],
  ['#ffd9a0', '#0b1d3a'],
  ['#f3c7a6', '#4b2a6b'],
  ['#9bb8b0', '#1d2f36'],
] as const;

export function drawAvatar(file: string): string | null {
  const number = /^default-(\d|1[01])\.svg$/.exec(file)?.[1];
  if (number === undefined) return null;
  const chance = seeded(file);
  const [light, dark] = PALETTES[Number(number) % PALETTES.length]!;
  const ears = 22 + chance() * 12;
  const tilt = (chance() - 0.5) * 16;
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120">',
    `<rect width="120" height="120" fill="${light}"/>`,
    `<g fill="${dark}" transform="rotate(${tilt.toFixed(1)} 60 66)">`,
    `<circle cx="${60 - ears}" cy="46" r="15"/><circle cx="${60 + ears}" cy="46" r="15"/><circle cx="60" cy="66" r="36"/>`,
    `<ellipse cx="60" cy="74" rx="${20 + chance() * 6}" ry="20" fill="${light}"/>`,
    `<circle cx="49" cy="60" r="5" fill="#fff"/><circle cx="71" cy="60" r="5" fill="#fff"/>`,
    `<circle cx="50" cy="61" r="2.4"/><circle cx="72" cy="61" r="2.4"/>`,
    `<path d="M50 80q10 ${4 + chance() * 8} 20 0" fill="none" stroke="${dark}" stroke-width="3" stroke-linecap="round"/>`,
    '</g></svg>',
  ].join('');
}

/** The six scenes of the posters. Coordinates are those of a 600 by 900 sheet; far things first, near things last. */
import type { Chance, Painter } from './poster.js';

export const mountains: Painter = (chance, [, , ground, light]) => {
  const sun = disc(170 + chance() * 260, 230 + chance() * 80, 88, light);
  const ranges = times(4, (i) => {
    const points = times(13, (x) => `${x * 50},${420 + i * 80 - chance() * (150 - i * 22)}`);
    return `<polygon points="0,900 ${points.join(' ')} 600,900" fill="${ground}" opacity="${0.28 + i * 0.22}"/>`;
  });
  const birds = times(5, () => bird(120 + chance() * 360, 150 + chance() * 160, ground));
  return sun + ranges.join('') + birds.join('');
};

export const sea: Painter = (chance, [, , ground, light]) => {
  const moon = disc(300 + (chance() - 0.5) * 160, 300, 96, light);
  const path = times(16, (i) => {
    const width = 200 - i * 9 - chance() * 40;
    return `<rect x="${300 - width / 2 + (chance() - 0.5) * 40}" y="${478 + i * 17}" width="${width}" height="5" rx="2.5" fill="${light}" opacity="${0.55 - i * 0.03}"/>`;
  });
  const waves = times(5, (i) => wave(470 + i * 70, 12 + i * 5, chance() * 6, ground, 0.25 + i * 0.15));
  const x = 190 + chance() * 160;
  const boat = `<path d="M${x} 520h150l-26 38h-96z M${x + 40} 520v-34h52v34z M${x + 60} 486v-26h10v26z" fill="${ground}"/><circle cx="${x + 66}" cy="503" r="7" fill="${light}"/>`;
  return moon + waves.slice(0, 1) + path.join('') + boat + waves.slice(1).join('');
};

export const city: Painter = (chance, [, , ground, light]) => {
  const moon = disc(420, 190, 64, light);
  const far = times(12, (i) => tower(i * 52 - 10, 330 + chance() * 190, 48, ground, 0.45));
  const near = times(7, (i) => {
    const top = 420 + chance() * 190;
    return tower(i * 92 - 20, top, 80, ground, 0.94) + windows(chance, i * 92 - 20, top, light);
  });
  return moon + far.join('') + near.join('');
};

export const forest: Painter = (chance, [, bottom, ground, light]) => {
  const sun = disc(300, 300, 110, light);
  const rows = times(4, (i) => {
    const trees = times(9, (n) => tree(n * 75 + chance() * 40 - 20, 560 + i * 70, 230 + chance() * 130 - i * 10));
    return `<g fill="${ground}" opacity="${0.3 + i * 0.22}">${trees.join('')}<rect y="${580 + i * 70}" width="600" height="320"/></g>`;
  });
  const mist = times(
    3,
    (i) => `<ellipse cx="${chance() * 600}" cy="${500 + i * 80}" rx="360" ry="34" fill="${bottom}" opacity=".35"/>`,
  );
  return sun + rows.slice(0, 2).join('') + mist.join('') + rows.slice(2).join('');
};

export const orbit: Painter = (chance, [, bottom, ground, light]) => {
  const stars = times(
    120,
    () =>
      `<circle cx="${chance() * 600}" cy="${chance() * 700}" r="${0.6 + chance() * 1.6}" fill="${light}" opacity="${0.3 + chance() * 0.7}"/>`,
  );
  const x = 230 + chance() * 140;
  const planet = `${disc(x, 360, 150, light)}<circle cx="${x}" cy="360" r="150" fill="${bottom}"/><path d="M${x - 150} 360a150 150 0 0 0 300 0a150 96 0 0 1-300 0z" fill="${ground}" opacity=".55"/>`;
  const rings = times(
    4,
    (i) =>
      `<ellipse cx="${x}" cy="360" rx="${226 + i * 17}" ry="${46 + i * 6}" fill="none" stroke="${light}" stroke-width="${3 - i * 0.6}" opacity="${0.7 - i * 0.13}" transform="rotate(-18 ${x} 360)"/>`,
  );
  const ships = times(3, (i) => paper(110 + i * 170 + chance() * 60, 560 + chance() * 70, light));
  return stars.join('') + planet + rings.join('') + ships.join('');
};

export const rain: Painter = (chance, [, , ground, light]) => {
  const lamp = disc(chance() < 0.5 ? 110 : 490, 200 + chance() * 80, 34, light);
  const drops = times(130, () => {
    const [x, y] = [chance() * 640, chance() * 720];
    return `<path d="M${x} ${y}l-7 ${22 + chance() * 20}" stroke="#fff" stroke-width="1.4" opacity="${0.12 + chance() * 0.3}"/>`;
  });
  const hills = wave(560, 26, chance() * 6, ground, 0.6) + wave(620, 18, chance() * 6, ground, 0.9);
  return lamp + hills + umbrella(300, 470, light, ground) + drops.join('');
};

function times(count: number, draw: (index: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => draw(index));
}

function disc(x: number, y: number, radius: number, colour: string): string {
  return `<circle cx="${x}" cy="${y}" r="${radius * 2.6}" fill="url(#glow)"/><circle cx="${x}" cy="${y}" r="${radius}" fill="${colour}"/>`;
}

function bird(x: number, y: number, colour: string): string {
  return `<path d="M${x} ${y}q10-14 20 0q10-14 20 0" fill="none" stroke="${colour}" stroke-width="3" stroke-linecap="round"/>`;
}

function wave(y: number, height: number, phase: number, colour: string, opacity: number): string {
  const points = times(31, (i) => `${i * 20},${(y + Math.sin(i * 0.55 + phase) * height).toFixed(1)}`);
  return `<polygon points="0,900 ${points.join(' ')} 600,900" fill="${colour}" opacity="${opacity}"/>`;
}

function tower(x: number, top: number, width: number, colour: string, opacity: number): string {
  return `<rect x="${x}" y="${top}" width="${width}" height="${900 - top}" fill="${colour}" opacity="${opacity}"/>`;
}

function windows(chance: Chance, x: number, top: number, light: string): string {
  const panes = times(44, (i) => {
    if (chance() < 0.55) return '';
    return `<rect x="${x + 12 + (i % 4) * 16}" y="${top + 16 + Math.floor(i / 4) * 24}" width="8" height="12" fill="${light}" opacity="${0.4 + chance() * 0.6}"/>`;
  });
  return panes.join('');
}

function tree(x: number, foot: number, height: number): string {
  const layer = (from: number, half: number, tall: number) =>
    `M${x - half} ${foot - from}l${half}-${tall}l${half} ${tall}z`;
  return `<path d="${layer(20, 56, height * 0.5)}${layer(height * 0.34, 44, height * 0.42)}${layer(height * 0.6, 30, height * 0.4)}M${x - 6} ${foot - 20}h12v60h-12z"/>`;
}

function paper(x: number, y: number, colour: string): string {
  return `<path d="M${x} ${y}l54-20l-30 36l-6-13z" fill="${colour}"/><path d="M${x + 18} ${y + 3}l36-23l-30 36z" fill="#000" opacity=".22"/>`;
}

function umbrella(x: number, y: number, colour: string, handle: string): string {
  const canopy = `<path d="M${x - 130} ${y}a130 118 0 0 1 260 0q-22-22-43 0q-22-22-44 0q-22-22-43 0q-22-22-43 0q-22-22-44 0q-22-22-43 0z" fill="${colour}"/>`;
  return `<path d="M${x} ${y - 118}v262a22 22 0 0 0 44 0" fill="none" stroke="${handle}" stroke-width="8" stroke-linecap="round"/>${canopy}`;
}

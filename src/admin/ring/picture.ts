/**
 * A ring as a picture: every slot as a square in the colour of its home, and each node's load beside what it should be.
 *
 * The slots lie in rows of 128, slot 0 at the top left: an even mixture is what a good table looks like, and a patch of one
 * colour, or a wrong share, catches the eye. In a browser, pointing at a node lets the others fade. One path a node, made of runs of
 * slots, keeps the file near 100 KB. No script, no font and nothing from elsewhere, so that it may stand on any page.
 *
 * Rejected: slots on a circle (16384 of them are thinner than a hair), a circle of shares (points and shares on a circle are what
 * this ring does not have, and lengths are compared more easily than angles).
 */
import type { Inspection, Load } from '../../ring/compare.js';
import { SLOTS } from '../../ring/nodes.js';
import { fingerprint, type RingTable } from '../../ring/table.js';
import { counted, fixed, percent } from './appraisal.js';

const SIDE = 128;
const CELL = 4;
const MARGIN = 32;
const TOP = 104;
const PANEL = MARGIN + SIDE * CELL + 40;
const PANEL_WIDTH = 400;
const WIDTH = PANEL + PANEL_WIDTH + MARGIN;
const ROW = 56;
const INK = '#1f2933';
/** From so many nodes on, a row has one line instead of three. */
const MANY = 16;
const NARROW_ROW = 18;

/** The picture, as SVG. */
export function picture(table: RingTable, { loads, worstCopies }: Inspection): string {
  const { nodes, copies, epoch } = table;
  const row = nodes.length < MANY ? ROW : NARROW_ROW;
  const height = TOP + Math.max(SIDE * CELL, nodes.length * row) + MARGIN;
  const title = `Ring of ${counted(nodes.length, 'node')}, ${counted(copies, 'copy', 'copies')}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12" fill="#5c6b7a">
<title>${title}, epoch ${epoch}</title>
<desc>${SLOTS} slots in rows of ${SIDE}, each in the colour of its home; beside them the load of each node and what it should be.</desc>
<style>svg:has(.node:hover) .node:not(:hover) { opacity: 0.12 }</style>
<rect width="${WIDTH}" height="${height}" rx="12" fill="#ffffff"/>
<text x="${MARGIN}" y="44" font-size="22" font-weight="600" fill="${INK}">${title}</text>
<text x="${MARGIN}" y="68">epoch ${epoch} · fingerprint <tspan font-family="ui-monospace, 'DejaVu Sans Mono', monospace">${fingerprint(table)}</tspan></text>
<text x="${MARGIN}" y="${TOP - 12}">${SLOTS} slots, each in the colour of its home</text>
<text x="${PANEL}" y="${TOP - 12}">full colour: homes; light: further copies; mark: its share</text>
<text x="${PANEL + PANEL_WIDTH}" y="68" text-anchor="end">most over its share: ${fixed(worstCopies, 4)}</text>
${nodes.map((_, n) => nodeOf(table, loads, n, row)).join('\n')}
</svg>
`;
}

/** All of one node, so that pointing at any part of it lets the others fade. */
function nodeOf(table: RingTable, loads: readonly Load[], n: number, height: number): string {
  const { name, weight, zone } = table.nodes[n]!;
  const { copies, homes, idealCopies } = loads[n]!;
  const tip = `${name}: weight ${weight}${zone === null ? '' : `, zone ${zone}`}; ${copies} copies, home of ${homes}; its share is ${fixed(idealCopies, 1)}`;
  return `<g class="node"><title>${plain(tip)}</title>
<path shape-rendering="crispEdges" transform="translate(${MARGIN} ${TOP + CELL / 2}) scale(${CELL})" stroke="${colourOf(n)}" d="${runsOf(table, n)}"/>
<g transform="translate(${PANEL} ${TOP + n * height})">${height === ROW ? wideRow(table, loads, n) : narrowRow(table, loads, n)}</g>
</g>`;
}

/** The slots of a home as one path: each run of neighbours in a row is a stroke. */
function runsOf({ owners: { width, entries } }: RingTable, node: number): string {
  const isHome = (slot: number): boolean => entries[slot * width] === node;
  let path = '';
  for (let slot = 0; slot < SLOTS; slot++) {
    if (!isHome(slot)) continue;
    const begin = slot;
    while ((slot + 1) % SIDE !== 0 && isHome(slot + 1)) slot++;
    path += `M${begin % SIDE} ${Math.floor(begin / SIDE)}h${slot + 1 - begin}`;
  }
  return path;
}

/** Three lines: who and how much, the bar, and what was asked for. */
function wideRow({ nodes, owners }: RingTable, loads: readonly Load[], n: number): string {
  const [{ name, weight, zone }, load] = [nodes[n]!, loads[n]!];
  const held = `${load.copies} copies (${percent(load.copies, owners.entries.length)})`;
  return [
    rectangle(0, 0, PANEL_WIDTH, ROW, 'fill="none" pointer-events="all"'),
    `<text y="11" font-size="13" font-weight="600" fill="${INK}">${cut(name, 20)}</text>`,
    `<text x="${PANEL_WIDTH}" y="11" text-anchor="end">${owners.width > 1 ? `${held}, home of ${load.homes}` : held}</text>`,
    barOf(load, fullOf(loads), colourOf(n), 0, 17, PANEL_WIDTH, 10),
    `<text y="41" font-size="11">weight ${weight}${zone === null ? '' : `, zone ${cut(zone, 40)}`}</text>`,
    `<text x="${PANEL_WIDTH}" y="41" font-size="11" text-anchor="end">share ${fixed(load.idealCopies, 1)}</text>`,
  ].join('');
}

function narrowRow({ nodes }: RingTable, loads: readonly Load[], n: number): string {
  const load = loads[n]!;
  return [
    rectangle(0, 0, PANEL_WIDTH, NARROW_ROW, 'fill="none" pointer-events="all"'),
    `<text y="12" font-weight="600" fill="${INK}">${cut(nodes[n]!.name, 18)}</text>`,
    barOf(load, fullOf(loads), colourOf(n), 140, 3, PANEL_WIDTH - 190, 9),
    `<text x="${PANEL_WIDTH}" y="12" text-anchor="end">${load.copies}</text>`,
  ].join('');
}

function fullOf(loads: readonly Load[]): number {
  return Math.max(...loads.flatMap(({ copies, idealCopies }) => [copies, idealCopies]));
}

/** Homes in full colour, further copies lighter, and a mark where the load should end. */
function barOf(load: Load, full: number, colour: string, x: number, y: number, width: number, height: number): string {
  const at = (value: number): string => ((value / full) * (width - 2)).toFixed(1);
  return [
    rectangle(x, y, width, height, 'fill="#eef1f4"'),
    rectangle(x, y, at(load.copies), height, `fill="${colour}" opacity="0.45"`),
    rectangle(x, y, at(load.homes), height, `fill="${colour}"`),
    rectangle(x + Number(at(load.idealCopies)), y - 3, 2, height + 6, `fill="${INK}"`),
  ].join('');
}

function rectangle(x: number, y: number, width: number | string, height: number, look: string): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" ${look}/>`;
}

/** Told apart with most kinds of colour blindness, as far as a dozen can be. */
const COLOURS = [
  '#3b76c4',
  '#f28e2b',
  '#3f9c5a',
  '#d1495b',
  '#8e6bbf',
  '#f2c14e',
  '#2aa9b8',
  '#9c6b4a',
  '#e48bb5',
  '#7f8b99',
  '#9bc53d',
  '#1d3b6f',
];

/** Beyond the dozen, hues a golden angle apart, in three shades by turns. */
function colourOf(n: number): string {
  return COLOURS[n] ?? hexOf((n * 137.508) % 360, 0.55, [0.45, 0.62, 0.32][n % 3]!);
}

function hexOf(hue: number, saturation: number, lightness: number): string {
  const part = (n: number): string => {
    const k = (n + hue / 30) % 12;
    const value = lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(255 * value)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${part(0)}${part(8)}${part(4)}`;
}

function cut(text: string, most: number): string {
  return plain(text.length > most ? `${text.slice(0, most - 1)}…` : text);
}

/** Names are plain ASCII by the ring's rule; this holds whatever they become. */
function plain(text: string): string {
  return text.replace(/[^ -~…]/g, '?').replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

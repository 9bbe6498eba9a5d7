/**
 * How far a resize is, for people: a bar, slots and sessions, how fast and how long, and what requests notice of it.
 *
 * The figures are those that the moving server writes down once a second (layers/ring/status.ts), so that it does not matter which
 * process moves and which one looks. The same in one line for logs. Rejected: a bar of slots. Where there are fewer sessions than slots
 * most slots have nothing to move, and it would begin near its end.
 */
import type { ResizeStatus } from '../../layers/ring/status.js';
import { type Line, progressBar, type Span } from '../printer.js';
import { counted, percent } from './appraisal.js';

const MOST_BAR = 60;

/** Lines for a terminal. */
export function progressLines(status: ResizeStatus, columns: number): Line[] {
  const { phase, isPaused, isBack, next, epoch, fingerprint, move, unfenced } = status;
  const heading: Span = { text: headingOf(status), style: 'strong' };
  if (phase === 'stable') return [[heading]];
  const target = next ?? { epoch, fingerprint };
  const lines: Line[] = [
    [heading, { text: `  epoch ${target.epoch}  fingerprint ${target.fingerprint.slice(0, 16)}`, style: 'dim' }],
  ];
  if (move) {
    const width = Math.min(MOST_BAR, columns - 10);
    // Of nothing, all is done.
    const [done, all] = move.sessions === 0 ? [1, 1] : [move.sessionsDone, move.sessions];
    lines.push([...(progressBar(done, all, width) as readonly Span[]), ` ${percent(done, all)}`]);
    lines.push(...figuresOf(status).map((text): Line => text));
  } else if (phase === 'moving' && !isPaused) {
    lines.push([
      { text: 'No figures yet: sessions are counted first, by whoever will carry them over.', style: 'dim' },
    ]);
  }
  if (isPaused)
    lines.push([{ text: 'Paused. Everything is served meanwhile; sojourn ring resume lets it go on.', style: 'warn' }]);
  if (isBack) lines.push([{ text: 'It is being taken back.', style: 'warn' }]);
  if (unfenced.length > 0)
    lines.push([
      {
        text: `Away when their slots were closed: ${unfenced.join(', ')}. They are filled before they are believed.`,
        style: 'warn',
      },
    ]);
  return lines;
}

/** The same in one line. */
export function progressLine(status: ResizeStatus): string {
  return [headingOf(status), ...(status.move ? figuresOf(status) : [])].join(', ');
}

/** `1 234 567` is read, `1234567` is counted. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

export function lasting(ms: number): string {
  const s = Math.ceil(ms / 1000);
  if (s < 120) return `${s} s`;
  return s < 7200 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`;
}

export function bytesInWords(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let n = 0;
  while (value >= 1024 && n < units.length - 1) {
    value /= 1024;
    n++;
  }
  return `${n === 0 ? Math.round(value) : value.toFixed(1)} ${units[n]}`;
}

function headingOf({ phase, isBack, isPaused }: ResizeStatus): string {
  if (phase === 'stable') return 'Nothing moves';
  const doing = {
    announced: 'Announced: every server is being told',
    moving: isBack ? 'Moving, and then back' : 'Moving',
  } as const;
  return isPaused ? `${doing[phase]} (paused)` : doing[phase];
}

/** Two lines: what is done, and what requests notice. */
function figuresOf({ move, servers }: ResizeStatus): string[] {
  const { slots, slotsDone, sessions, sessionsDone, bytesDone, perSecond, leftMs, slowMs } = move!;
  const pulled = servers.reduce((sum, server) => sum + server.pulled, 0);
  const refused = servers.reduce((sum, server) => sum + server.refused, 0);
  const rate = perSecond > 0 ? `, ${grouped(perSecond)} a second` : '';
  const left = leftMs === undefined || leftMs < 1000 ? '' : `, about ${lasting(leftMs)} left`;
  return [
    `slots ${grouped(slotsDone)} of ${grouped(slots)}, sessions ${grouped(sessionsDone)} of ${grouped(sessions)} (${bytesInWords(bytesDone)})${rate}${left}`,
    `answers of nodes p99 ${slowMs.toFixed(1)} ms, ${counted(pulled, 'session')} fetched by requests, ${counted(refused, 'write')} sent again`,
  ];
}

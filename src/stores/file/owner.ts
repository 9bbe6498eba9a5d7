/**
 * Who has a store open, and whether he is still there: what tells a lock that is held from one whose holder was killed.
 *
 * A process is known by the boot of the machine, the namespace that its number counts in, the number, and the time at which it started:
 * numbers come round. On systems without /proc only the number is known; then a lock may look held although its holder is
 * gone and another process has his number, and waiting for it ends in an error, never in two holders.
 * Who is in another namespace (another container) cannot be looked at: he counts as gone when he has not touched a lock for a minute.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { uptime } from 'node:os';

export interface Owner {
  /** Random, of this open store alone. */
  readonly nonce: string;
  readonly boot: string;
  readonly space: string;
  readonly pid: number;
  readonly started: string;
}

const UNSEEN_GONE_MS = 60_000;

export function thisProcess(nonce: string): Owner {
  return { nonce, boot: bootOf(), space: spaceOf(), pid: process.pid, started: startOf(process.pid) };
}

export function written(owner: Owner): string {
  return `${JSON.stringify(owner)}\n`;
}

/** The owner that a file tells of, or null for what is none. */
export function ownerIn(text: string): Owner | null {
  try {
    const { nonce, boot, space, pid, started } = JSON.parse(text) as Record<keyof Owner, unknown>;
    const texts = [nonce, boot, space, started].every((part) => typeof part === 'string');
    if (!texts || !Number.isSafeInteger(pid) || !/^[\w-]{1,64}$/.test(nonce as string)) return null;
    return { nonce, boot, space, pid, started } as Owner;
  } catch {
    return null;
  }
}

/** True when that process can never write again. `silentMs`: how long ago it took or gave back a lock. */
export function isGone(owner: Owner, silentMs: number): boolean {
  if (owner.boot !== bootOf()) return true;
  if (owner.space !== spaceOf()) return silentMs > UNSEEN_GONE_MS;
  if (!isRunning(owner.pid)) return true;
  const started = startOf(owner.pid);
  return started !== '' && owner.started !== '' && started !== owner.started;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

let boot: string | undefined;

function bootOf(): string {
  // Without the kernel's word: when it was, to ten minutes, since clocks are set.
  boot ??= textOf('/proc/sys/kernel/random/boot_id') || String(Math.round((Date.now() / 1000 - uptime()) / 600));
  return boot;
}

let space: string | undefined;

function spaceOf(): string {
  try {
    space ??= readlinkSync('/proc/self/ns/pid');
  } catch {
    space = '';
  }
  return space;
}

/** Ticks after the boot at which the process started: field 22, after a name in brackets that may hold anything. */
function startOf(pid: number): string {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

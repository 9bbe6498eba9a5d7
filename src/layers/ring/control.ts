/**
 * The ring's own cells, which lie on the nodes beside the sessions under ids that no session can have.
 *
 *   ring:synced            on every node: all that it should have, it has. Its bytes name the era of the ring, and this very mark.
 *   ring:hint:<n>:<name>:<id>   node <name> (n letters) has missed a write of session <id>; the cell of <id> here has it.
 *   ring:behind:<name>     on a node that keeps such hints. 'hints', or 'all' where they became too many to be kept.
 *   ring:alive             on every node: when it was in use last, as epoch milliseconds.
 *   ring:repair            on a node that is being filled: by whom. It ends by itself when that one has died.
 *   ring:table             on every node: the document of the ring, and what was promised about it (document.ts).
 *   ring:table:<sha256>    on every node: the tables that the document names.
 *   ring:server:<id>       on one node: what a process that has the ring open knows, and when it said so.
 *   ring:mover             on one node: who carries sessions over, and how far that has come.
 *
 * They are filed by made-up users, so that all hints for one node are found without walking over its sessions.
 */
import type { Cell, Environment } from '../../contract.js';
import { MARK_BYTES } from '../../core/cell.js';

const PREFIX = 'ring:';
export const SYNCED = 'ring:synced';
export const ALIVE = 'ring:alive';
export const REPAIR = 'ring:repair';
export const TABLE = 'ring:table';
export const MOVER = 'ring:mover';
/** What the cells of servers are filed under. */
export const SERVER_USER = 'ring:server';
const HINT = 'ring:hint:';
const BEHIND = 'ring:behind:';
/** What the cells of `behind` are filed under. */
export const BEHIND_USER = 'ring:behind';

/** For ever, as far as every store can write it down: the last second of the year 9999. */
export const FOR_EVER = 253_402_300_799_000;

/** How much a node has missed. */
export type Missed = 'hints' | 'all';

export function isControl(id: string): boolean {
  return id.startsWith(PREFIX);
}

/** Whether a cell is a node's own and lasts: no session, and nothing that is kept for another node. */
export function isLasting(id: string): boolean {
  return isControl(id) && !id.startsWith(HINT) && !id.startsWith(BEHIND);
}

export function hintPrefix(node: string): string {
  return `${HINT}${node.length}:${node}:`;
}

export function hintUser(node: string): string {
  return `${PREFIX}hint:${node}`;
}

export function behindId(node: string): string {
  return BEHIND + node;
}

/** The node that such an id is about, if it is one. */
export function nodeBehind(id: string): string | undefined {
  return id.startsWith(BEHIND) ? id.slice(BEHIND.length) : undefined;
}

export function tableId(fingerprint: string): string {
  return `${TABLE}:${fingerprint}`;
}

export function serverId(id: string): string {
  return `${SERVER_USER}:${id}`;
}

/** A control cell with a new mark. */
export function controlCell(random: Environment['random'], text: string, keepUntil: number, user?: string): Cell {
  const cell = { mark: Buffer.from(random(MARK_BYTES)), bytes: Buffer.from(text), keepUntil };
  return user === undefined ? cell : { ...cell, user };
}

export function textIn(cell: Cell): string {
  return Buffer.from(cell.bytes.buffer, cell.bytes.byteOffset, cell.bytes.length).toString();
}

/** A synced mark: of which era, and which one. */
export function markText(era: string, random: Environment['random']): string {
  return `${era} ${Buffer.from(random(8)).toString('hex')}`;
}

export function newEra(random: Environment['random']): string {
  return Buffer.from(random(8)).toString('hex');
}

export function eraIn(mark: string): string {
  return mark.split(' ')[0]!;
}

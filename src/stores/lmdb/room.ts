/**
 * The bound of the file. LMDB's own (mapSize) is none in lmdb-js, which grows the map by itself; so the store counts pages.
 *
 * What counts is pages in use, not the length of the file: LMDB never gives pages back to the disk, it uses them again. A
 * share of the bound stays free for the copies that every transaction makes of the pages it changes, destroys included;
 * that is why the file stays below the bound as well. Counting costs some 15 microseconds, so it is not done for every write:
 * what was free at the last look is spent down to three quarters first. With several processes each spends on its own.
 */
import type { Files } from './files.js';

/** Kept free for the copies of pages that transactions make. */
const RESERVED_SHARE = 1 / 8;
/** How much of the free room is spent before looking again. */
const TRUSTED_SHARE = 1 / 4;
/** Pages that a write touches beside its record: two index entries, and a branch now and then. */
const PAGES_BESIDE_A_RECORD = 3;
/** How long nothing is added after the disk was full, so that logouts do not fail together with what does not fit. */
const PAUSE_MS = 1000;
/** The two meta pages. */
const META_PAGES = 2;

interface Stats {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}
interface EnvironmentStats extends Stats {
  readonly root: Stats;
  readonly free: Stats;
  readonly lastPageNumber: number;
}

export class Room {
  private trusted = 0;
  /** Pages for writes that are under way. */
  private claimed = 0;
  private pausedUntil = 0;
  private readonly files: Files;
  private readonly maxBytes: number;
  private readonly pageSize: number;

  constructor(files: Files, maxBytes: number) {
    this.files = files;
    this.maxBytes = maxBytes;
    this.pageSize = this.stats().pageSize;
  }

  /** True when a record of that size may be added. Then `release` must follow, once the write has settled. */
  claim(bytes: number): boolean {
    if (this.isPaused()) return false;
    const pages = this.pagesFor(bytes);
    if (this.trusted < pages) this.trusted = this.look() * TRUSTED_SHARE;
    if (this.trusted < pages && this.look() < pages) return false;
    this.trusted -= pages;
    this.claimed += pages;
    return true;
  }

  release(bytes: number): void {
    this.claimed -= this.pagesFor(bytes);
  }

  /** A transaction has failed for want of space: what adds nothing goes first, for a while or until something was removed. */
  pause(): void {
    this.pausedUntil = performance.now() + PAUSE_MS;
    this.trusted = 0;
  }

  resume(): void {
    this.pausedUntil = 0;
  }

  /** What ran out, for an error. */
  get limit(): string {
    return this.isPaused() ? 'the disk did not take the last transaction' : `maxBytes ${this.maxBytes}`;
  }

  private isPaused(): boolean {
    return this.pausedUntil > 0 && this.pausedUntil > performance.now();
  }

  private pagesFor(bytes: number): number {
    return Math.ceil(bytes / this.pageSize) + PAGES_BESIDE_A_RECORD;
  }

  /** Free pages, as of now. */
  private look(): number {
    const { users, deadlines, cells, cellUsers, cellDeadlines, fences, root } = this.files;
    const all = this.stats();
    const others = [users, deadlines, cells, cellUsers, cellDeadlines, fences].map((each) => each.getStats() as Stats);
    const used = META_PAGES + [all, all.root, all.free, ...others].reduce((sum, stats) => sum + pagesOf(stats), 0);
    const most = Math.floor((this.maxBytes * (1 - RESERVED_SHARE)) / this.pageSize);
    // A process that was killed while it read keeps pages from being used again until somebody looks for it.
    if (all.lastPageNumber * this.pageSize > this.maxBytes) root.readerCheck();
    return most - used - this.claimed;
  }

  private stats(): EnvironmentStats {
    this.files.root.resetReadTxn();
    return this.files.sessions.getStats() as EnvironmentStats;
  }
}

function pagesOf(stats: Stats): number {
  return stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages;
}

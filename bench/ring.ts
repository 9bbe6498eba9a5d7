/**
 * The ring: what it costs to find a session's nodes, what a second copy costs, what fences cost, and what a server that hangs does to
 * requests. Real Redis servers, and paired runs: who is compared takes turns, in an order that moves on each round.
 */
import { copies } from './ring/copies.js';
import { fences } from './ring/fences.js';
import { hang } from './ring/hang.js';
import { lookup } from './ring/lookup.js';
import { answer } from './support/processes.js';
import type { Result } from './support/result.js';

answer(async ({ quick }: { quick: boolean }): Promise<Result> => {
  const results = [lookup(quick), await copies(quick), await fences(quick), await hang(quick)];
  return {
    tables: results.flatMap(({ tables }) => tables),
    goals: results.flatMap(({ goals }) => goals),
    checks: results.flatMap(({ checks }) => checks),
  };
});

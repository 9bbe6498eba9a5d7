/**
 * docs/benchmarks.md: everything that a run found, with what it was made on, how, and what it says nothing about. Written by
 * script and never by hand, so that figures, verdicts and the method come from the same run of the same code.
 */
import type { Machine } from './machine.js';
import type { Result } from './result.js';
import { checksText, goalsText, tableText } from './tables.js';

const METHOD = `Everything below comes from one run of \`npm run bench\`; [bench/README.md](../bench/README.md) says how and why so. In short: the bare
handler and every entrant run inside one server process, in turns without pauses, in an order that moves on each round; the
first round is thrown away. *CPU added* and *CPU ratio* (bare / entrant) are CPU time of the whole server process per request, garbage
collection and native threads included, each the 10th percentile over windows of 100 ms, because noise only ever adds. *Requests/s ratio* is the
median (min..max) of pairs with the bare turn of the same group. A row whose samples spread more than 25 % is marked and no goal is
judged by it. The load is 32 keep-alive connections with one request at a time each, over 1,000 sessions of ten fields (963 bytes as
JSON). The *floor* is no library: a cookie scan, a Map and one SHA-256; the *floor: one trip* adds one GET, or one script, through
the same Redis client; the *floor: opened by hand* is a cookie scan, base64url, AES-256-GCM and JSON.parse, and *bare, a long cookie* is the bare handler
whose requests bring as many bytes. Redis runs at its default settings, nothing written to disk, on the core of the load generator; *commands per request* are
differences of its INFO commandstats over the very turns that were timed, scripts' own commands told apart, heartbeats counted apart. All entrants run with the defaults that their own documentation recommends.`;

const NOT_MEASURED = `Redis on another machine, under TLS, as a cluster; every other store across a network; a ring across a network; replicas; Fastify, Koa, Hono; TLS; other
versions of Node; several server processes behind a balancer; sessions far larger or smaller than 1 KB; latency under partial load (the
server is kept busy all the time); disks other than this one. The load generator keeps no
cookies, so the version that an answer carries after a write does not come back with the next request.`;

export function page(results: readonly Result[], { lines }: Machine, date: string): string {
  const goals = results.flatMap((result) => result.goals);
  const checks = results.flatMap((result) => result.checks);
  return `# Benchmarks

Written by \`npm run bench\` on ${date}. Do not edit: run it again.

${lines.map((line) => `- ${line}`).join('\n')}

## Goals

${goalsText(goals)}

## Method

${METHOD}

## Checked in the same run

${checksText(checks)}

## Figures

${results.flatMap(({ tables }) => tables.map(tableText)).join('\n\n')}

## Not measured

${NOT_MEASURED}
`;
}

/**
 * The engine without a network: open, work, save, as an adapter calls them, for each store, beside the floor and beside the
 * parts that a read is made of. What HTTP adds or hides is not in here, so differences of a tenth of a microsecond show.
 */
import { cases, FLOOR } from './engine/cases.js';
import { digits, figure, isSteady, percent, range } from './support/figures.js';
import { answer } from './support/processes.js';
import type { Result } from './support/result.js';
import { measure } from './support/rounds.js';
import { tempFolder } from './support/temp.js';

const PACE = { rounds: 24, turnMs: 100 };
const QUICK_PACE = { rounds: 5, turnMs: 50 };

answer(async ({ quick }: { quick: boolean }): Promise<Result> => {
  const samples = await measure(await cases(tempFolder()), quick ? QUICK_PACE : PACE);
  const floor = figure(samples.get(FLOOR)!).quiet;
  const rows = [...samples].map(([name, values]) => {
    const cost = figure(values);
    const remark = isSteady(cost) ? '' : `noisy: rounds spread ${percent(cost.spread)}`;
    return [
      name,
      digits(cost.quiet),
      `${digits(cost.median)} (${range(cost)})`,
      digits(cost.quiet - floor, true),
      remark,
    ];
  });
  const table = {
    title: 'The engine in process: CPU per operation (ten fields, 1 KB)',
    columns: ['what', 'CPU, us (quiet)', 'median (min..max)', 'over the floor', 'remark'],
    rows,
  };
  return { tables: [table], goals: [], checks: [] };
});

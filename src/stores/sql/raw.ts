/**
 * Statements that Kysely's builder has no words for: those that make tables, and those that look a fence up while they write.
 *
 * Run through the instance like any other, so that its pool, its log and its dialect stay in charge. Its `sql` tag would do as well, but
 * would have to be imported, and nothing of ours needs the package itself.
 */
import type { Dialect, Kind } from './dialect.js';
import type { Db } from './tables.js';

/** Runs a statement, with a `?` for each parameter and nowhere else, and tells how many rows it has changed. */
export async function run(
  db: Db,
  { kind }: Dialect,
  text: string,
  parameters: readonly unknown[] = [],
): Promise<number> {
  let n = 0;
  const sql = kind === 'postgres' ? text.replace(/\?/g, () => `$${++n}`) : text;
  const query = { kind: 'RawNode', sqlFragments: [sql], parameters: [] } as const;
  const { numAffectedRows } = await db.executeQuery({ query, sql, parameters, queryId: { queryId: sql } });
  return Number(numAffectedRows ?? 0);
}

/** The name of a table, a schema in front of it or not, as a statement has it. */
export function quoted(kind: Kind, name: string): string {
  const mark = kind === 'mysql' ? '`' : '"';
  return name
    .split('.')
    .map((part) => mark + part + mark)
    .join('.');
}

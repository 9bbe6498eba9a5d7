/**
 * What cannot be tested yet, because the part of the project that it is about does not exist.
 *
 * Such a thing is named with its reason, and the reason is watched: it holds only as long as none of its paths exists. The day
 * the part arrives, a test fails and says what applies now. So nothing is left out in silence, and nothing for ever.
 */
import { existsSync } from 'node:fs';

/** What is waited for, and the files or folders (from the project's root) any of which would bring it. */
export interface Waiting {
  readonly for: string;
  readonly paths: readonly string[];
}

export const waitingFor = {
  expressBridge: {
    for: "the bridge to express-session's own API",
    paths: ['src/compat/express-session', 'src/compat/connect'],
  },
  audit: { for: 'the audit log', paths: ['src/admin/audit.ts', 'src/admin/audit', 'src/core/audit.ts'] },
  ring: { for: 'the ring', paths: ['src/layers/ring.ts'] },
  replicas: { for: 'full replicas', paths: ['src/layers/replicated.ts', 'src/layers/replicated'] },
} as const satisfies Record<string, Waiting>;

/** The paths that have arrived: not empty when what waited applies now. */
export function arrived({ paths }: Waiting): string[] {
  return paths.filter((path) => existsSync(new URL(`../../${path}`, import.meta.url)));
}

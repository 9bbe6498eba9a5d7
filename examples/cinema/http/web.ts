/** Where the page's files are: beside this code when it runs from source, in the source tree when it runs from build/. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const candidates = ['../web/', '../../../../examples/cinema/web/'];

export function webFolder(): string {
  const folders = candidates.map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return folders.find((folder) => existsSync(folder)) ?? folders[0]!;
}

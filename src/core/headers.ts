/**
 * Merging our header lines with what the application has set: `Vary` grows, `Cache-Control` never gets weaker.
 *
 * An answer that sets a session cookie must not be kept by a shared cache (CVE-2025-48947), one that read a session must
 * vary by its carrier (CVE-2023-30861). What the application said about caching stays if it is as strict.
 */

/** The `Vary` value that covers both. `*` covers everything. */
export function mergedVary(present: string | undefined, added: string): string {
  if (present === undefined || present.trim() === '') return added;
  const names = present.split(',').map((name) => name.trim().toLowerCase());
  if (names.includes('*')) return present;
  const missing = added
    .split(',')
    .map((name) => name.trim())
    .filter((name) => !names.includes(name.toLowerCase()));
  return missing.length === 0 ? present : `${present}, ${missing.join(', ')}`;
}

/** What the application said if it forbids shared caching, and ours otherwise. */
export function mergedCacheControl(present: string | undefined, ours: string): string {
  const directives = (present ?? '').split(',').map((directive) => directive.trim().toLowerCase());
  return directives.includes('no-store') || directives.includes('private') ? present! : ours;
}

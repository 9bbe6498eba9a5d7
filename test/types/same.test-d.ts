/** The ruler of the other files, held against types that are nearly the same: it must be able to say no. */
import { same } from './same.js';

interface Visit {
  views: number;
}

same<Visit, { views: number }>(true);
// @ts-expect-error
same<string, string | undefined>(true);
// @ts-expect-error
same<never, string>(true);
// @ts-expect-error
same<unknown, string>(true);
// @ts-expect-error
same<Visit, Partial<Visit>>(true);
// @ts-expect-error
same<Visit, Readonly<Visit>>(true);
// @ts-expect-error: what any looks like, without writing it.
same<ReturnType<typeof JSON.parse>, string>(true);

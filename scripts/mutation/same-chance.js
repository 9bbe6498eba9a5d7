// @ts-check
/**
 * Random tests draw the same in every run: whether a mutant survives must not be luck. What they draw otherwise, `npm test` draws
 * anew each time.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: 20_251_120 });

// @ts-check
/**
 * Stryker's test runner for vitest, with two of its verdicts checked.
 *
 * It says `survived` whenever no test failed. That is also so when none ran: a run can be lost (stryker-js#6073, #6213), and a mutant
 * that keeps a test file from being loaded leaves that file without tests (#6150). The first is tried again, and is an error in the end;
 * the second is what it is, a failure. To be thrown away when the runner of the day knows better.
 */
import { strykerPlugins as given, strykerValidationSchema as schema } from '@stryker-mutator/vitest-runner';

const ATTEMPTS = 4;

const make = /** @type {any} */ (given[0]).factory;

/** @param {any} injector */
function checkedRunner(injector) {
  const inner = make(injector);
  return {
    capabilities: () => inner.capabilities(),
    init: () => inner.init(),
    dispose: () => inner.dispose(),

    /** @param {unknown} options */
    async dryRun(options) {
      const result = await inner.dryRun(options);
      const [broken] = unloadable(inner.ctx);
      if (broken === undefined || result.status !== 'complete') return result;
      return { status: 'error', errorMessage: broken };
    },

    /** @param {{ sandboxFileName: string }} options */
    async mutantRun(options) {
      process.env.SOJOURN_MUTATED = options.sandboxFileName;
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const result = await inner.mutantRun(options);
        if (result.status !== 'survived') return result;
        const [broken] = unloadable(inner.ctx);
        if (broken !== undefined) return { status: 'killed', failureMessage: broken, killedBy: [], nrOfTests: 1 };
        if (result.nrOfTests > 0) return result;
      }
      return { status: 'error', errorMessage: `No test ran, in ${ATTEMPTS} attempts.` };
    },
  };
}
checkedRunner.inject = make.inject;

/**
 * What kept test files from being loaded.
 * @param {any} vitest
 * @returns {string[]}
 */
function unloadable(vitest) {
  return vitest.state
    .getFiles()
    .filter((/** @type {any} */ file) => file.result?.state === 'fail' && file.result.errors?.length > 0)
    .map((/** @type {any} */ file) => `${file.name}: ${file.result.errors[0].message}`);
}

export const strykerPlugins = [{ kind: 'TestRunner', name: 'sojourn', factory: checkedRunner }];
export const strykerValidationSchema = schema;

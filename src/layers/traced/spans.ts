/**
 * Calls of a store as OpenTelemetry spans, and their durations as a histogram.
 *
 * A span is the active one while its call runs: what the driver's own instrumentation makes is found inside. The API is handed in, and
 * typed by the little that is used of it: sojourn depends on no version of it. Without a provider its calls do nothing, for 0.2 us.
 */
import { performance } from 'node:perf_hooks';
import { heard, type Observer } from './observer.js';

type Attributes = Record<string, string | number | boolean>;

export interface Span {
  setAttribute(name: string, value: string | number | boolean): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

/** `import * as otel from '@opentelemetry/api'`. */
export interface OpenTelemetry {
  readonly trace: {
    getTracer(name: string): {
      startSpan(name: string, options: { kind?: number; attributes?: Attributes }): Span;
      startActiveSpan<R>(name: string, options: { kind?: number; attributes?: Attributes }, run: (span: Span) => R): R;
    };
  };
  readonly metrics: {
    getMeter(name: string): {
      createHistogram(
        name: string,
        options: { description?: string; unit?: string },
      ): { record(value: number, attributes?: Attributes): void };
    };
  };
}

/** SpanKind.CLIENT and SpanStatusCode.ERROR of the API. */
const CLIENT = 2;
const ERROR = 2;

export function spans({ trace, metrics }: OpenTelemetry, store: string): Observer {
  const tracer = trace.getTracer('sojourn');
  const durations = metrics.getMeter('sojourn').createHistogram('sojourn.store.duration', {
    description: 'How long calls of the session store take.',
    unit: 's',
  });
  const optionsOf = (operation: string) => ({
    kind: CLIENT,
    attributes: { 'sojourn.store': store, 'sojourn.operation': operation },
  });
  const ended = (span: Span, operation: string, begun: number, outcome: string): void => {
    span.setAttribute('sojourn.outcome', outcome);
    span.end();
    const attributes = { 'sojourn.store': store, 'sojourn.operation': operation, 'sojourn.outcome': outcome };
    durations.record((performance.now() - begun) / 1000, attributes);
  };
  const failed = (span: Span, operation: string, begun: number, code: string): void => {
    span.setAttribute('error.type', code);
    span.setStatus({ code: ERROR, message: code });
    ended(span, operation, begun, 'error');
  };
  return {
    call(operation, call, outcomeOf) {
      const begun = performance.now();
      return tracer.startActiveSpan(`sojourn ${operation}`, optionsOf(operation), (span) =>
        heard(
          call,
          (answer) => ended(span, operation, begun, outcomeOf(answer)),
          (code) => failed(span, operation, begun, code),
        ),
      );
    },
    walk(operation) {
      const begun = performance.now();
      const span = tracer.startSpan(`sojourn ${operation}`, optionsOf(operation));
      return (outcome, items) => {
        span.setAttribute('sojourn.items', items);
        if (outcome === 'ok' || outcome === 'left') ended(span, operation, begun, outcome);
        else failed(span, operation, begun, outcome);
      };
    },
  };
}

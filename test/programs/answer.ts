/** The worker's side of test/support/worker.ts: answers each question, and ends when the channel does. */
export function answer(reply: (question: never) => unknown): void {
  process.on('message', ({ n, question }: { n: number; question: never }) => {
    Promise.resolve()
      .then(() => reply(question))
      .then(
        (value) => process.send?.({ n, answer: value ?? null }),
        (error: unknown) => process.send?.({ n, error: error instanceof Error ? error.message : String(error) }),
      );
  });
  process.on('disconnect', () => process.exit(0));
}

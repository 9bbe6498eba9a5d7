/** A business rule says no. The API answers it with status 233 and the text, as its clients expect; nothing is logged. */
export class Refusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Refusal';
  }
}

export function refuse(message: string): never {
  throw new Refusal(message);
}

/**
 * The fields of one plain request: what the handler sees, and what it wishes for.
 *
 * The rule that is retold here: updates can be rerun, a take leaves what it did not read, and whatever begins with anything else
 * is an assignment. A change deep inside a value is noticed late, by comparing with what was last written down.
 */
import { type Notes, sameNotes, type Wish } from './plain-store.js';

interface PlainField {
  stored: Notes | undefined;
  /** What was last written down of `seen`. */
  noted: Notes | undefined;
  seen: string[] | undefined;
  kind: 'none' | Wish['kind'];
  added: string[];
}

export interface PlainFields {
  get(field: string): Notes | undefined;
  keys(): string[];
  set(field: string, notes: Notes | undefined): void;
  /** `update`: one note more. */
  add(field: string, note: string): void;
  take(field: string): Notes | undefined;
  /** One note more, deep inside the value that the handler holds. */
  push(field: string, note: string): void;
  wishes(): Map<string, Wish>;
  /** After a commit in mid-request. */
  settle(written: ReadonlyMap<string, Notes | undefined>): void;
}

export function plainFields(stored: ReadonlyMap<string, Notes>): PlainFields {
  const fields = new Map<string, PlainField>();
  const of = (name: string): PlainField => {
    const field = fields.get(name) ?? standing(undefined);
    fields.set(name, field);
    return field;
  };
  for (const [name, notes] of stored) fields.set(name, standing(notes));

  return {
    get: (name) => of(name).seen,
    keys: () => [...fields].filter(([, { noted }]) => noted !== undefined).map(([name]) => name),
    set(name, notes) {
      const field = of(name);
      write(field, notes);
      field.kind = 'assign';
    },
    add(name, note) {
      const field = of(name);
      noticeInside(field);
      write(field, [...(field.seen ?? []), note]);
      if (field.kind !== 'assign') field.kind = 'update';
      field.added.push(note);
    },
    take(name) {
      const field = of(name);
      if (field.noted === undefined) return undefined;
      const taken = field.seen;
      if (field.kind !== 'assign') field.kind = 'take';
      field.added = [];
      write(field, undefined);
      return taken;
    },
    push(name, note) {
      of(name).seen?.push(note);
    },
    wishes() {
      const wishes = new Map<string, Wish>();
      for (const [name, field] of fields) {
        noticeInside(field);
        if (field.kind !== 'none' && !sameNotes(field.noted, field.stored)) wishes.set(name, wishOf(field, field.kind));
      }
      return wishes;
    },
    settle(written) {
      for (const [name, notes] of written) fields.set(name, standing(notes));
      for (const field of fields.values()) Object.assign(field, { stored: field.noted, kind: 'none', added: [] });
    },
  };
}

function standing(notes: Notes | undefined): PlainField {
  return { stored: notes, noted: notes, seen: notes && [...notes], kind: 'none', added: [] };
}

function write(field: PlainField, notes: Notes | undefined): void {
  field.noted = notes;
  field.seen = notes && [...notes];
}

function noticeInside(field: PlainField): void {
  if (sameNotes(field.noted, field.seen)) return;
  field.noted = field.seen && [...field.seen];
  field.kind = 'assign';
}

function wishOf({ stored, noted, added }: PlainField, kind: Wish['kind']): Wish {
  if (kind === 'take') return { kind, read: stored };
  if (kind === 'assign') return { kind, to: noted };
  const notes = [...added];
  return { kind, rerun: (current) => (sameNotes(current, stored) ? noted : [...(current ?? []), ...notes]) };
}

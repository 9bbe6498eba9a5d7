/** An application that uses the core alone: neither the types of Node nor those of a framework may be needed for it. */
import { cookie, memory, type RequestView, type Session, sessions, type } from 'sojourn';

const s = sessions({ data: type<{ views: number }>(), store: memory(), transport: cookie({ sameSite: 'strict' }) });

export async function answer(request: RequestView): Promise<number> {
  const session: Session<{ views: number }> = await s.open(request);
  session.update('views', (views = 0) => views + 1);
  await s.save(session);
  return session.get('views') ?? 0;
}

/**
 * A browser for tests and smoke checks: fetch with a cookie jar of its own, sending forms as the front end does.
 *
 * Several requests may be under way at once, as in several tabs. The jar knows names and values only: all requests go to
 * one address, and what matters about attributes is tested where cookies are made.
 */
export interface Reply<T = unknown> {
  readonly status: number;
  readonly body: T;
  /** Name of the server that answered. */
  readonly servedBy: string;
  readonly headers: Headers;
}

export type Fields = Readonly<Record<string, string | Blob>>;

export interface Browser {
  readonly cookies: Map<string, string>;
  get<T = Body>(path: string): Promise<Reply<T>>;
  post<T = Body>(path: string, fields?: Fields): Promise<Reply<T>>;
  put<T = Body>(path: string, fields?: Fields): Promise<Reply<T>>;
  patch<T = Body>(path: string, fields?: Fields): Promise<Reply<T>>;
  delete<T = Body>(path: string): Promise<Reply<T>>;
}

/** What most answers hold. */
export interface Body {
  readonly message: string;
  readonly id: string;
}

export function browser(
  address: string,
  agent = 'Test Browser',
  extra: Readonly<Record<string, string>> = {},
): Browser {
  const cookies = new Map<string, string>();

  async function send<T>(method: string, path: string, fields?: Fields): Promise<Reply<T>> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(address + path, {
      method,
      headers: { 'User-Agent': agent, ...(cookie && { Cookie: cookie }), ...extra },
      body: fields ? form(fields) : null,
    });
    for (const line of answer.headers.getSetCookie()) keep(cookies, line);
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') === true;
    const body = (isJson ? JSON.parse(text) : text) as T;
    return { status: answer.status, body, servedBy: answer.headers.get('x-served-by') ?? '', headers: answer.headers };
  }

  return {
    cookies,
    get: (path) => send('GET', path),
    post: (path, fields = {}) => send('POST', path, fields),
    put: (path, fields = {}) => send('PUT', path, fields),
    patch: (path, fields = {}) => send('PATCH', path, fields),
    delete: (path) => send('DELETE', path),
  };
}

function form(fields: Fields): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(/; */);
  const [name = '', value = ''] = pair.split(/=(.*)/s);
  const ended = attributes.some((attribute) => /^max-age=0$/i.test(attribute));
  if (ended) cookies.delete(name);
  else cookies.set(name, value);
}

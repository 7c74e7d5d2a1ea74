import { textOf, type TadaDocumentNode } from './graphql';
import { token } from './token';

/** Codes after which the same question may be answered a moment later. */
const TRANSIENT = new Set(['NETWORK', 'BUSY', 'DATABASE_UNAVAILABLE']);

/** What went wrong with a request: the server's own words, and its hint on what to do. */
export class ApiError extends Error {
  override name = 'ApiError';

  constructor(
    message: string,
    readonly code: string,
    readonly hint = '',
    readonly requestId = '',
  ) {
    super(message);
  }

  /** Whether the same question may be answered a moment later. */
  get transient(): boolean {
    return TRANSIENT.has(this.code);
  }
}

interface Reply<Result> {
  data?: Result | null;
  errors?: { message: string; extensions?: { code?: string; hint?: string; requestId?: string } }[];
}

/** Waits in milliseconds before the second and third try of a query; it only reads, so repeating is safe. */
const RETRY_WAITS_MS = [250, 900];

/**
 * Asks the server one question; a mutation goes to `change`.
 *
 * @throws {ApiError} where it cannot be reached or answers with an error.
 * @throws {DOMException} `AbortError` where `signal` was aborted.
 */
export async function ask<Result, Variables>(
  operation: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Result> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await post(operation, variables, signal);
    } catch (error) {
      const wait = RETRY_WAITS_MS[attempt];
      if (wait === undefined || !(error instanceof ApiError && error.transient)) throw error;
      await pause(wait, signal);
    }
  }
}

/**
 * Changes something on the server: once, with the page's token, and never again by itself.
 *
 * @throws {ApiError} where it cannot be reached or answers with an error; `UNAUTHENTICATED` without the right token.
 */
export function change<Result, Variables>(
  operation: TadaDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  return post(operation, variables, undefined, { authorization: `Bearer ${token() ?? ''}` });
}

async function post<Result, Variables>(
  operation: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
  headers: Record<string, string> = {},
): Promise<Result> {
  let response: Response;
  try {
    response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body: JSON.stringify({ query: textOf(operation), variables }),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('The server cannot be reached.', 'NETWORK', 'Is `arete serve` still running?');
  }
  const reply = (await response.json().catch(() => null)) as Reply<Result> | null;
  signal?.throwIfAborted();
  const error = reply?.errors?.[0];
  if (error) {
    const { code = 'FAILED', hint = '', requestId = '' } = error.extensions ?? {};
    throw new ApiError(error.message, code, hint, requestId);
  }
  if (!response.ok || !reply?.data) {
    const code = response.status >= 502 && response.status <= 504 ? 'NETWORK' : 'FAILED';
    throw new ApiError(`The server answered with status ${response.status}.`, code);
  }
  return reply.data;
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

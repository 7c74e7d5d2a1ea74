import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, ask } from './client';
import { ClassesQuery } from './generated/classes';
import { RunsQuery } from './generated/runs';

const fetched = vi.fn<typeof fetch>();

function answer(body: unknown, status = 200): Response {
  return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status });
}

beforeEach(() => {
  vi.useFakeTimers();
  fetched.mockReset();
  vi.stubGlobal('fetch', fetched);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('ask', () => {
  it('posts the operation with its fragments and gives the data', async () => {
    fetched.mockResolvedValue(answer({ data: { run: null } }));
    const data = await ask(ClassesQuery, { run: 'demo', first: 5, after: null });
    expect(data).toEqual({ run: null });
    const [url, init] = fetched.mock.calls[0]!;
    expect(url).toBe('/graphql');
    const body = JSON.parse(init!.body as string) as { query: string; variables: unknown };
    expect(body.variables).toEqual({ run: 'demo', first: 5, after: null });
    expect(body.query).toContain('query Classes');
    expect(body.query).toContain('fragment ClassFields on Class');
    expect(body.query).not.toContain('_unmask');
  });

  it('raises the server’s message, code and hint, and asks no second time', async () => {
    const extensions = { code: 'NOT_FOUND', hint: 'the run has 24 classes', requestId: 'r1' };
    fetched.mockResolvedValue(
      answer({ data: { class: null }, errors: [{ message: 'no class', extensions }] }),
    );
    const error = await ask(RunsQuery, {}).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ message: 'no class', ...extensions });
    expect(fetched).toHaveBeenCalledTimes(1);
  });

  it('tries again where the server was away for a moment', async () => {
    fetched
      .mockRejectedValueOnce(new TypeError('failed'))
      .mockResolvedValueOnce(answer('', 503))
      .mockResolvedValueOnce(answer({ data: { runs: [] } }));
    const data = ask(RunsQuery, {});
    await vi.runAllTimersAsync();
    expect(await data).toEqual({ runs: [] });
    expect(fetched).toHaveBeenCalledTimes(3);
  });

  it('gives up after three tries and says what to look at', async () => {
    fetched.mockRejectedValue(new TypeError('failed'));
    const error = ask(RunsQuery, {}).catch((reason: unknown) => reason);
    await vi.runAllTimersAsync();
    expect(await error).toMatchObject({
      code: 'NETWORK',
      hint: expect.stringContaining('arete serve') as string,
    });
    expect(fetched).toHaveBeenCalledTimes(3);
  });

  it('does not retry what the server refuses', async () => {
    fetched.mockResolvedValue(answer('<html>', 404));
    await expect(ask(RunsQuery, {})).rejects.toMatchObject({ code: 'FAILED' });
    expect(fetched).toHaveBeenCalledTimes(1);
  });

  it('stops waiting when it is aborted', async () => {
    fetched.mockRejectedValue(new TypeError('failed'));
    const controller = new AbortController();
    const error = ask(RunsQuery, {}, controller.signal).catch((reason: unknown) => reason);
    await vi.advanceTimersByTimeAsync(10);
    controller.abort();
    expect(await error).toMatchObject({ name: 'AbortError' });
    await vi.runAllTimersAsync();
    expect(fetched).toHaveBeenCalledTimes(1);
  });
});

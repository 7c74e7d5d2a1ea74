import { ask } from '$lib/api/client';
import { ChannelInClassQuery } from '$lib/api/generated/channel-in-class';
import type { ChannelInClass } from '$lib/api/operations';
import { Resource } from './resource.svelte';

const REMEMBERED = 300;
const STRONGEST = 5;
const LATER_MS = 30;

/** One channel seen from one class, asked for when first looked at and then remembered. */
export class Details {
  #known = new Map<string, Resource<ChannelInClass>>();
  #changes: () => number;

  /** @param changes rises when what was remembered no longer holds */
  constructor(changes: () => number) {
    this.#changes = changes;
  }

  /** The answer, which may still be on its way. */
  of(channel: string, classId: string): Resource<ChannelInClass> {
    const key = `${classId} ${channel} ${this.#changes()}`;
    let resource = this.#known.get(key);
    if (!resource) {
      resource = new Resource<ChannelInClass>(1);
      this.#known.set(key, resource);
      if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    }
    resource.load(key, async (signal) => {
      // What is looked at lights up first; the answer comes later in any case.
      await new Promise((resolve) => setTimeout(resolve, LATER_MS));
      signal.throwIfAborted();
      const variables = { channel, class: classId, first: STRONGEST };
      return (await ask(ChannelInClassQuery, variables, signal)).channelInClass!;
    });
    return resource;
  }
}

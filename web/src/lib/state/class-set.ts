/** A set of classes as a view holds it: indexes in the run (`3`) and named groups (`@dogs`). */

/** A named group as far as a set needs it. */
export interface NamedGroup {
  name: string;
  classIds: readonly string[];
}

/** The indexes of a set, ascending, each once; parts that name nothing are left out. */
export function membersOf(set: readonly string[], groups: readonly NamedGroup[]): number[] {
  const members = new Set<number>();
  for (const part of set) {
    const group = groups.find(({ name }) => `@${name}` === part);
    const parts = group ? group.classIds.map((id) => id.slice(id.lastIndexOf('/') + 1)) : [part];
    for (const each of parts) if (/^\d+$/.test(each)) members.add(Number(each));
  }
  return [...members].sort((a, b) => a - b);
}

/**
 * A set without some classes, as it is where it holds none of them: a group's name stays as long as it fits. No class can
 * be on both sides of a comparison.
 */
export function withoutMembers(
  set: readonly string[],
  without: readonly number[],
  groups: readonly NamedGroup[],
): readonly string[] {
  const members = membersOf(set, groups);
  const rest = members.filter((index) => !without.includes(index));
  return rest.length === members.length ? set : writeSet(rest);
}

/** Indexes as a set. */
export function writeSet(indexes: Iterable<number>): string[] {
  return [...new Set(indexes)].sort((a, b) => a - b).map(String);
}

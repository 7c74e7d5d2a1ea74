import type { Drawing } from './drawing';

export interface Hidden {
  vertices: Set<string>;
  edges: Set<string>;
}

/** What a floor takes out of a drawing: the edges seen in a smaller share of the images, as the server's `minShare`. */
export function below(drawing: Drawing | null, floor: number): Hidden {
  const edges = new Set<string>();
  for (const { id, share } of floor > 0 ? (drawing?.edges ?? []) : []) {
    if (share < floor) edges.add(id);
  }
  return { vertices: new Set(), edges };
}

import type { initGraphQLTada, TadaDocumentNode } from 'gql.tada';
import type { introspection } from './schema';

type Tada = ReturnType<typeof initGraphQLTada<{ introspection: introspection; disableMasking: true }>>;

/** What stands behind a typed operation: its text without, and with, that of its fragments. */
interface Written {
  own: string;
  text: string;
}

const write = (own: string, fragments: readonly Written[] = []): Written => ({
  own,
  text: [own, ...fragments.map((fragment) => fragment.own)].join(' '),
});

/** Types an operation by the server's schema; what it gives is never parsed here, only sent. */
export const graphql = write as unknown as Tada;

/** What is sent: the operation and every fragment that it uses, as `operations.json` lists it. */
export function textOf<Result, Variables>(operation: TadaDocumentNode<Result, Variables>): string {
  return (operation as unknown as Written).text;
}

export type { FragmentOf, ResultOf, TadaDocumentNode, VariablesOf } from 'gql.tada';

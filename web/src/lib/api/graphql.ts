import { initGraphQLTada } from 'gql.tada';
import type { introspection } from './schema';

/** Writes an operation whose variables and result are typed by the server's schema. */
export const graphql = initGraphQLTada<{ introspection: introspection; disableMasking: true }>();

export type { FragmentOf, ResultOf, TadaDocumentNode, VariablesOf } from 'gql.tada';

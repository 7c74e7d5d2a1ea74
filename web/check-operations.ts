import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSchema, Kind, parse, validate, type DocumentNode } from 'graphql';
import { print } from '@0no-co/graphql.web';
import { runnerImport, type Plugin } from 'vite';

const OPERATIONS = fileURLToPath(new URL('src/lib/api/operations.ts', import.meta.url));

/** Validates every operation of the viewer against the server's schema; a build with one that does not fit fails. */
export function checkOperations(schemaFile: string): Plugin {
  return {
    name: 'check-operations',
    async buildStart() {
      const schema = buildSchema(readFileSync(schemaFile, 'utf8'));
      const { module } = await runnerImport<Record<string, DocumentNode>>(OPERATIONS, {
        configFile: false,
        logLevel: 'error',
        resolve: { alias: {} },
      });
      const documents = Object.entries(module).filter(([, value]) => value.kind === Kind.DOCUMENT);
      if (documents.length === 0) this.error(`no operation was found in ${OPERATIONS}`);
      for (const [name, document] of documents) {
        const errors = validate(schema, parse(print(document as never)));
        if (errors.length > 0)
          this.error(`${name} does not fit ${schemaFile}: ${errors.map(String).join('\n')}`);
      }
    },
  };
}

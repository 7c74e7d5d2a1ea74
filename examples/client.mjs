// Asks a running Arête from Node 20 or a browser: `node client.mjs [http://127.0.0.1:8700]`.
// With ARETE_TOKEN, what `arete serve` prints after `#token=`, it also makes a group.

const url = process.argv[2] ?? 'http://127.0.0.1:8700';
const token = process.env.ARETE_TOKEN;

/** Sends a query, or with the token a mutation; returns its data. */
async function ask(query, variables = {}, { write = false } = {}) {
  const answer = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(write && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(60_000),
  });
  const { data, errors } = await answer.json();
  if (errors) {
    const { message, extensions } = errors[0];
    throw new Error(`${extensions.code}: ${message}${extensions.hint && ` (${extensions.hint})`}`);
  }
  return data;
}

const { runs } = await ask('{ runs { id } }');
if (runs.length === 0) throw new Error('no run is loaded: try `arete demo`');
const run = runs[0].id;

const graph = `query Graph($id: ID!) {
  class(id: $id) { name graph(mass: 0.2) { vertices { rank channel { id layer } } } }
}`;
const found = (await ask(graph, { id: `${run}/0` })).class;
console.log(`${found.name}: the strongest channel of each layer`);
const strongest = new Map();
for (const vertex of found.graph.vertices) {
  const before = strongest.get(vertex.channel.layer);
  if (!before || vertex.rank > before.rank) strongest.set(vertex.channel.layer, vertex);
}
for (const { rank, channel } of strongest.values()) console.log(`  ${channel.id} ${rank.toFixed(4)}`);

const create = `mutation Group($run: ID!, $name: String!, $classes: [ID!]!) {
  createGroup(run: $run, name: $name, classes: $classes, replace: true) { id }
}`;
const group = { run, name: 'made by an example', classes: [`${run}/0`, `${run}/1`] };
if (token) console.log('made group', (await ask(create, group, { write: true })).createGroup.id);
else console.log('no token, so no group is made');

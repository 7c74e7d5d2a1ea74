import { graphql, type FragmentOf, type ResultOf } from './graphql';

const ClassFields = graphql(`
  fragment ClassFields on Class @_unmask {
    id
    index
    name
    kind
    images
    failed
    accuracy
    histogram
    mass
    droppedShare
    runId
  }
`);

const ChannelFields = graphql(`
  fragment ChannelFields on Channel @_unmask {
    id
    layer
    layerIndex
    index
    label
    picture {
      url
      tiles
      tilePx
    }
  }
`);

/** Every run in the database, with its layers. */
export const RunsQuery = graphql(`
  query Runs {
    runs {
      id
      name
      model
      dataset
      images
      imageSize
      classCount
      channelCount
      createdAt
      layers {
        id
        name
        index
        kind
        channelCount
        height
        width
      }
    }
  }
`);

/** One page of a run's classes, in the order of their index. */
export const ClassesQuery = graphql(
  `
    query Classes($run: ID!, $first: Int!, $after: String) {
      run(id: $run) {
        id
        classes(first: $first, after: $after) {
          totalCount
          nodes {
            ...ClassFields
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  `,
  [ClassFields],
);

/** A class's attribution graph at one kept mass; null mass is the class's own. */
export const ClassGraphQuery = graphql(
  `
    query ClassGraph($id: ID!, $mass: Float) {
      class(id: $id) {
        ...ClassFields
        graph(mass: $mass) {
          mass
          cypher
          vertices {
            channel {
              ...ChannelFields
            }
            count
            share
            rank
          }
          edges {
            source
            target
            count
            share
          }
        }
      }
    }
  `,
  [ClassFields, ChannelFields],
);

/** The statement behind what is on screen, where a floor leaves weaker vertices and edges out. */
export const GraphCypherQuery = graphql(`
  query GraphCypher($id: ID!, $mass: Float, $minShare: Float!) {
    class(id: $id) {
      graph(mass: $mass, minShare: $minShare) {
        cypher
      }
    }
  }
`);

/** Two attribution graphs laid over each other. */
export const CompareQuery = graphql(
  `
    query Compare($a: ID!, $b: ID!, $operation: SetOperation!, $mass: Float, $minShare: Float!) {
      compare(a: $a, b: $b, operation: $operation, mass: $mass, minShare: $minShare) {
        a {
          ...ClassFields
        }
        b {
          ...ClassFields
        }
        operation
        massA
        massB
        cypher
        vertices {
          channel {
            ...ChannelFields
          }
          membership
          countA
          countB
          rankA
          rankB
        }
        edges {
          source
          target
          membership
          countA
          countB
        }
        layers {
          layer
          layerIndex
          onlyA
          shared
          onlyB
          jaccard
          weightedJaccard
        }
      }
    }
  `,
  [ClassFields, ChannelFields],
);

/** One channel seen from one class: what the card shows. */
export const ChannelInClassQuery = graphql(
  `
    query ChannelInClass($channel: ID!, $class: ID!, $first: Int!) {
      channelInClass(channel: $channel, class: $class, first: $first) {
        count
        share
        rank
        rankInLayer
        inputs {
          channel {
            ...ChannelFields
          }
          count
          share
        }
        outputs {
          channel {
            ...ChannelFields
          }
          count
          share
        }
        otherClasses {
          class {
            id
            index
            name
          }
          count
          share
        }
      }
    }
  `,
  [ChannelFields],
);

export type Run = ResultOf<typeof RunsQuery>['runs'][number];
export type Layer = Run['layers'][number];
export type ClassPage = NonNullable<ResultOf<typeof ClassesQuery>['run']>['classes'];
export type ClassInfo = FragmentOf<typeof ClassFields>;
export type Channel = FragmentOf<typeof ChannelFields>;
export type Picture = NonNullable<Channel['picture']>;
export type ClassWithGraph = NonNullable<ResultOf<typeof ClassGraphQuery>['class']>;
export type AttributionGraph = NonNullable<ClassWithGraph['graph']>;
export type Comparison = NonNullable<ResultOf<typeof CompareQuery>['compare']>;
export type LayerOverlap = Comparison['layers'][number];
export type SetOperation = Comparison['operation'];
export type Membership = Comparison['vertices'][number]['membership'];
export type ChannelInClass = NonNullable<ResultOf<typeof ChannelInClassQuery>['channelInClass']>;
export type Neighbor = ChannelInClass['inputs'][number];
